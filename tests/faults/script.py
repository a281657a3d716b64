"""A client that changes things, and keeps the account of what it was told.

Every request has an Idempotency-Key of its own, which is its X-Request-ID too, so that its events
can be found by their correlation.
"""

import httpx
import msgspec

from tests.server.harness import Server

DONE = (200, 201)
GONE = (409, None)  # carried out before; its answer, which showed a secret, is not kept


class Told(msgspec.Struct):
    """What is known of one request; `status` None is no answer at all."""

    method: str
    path: str
    body: dict | None
    event: str  # the one that it leads to
    status: int | None = None
    error_code: str | None = None
    detail: str | None = None

    @property
    def acknowledged(self) -> bool:
        return self.status in DONE


class Script:
    """Requests of one kind after the other; the same ones for the same name."""

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name = server, name
        self.told: dict[str, Told] = {}
        self._client = server.client(session="admin")

    def run(self, rounds: int, *, users: bool = False) -> bool:
        """Keys are made and taken back; False as soon as the server gives no answer."""
        for number in range(rounds):
            made = self.send(f"make-{number}", "POST", "/api/auth/api-keys",
                             {"name": f"{self.name}-{number}"}, "api_key_created")  # fmt: skip
            if made is None:
                return False
            if made.status_code in DONE:
                path = f"/api/auth/api-keys/{made.json()['id']}"
                if self.send(f"take-{number}", "DELETE", path, None, "api_key_revoked") is None:
                    return False
        return not users or self.add_user() is not None

    def add_user(self) -> httpx.Response | None:
        """An account: its address, name and password go into the vault."""
        body = {"email": f"{self.name}@example.org", "role": "viewer", "generate_password": True}
        return self.send("user", "POST", "/api/admin/users", body, "user_created")

    def send(
        self, id: str, method: str, path: str, body: dict | None, event: str
    ) -> httpx.Response | None:
        """One request; None when there was no answer."""
        told = self.told.setdefault(f"{self.name}-{id}", Told(method, path, body, event))
        return self._ask(f"{self.name}-{id}", told)

    def again(self) -> list[Told]:
        """Ask again for all that was not acknowledged; answers what these were told before."""
        unsure = {id: told for id, told in self.told.items() if not told.acknowledged}
        before = [msgspec.structs.replace(told) for told in unsure.values()]
        for id, told in unsure.items():
            self._ask(id, told)
            assert told.acknowledged or (told.status, told.error_code) == GONE, told
        return before

    def tidy(self) -> None:
        """Take back the keys that are left: an account may not have many."""
        for key in self._client.get("/api/auth/api-keys").json():
            if key["name"].startswith(f"{self.name}-"):
                taken = self._client.delete(f"/api/auth/api-keys/{key['id']}")
                assert taken.status_code in DONE, taken.text

    def _ask(self, id: str, told: Told) -> httpx.Response | None:
        headers = {"idempotency-key": id, "x-request-id": id}
        told.status = told.error_code = told.detail = None
        try:
            answer = self._client.request(told.method, told.path, json=told.body, headers=headers)
        except httpx.TransportError:
            return None
        told.status = answer.status_code
        if not told.acknowledged:
            told.error_code = answer.json().get("error_code")
            told.detail = answer.json()["detail"]
        return answer

    def stored(self) -> dict[str, list[str]]:
        """The events that each request was for, as far as they are there."""
        found: dict[str, list[str]] = {id: [] for id in self.told}
        after, more = 0, True
        while more:
            query = {"after": after, "limit": 1000}
            page = self._client.get("/api/events", params=query).json()
            for event in page["events"]:
                after = event["position"]
                told = self.told.get(event["correlation"])
                if told is not None and event["type"] == told.event:
                    found[event["correlation"]].append(event["type"])
            more = page["more"]
        return found

    def wanted(self) -> dict[str, list[str]]:
        """What `stored` has to be, once every request was acknowledged or found carried out."""
        return {id: [told.event] for id, told in self.told.items()}

    def sound(self) -> None:
        """The chain holds, the rows of the views are those that the log makes."""
        proof = self._client.get("/api/events/verify").json()
        assert (True, proof["events"]) == (proof["ok"], proof["head"])
        check = self._client.post("/api/projections/check").json()
        assert {"equal": True, "differences": []} == check
