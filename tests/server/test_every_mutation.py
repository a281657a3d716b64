"""Every mutating route of the table, twice under one Idempotency-Key: once done, once answered.

Bodies and names in paths are tried until one is taken, so a new route stands under the law at once;
what was never taken is repeated too, and must have led to nothing new either.
"""

import contextlib
import itertools
import re

import httpx
import pytest

from api.callers import PUBLIC
from api.routes import ROUTES
from tests.server.forks import Forks
from tests.server.harness import copied
from tests.server.mutations import BODIES
from tests.server.template import PASSWORD

# A session that the first request ends cannot repeat it.
ENDS_ITSELF = ("/api/auth/logout", "/api/auth/change-password")
MUTATING = tuple(
    route
    for route in ROUTES
    if route.method not in ("GET", "WS")
    and not route.page
    and route.access != PUBLIC
    and route.path not in ENDS_ITSELF
)
# Routes that were taken when this was written: others may come, none of these may fall away.
TAKEN = {
    "DELETE /api/auth/api-keys/{key_id:str}",
    "DELETE /api/auth/sessions/{session_id:str}",
    "POST /api/admin/users",
    "POST /api/admin/users/{user_id:str}/reset-password",
    "POST /api/auth/api-keys",
    "POST /api/projections/check",
    "POST /api/projections/{name:str}/rebuild",
    "POST /api/query",
    "POST /api/sources/{source_name:str}/sync",
    "DELETE /api/sources/{source_name:str}",
    "POST /api/initial-sync/deploy-token",
    "POST /api/initial-sync/start",
    "POST /api/secrets",
    "POST /api/sources",
    "POST /api/sync/trigger",
    "POST /api/warehouse/maintenance",
}

TRIED = (*BODIES, {"sources": ["orders"]}, None)


def name(route):
    return f"{route.method} {route.path}"


def names(server, admin):
    """What can stand in a path, by the name of its parameter."""
    job = server.sync(admin, "orders")["id"]
    made = admin.post("/api/auth/api-keys", json={"name": "to be revoked"}).json()
    users = {user["email"]: user["id"] for user in admin.get("/api/admin/users").json()}
    with httpx.Client(base_url=server.url) as other:
        body = {"email": "admin@example.org", "password": PASSWORD}
        assert 200 == other.post("/api/auth/login", json=body).status_code
        cookies = other.cookies
    sessions = httpx.get(f"{server.url}/api/auth/sessions", cookies=cookies).json()
    return {
        "source_name": "orders",
        "job_id": job,
        "key_id": made["id"],
        "user_id": users["viewer@example.org"],
        "session_id": next(each["id"] for each in sessions if each["is_current"]),
        "name": "all",
    }


def path(route, values):
    return re.sub(r"\{(\w+):\w+\}", lambda found: str(values.get(found[1], "1")), route.path)


def repeated(server, admin, routes):
    """Each route with each body twice; answers the routes that were taken, and what was wrong."""
    values, taken, wrong = names(server, admin), set(), []
    # Who is deleted has no password to reset: that comes last.
    # A source that is changed or removed has nothing to sync.
    last = ("DELETE /api/admin/users", "DELETE /api/sources", "PUT /api/sources")
    ordered = sorted(routes, key=lambda route: name(route).startswith(last))
    for route, (number, body) in itertools.product(ordered, enumerate(TRIED)):
        if name(route) in taken:
            continue
        key = f"{name(route).replace(' ', '_')}-{number}"
        ids = [f"{abs(hash(key))}-{turn}" for turn in (1, 2)]
        first, again = (
            admin.request(
                route.method,
                path(route, values),
                json=body,
                headers={"idempotency-key": key, "x-request-id": id},
            )
            for id in ids
        )
        if first.status_code < 300:
            taken.add(name(route))
            # While it runs another one would be refused.
            if "sync" in route.path and (job := first.json().get("job_id")) is not None:
                server.job(admin, job)
        events = admin.get("/api/events", params={"correlation": ids[1]}).json()["events"]
        kinds = [event["type"] for event in events]
        if first.status_code < 300 and (first.status_code, first.content) != (
            again.status_code,
            again.content,
        ):
            wrong.append((key, first.text[:200], again.text[:200]))
        if kinds and (first.status_code < 300 or kinds != ["query_executed"]):
            wrong.append((key, kinds))
    return taken, wrong


def test_every_mutating_route_does_a_repeated_request_once(server, admin):
    taken, wrong = repeated(server, admin, MUTATING)

    assert [] == wrong
    assert set() == TAKEN - taken


def test_a_server_that_does_not_know_its_keys_is_found_out(template, tmp_path):
    with (
        contextlib.closing(Forks("keys_unknown")) as forks,
        copied(template, tmp_path / "forked", forks=forks) as server,
    ):
        server.start()
        routes = [route for route in MUTATING if "api-keys" in route.path]
        _, wrong = repeated(server, server.client(session="admin"), routes)

    assert wrong


@pytest.mark.parametrize("route", ENDS_ITSELF)
def test_routes_that_are_left_out_are_there(route):
    assert route in {each.path for each in ROUTES}
