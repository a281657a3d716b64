"""Clients whose server is killed under their hands, and what must be true of it afterwards.

Each answer is sorted as Jepsen does: it is certain that something was done, certain that it was
not, or unknown; what is unknown is asked again under the same Idempotency-Key until it is certain.
"""

import itertools
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random

import httpx
import msgspec

CLIENTS = 8
ALIVE_S = (0.02, 0.3)  # how long the server is left to work after each start
END_S = 60
PATIENCE_S = 20


class Worker:
    """A client that makes keys and takes them back."""

    def __init__(self, server, name, stopped):
        self._server, self._name, self._stopped = server, name, stopped
        self.made, self.taken, self.refused, self.unknown = {}, {}, {}, 0

    def run(self):
        cookies = {"dango_session": self._server.people.sessions["editor"]}
        with httpx.Client(base_url=self._server.url, cookies=cookies, timeout=PATIENCE_S) as client:
            for number in itertools.count():
                if self._stopped.is_set():
                    return
                self._turn(client, f"{self._name}-{number}")

    def _turn(self, client, id):
        made = self._certain(client, "POST", "/api/auth/api-keys", f"make-{id}", {"name": id})
        if made.status_code == 409:  # made, and the kill came before its answer could be kept?
            keys = self._certain(client, "GET", "/api/auth/api-keys", f"look-{id}").json()
            key = next((each["id"] for each in keys if each["name"] == id), None)
        else:
            key = made.json().get("id")
        if key is None:
            self.refused[f"make-{id}"] = made.text
            return
        self.made[f"make-{id}"] = key
        taken = self._certain(client, "DELETE", f"/api/auth/api-keys/{key}", f"take-{id}")
        told = self.taken if taken.status_code == 200 else self.refused
        told[f"take-{id}"] = key

    def _certain(self, client, method, path, id, body=None):
        headers = {"idempotency-key": id, "x-request-id": id}
        while True:
            try:
                answer = client.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                self.unknown += 1
                time.sleep(0.02)
                continue
            if answer.status_code != 503:
                return answer
            time.sleep(0.1)


class Verdict(msgspec.Struct, kw_only=True):
    """What came out; the sets hold the ids of requests."""

    acknowledged: int
    unknown: int
    starts: list[float]
    lost: set[str]  # acknowledged, and not in the log
    doubled: set[str]  # more than once in the log
    other: set[str]  # in the log as something else than what was answered
    uninvited: set[str]  # in the log, though refused or never asked for
    refused: dict[str, str]
    verified: bool
    rebuilt: dict[str, object]

    @property
    def good(self):
        bad = (self.lost, self.doubled, self.other, self.uninvited, self.refused)
        return not any(bad) and self.verified and self.rebuilt["equal"]

    def told(self):
        return (
            f"{self.acknowledged} acknowledged, {self.unknown} unknown and asked again, ready after"
            f" {statistics.median(self.starts):.2f} s, {max(self.starts):.2f} s at most"
        )


def killed(server, kills, seed):
    """Let clients work on a server that is killed so often; answers the verdict."""
    random = Random(seed)  # noqa: S311 - the same moments for the same seed
    starts, stopped = [server.start()], threading.Event()
    workers = [Worker(server, f"c{number}", stopped) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(worker.run) for worker in workers]
        try:
            for _ in range(kills):
                time.sleep(random.uniform(*ALIVE_S))
                server.kill()
                starts.append(server.start())
        finally:
            stopped.set()
        for each in running:
            each.result(END_S)
    server.kill()  # what was acknowledged last has to outlive this too
    starts.append(server.start())
    return judged(server, workers, starts)


def judged(server, workers, starts):
    """Compare what the clients were told with the log."""
    admin = server.client(session="admin")
    wanted = {id: key for each in workers for id, key in (*each.made.items(), *each.taken.items())}
    refused = {id: text for each in workers for id, text in each.refused.items()}
    stored = stored_keys(admin)
    verified = admin.get("/api/events/verify").json()
    return Verdict(
        acknowledged=len(wanted),
        unknown=sum(worker.unknown for worker in workers),
        starts=starts,
        lost={id for id in wanted if id not in stored},
        doubled={id for id, keys in stored.items() if len(keys) > 1},
        other={id for id in wanted if id in stored and wanted[id] != stored[id][0]},
        uninvited={id for id in stored if id not in wanted},
        refused=refused,
        verified=verified["ok"] and verified["head"] == verified["events"],
        rebuilt=admin.post("/api/projections/check").json(),
    )


def stored_keys(admin):
    """Of each request, the keys that it made or took."""
    found = {}
    for event in all_events(admin):
        if (
            event["type"] in ("api_key_created", "api_key_revoked")
            and event["correlation"] != "template"
        ):
            found.setdefault(event["correlation"], []).append(event["data"]["key_id"])
    return found


def all_events(client):
    found, more = [], True
    while more:
        after = found[-1]["position"] if found else 0
        page = client.get("/api/events", params={"after": after, "limit": 1000}).json()
        found, more = found + page["events"], page["more"]
    return found
