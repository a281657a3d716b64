"""kill -9 over HTTP: nothing that was acknowledged is lost, nothing is done twice, no child stays.

A kill proves nothing about the disk, whose cache outlives the process; it proves that every moment
is a moment at which the process may end.
"""

import itertools
import os
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random

import httpx

from tests.server.harness import children, lives, tell, until
from tests.server.template import ORDERS_ROWS, write_rows

KILLS = 20
CLIENTS = 4
ALIVE_S = (0.02, 0.4)  # how long the server is left to work after each start
READY_S_MAX = 3.0
NOISE = 2.0  # how many times slower a busy machine may be
SEED = int(os.environ.get("DANGO_TEST_SEED", "20261121"))
ROWS = 300_000


class Worker:
    """A client that makes keys and takes them back, and asks again until it knows the outcome."""

    def __init__(self, server, name, stopped):
        self._server, self._name, self._stopped = server, name, stopped
        self.made, self.taken, self.unknown = {}, {}, 0

    def run(self):
        cookies = {"dango_session": self._server.people.sessions["editor"]}
        with httpx.Client(base_url=self._server.url, cookies=cookies, timeout=20) as client:
            for number in itertools.count():
                if self._stopped.is_set():
                    return
                id = f"{self._name}-{number}"
                made = self._certain(
                    client, "POST", "/api/auth/api-keys", f"make-{id}", {"name": id}
                )
                if made.status_code == 200:
                    self.made[f"make-{id}"] = made.json()["id"]
                    path = f"/api/auth/api-keys/{made.json()['id']}"
                    self._certain(client, "DELETE", path, f"take-{id}")
                    self.taken[f"take-{id}"] = made.json()["id"]
                else:  # made, but the kill came before its answer could be kept
                    assert 409 == made.status_code, made.text
                    self.made[f"make-{id}"] = None

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


def test_twenty_kills_lose_nothing_and_double_nothing(own):
    random = Random(SEED)  # noqa: S311 - the same moments for the same seed
    starts, stopped = [own.start()], threading.Event()
    workers = [Worker(own, f"c{number}", stopped) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(worker.run) for worker in workers]
        try:
            for _ in range(KILLS):
                time.sleep(random.uniform(*ALIVE_S))
                own.kill()
                starts.append(own.start())
        finally:
            stopped.set()
        for each in running:
            each.result(60)
    admin = own.client(session="admin")
    made = {id: key for worker in workers for id, key in worker.made.items()}
    taken = {id: key for worker in workers for id, key in worker.taken.items()}
    tell(
        f"{KILLS} kills, seed {SEED}: {len(made) + len(taken)} acknowledged,"
        f" {sum(worker.unknown for worker in workers)} unknown and asked again,"
        f" ready after {statistics.median(starts):.2f} s, {max(starts):.2f} s at most"
    )
    assert len(made) > KILLS
    found = all_events(admin)
    for type, wanted in (("api_key_created", made), ("api_key_revoked", taken)):
        by_request = {}
        for event in found:
            if event["type"] == type and event["correlation"] != "template":
                by_request.setdefault(event["correlation"], []).append(event["data"]["key_id"])
        assert dict.fromkeys(wanted, 1) == {id: len(keys) for id, keys in by_request.items()}
        for id, key in wanted.items():
            assert key in (None, by_request[id][0]), id
    verified = admin.get("/api/events/verify").json()
    assert (True, verified["head"]) == (verified["ok"], verified["events"])
    assert {"equal": True, "differences": []} == admin.post("/api/projections/check").json()
    assert READY_S_MAX * NOISE > statistics.median(starts)


def all_events(client):
    found, more = [], True
    while more:
        after = found[-1]["position"] if found else 0
        page = client.get("/api/events", params={"after": after, "limit": 1000}).json()
        found, more = found + page["events"], page["more"]
    return found


def test_a_sync_that_was_killed_is_interrupted_tried_once_and_succeeds(own):
    own.start()
    admin = own.client(session="admin")
    assert ORDERS_ROWS == own.sync(admin, "orders")["rows_processed"]
    write_rows(own.root / "data/uploads/orders/more.csv", ROWS, first=ORDERS_ROWS + 1)
    job = admin.post("/api/sources/orders/sync", json={}).json()["job_id"]
    until(lambda: working(admin, job), step_s=0.005)
    own.kill()
    own.start()
    count = "select count(*) from raw_orders.orders"
    assert own.rows(admin, count) in ([[ORDERS_ROWS]], [[ORDERS_ROWS + ROWS]])
    assert "interrupted" == own.job(admin, job)["status"]
    asked = until(lambda: list(own.events(admin, type="sync_requested", after=job)))
    assert [(1, job)] == [(e["data"]["retry"], e["data"]["retry_of"]) for e in asked]
    again = own.job(admin, asked[0]["position"])
    assert ("success", ORDERS_ROWS + ROWS) == (again["status"], again["rows_processed"])
    assert [[ORDERS_ROWS + ROWS]] == own.rows(admin, count)


def test_what_is_killed_again_is_not_tried_for_ever(own):
    own.start()
    admin = own.client(session="admin")
    write_rows(own.root / "data/uploads/orders/more.csv", ROWS, first=ORDERS_ROWS + 1)
    job = admin.post("/api/sources/orders/sync", json={}).json()["job_id"]
    kill_at_work(own, admin, job)
    retry = until(lambda: list(own.events(admin, type="sync_requested", after=job)))
    kill_at_work(own, admin, retry[0]["position"])
    time.sleep(0.5)
    asked = own.events(admin, type="sync_requested")
    assert [0, 1] == [event["data"]["retry"] for event in asked]
    # The source is free: nothing stands as running for ever.
    assert ORDERS_ROWS + ROWS == own.sync(admin, "orders")["rows_processed"]


def kill_at_work(server, client, job):
    until(lambda: working(client, job), step_s=0.005)
    server.kill()
    server.start()
    until(lambda: server.job(client, job)["status"] == "interrupted")


def test_no_child_outlives_a_killed_server(own):
    own.start()
    had = until(lambda: found if len(found := children(own.pid)) >= 3 else None)
    own.kill()
    assert [] == [pid for pid in had if lives(pid)]


def working(client, job):
    """Whether a worker of the job has told of progress."""
    status = client.get(f"/api/sync/status/{job}").json()
    assert status["status"] in ("queued", "running"), status
    return status["runs"][0]["progress"]
