"""?as_of= on every GET: a position, a time, or a clear no."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from api.routes import ROUTES
from tests.server import mutations
from tests.server.harness import until
from tests.server.template import sources_yml, write_rows, write_sources

GETS = tuple(route for route in ROUTES if route.method == "GET")


@pytest.fixture(scope="module")
def moved(server):
    """The position before a second source and a sync; the module's server has both now."""
    admin = server.client(session="admin")
    before, at = server.head(admin), datetime.now(UTC)
    server.sync(admin, "orders")
    write_rows(server.root / "data/uploads/later/later.csv", 10)
    write_sources(server.root, sources_yml("orders", "later"))
    until(lambda: len(admin.get("/api/sources").json()) == 2)
    return before, at


def test_the_past_is_shown_by_position_and_by_time(server, admin, moved):
    position, at = moved
    zone = timezone(timedelta(hours=5, minutes=30))
    behind = timezone(-timedelta(hours=8))
    for as_of in (position, at.isoformat(), at.astimezone(zone).isoformat(),
                  at.astimezone(behind).isoformat(), f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"):  # fmt: skip
        answer = admin.get("/api/sources", params={"as_of": str(as_of)})
        assert 200 == answer.status_code, answer.text
        assert str(position) == answer.headers["x-as-of"], as_of
        assert [("orders", "not_synced")] == [(s["name"], s["status"]) for s in answer.json()]
    now = admin.get("/api/sources")
    assert "x-as-of" not in now.headers
    assert {"orders": "synced", "later": "not_synced"} == {
        s["name"]: s["status"] for s in now.json()
    }


def test_filters_by_time_mind_the_zone(server, admin, moved):
    _, at = moved
    zone = timezone(timedelta(hours=9))
    for spelled in (at, at.astimezone(zone)):
        found = admin.get("/api/events", params={"since": spelled.isoformat(), "after": 0}).json()
        assert moved[0] < found["events"][0]["position"]
        earlier = admin.get("/api/events", params={"until": spelled.isoformat()}).json()
        assert moved[0] == earlier["events"][0]["position"]


def test_before_the_first_event_there_was_nothing(admin):
    for as_of in ("0", "1990-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"):
        answer = admin.get("/api/sources", params={"as_of": as_of})
        assert (200, []) == (answer.status_code, answer.json()), as_of


@pytest.mark.parametrize(
    "as_of",
    ["-1", "999999999", "9" * 40, "x", "", "2999-01-01T00:00:00Z", "2026-01-01", "\u0661", "1.0",
     "2026-01-01T00:00:00", "9999-12-31T23:59:59-12:00", "2026-13-01T00:00:00Z", "null", "0x1"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/api/sources", "/api/events", "/api/logs"])
def test_what_is_no_past_is_422(admin, path, as_of):
    answer = admin.get(path, params={"as_of": as_of})
    assert 422 == answer.status_code
    assert "as_of" == answer.json()["fields"][0]["path"]
    assert "x-as-of" not in answer.headers


@pytest.mark.parametrize("route", GETS, ids=lambda route: route.path)
def test_every_get_takes_as_of_or_says_why_not(server, admin, moved, route):
    asked = {"as_of": moved[0], **({"q": "orders"} if route.path.endswith("/search") else {})}
    answer = admin.get(mutations.path_of(route, b"orders").decode(), params=asked)
    if "{" in route.path and ":int" in route.path:
        answer = admin.get(mutations.path_of(route, b"1").decode(), params=asked)
    if route.always_now is not None:
        assert 422 == answer.status_code
        assert route.page or route.always_now in answer.json()["detail"]
    elif answer.status_code == 200:
        assert str(moved[0]) == answer.headers["x-as-of"]
    else:
        assert 404 == answer.status_code


def test_a_position_that_was_is_answered_alike_later(server, admin, moved):
    position = server.head(admin)
    paths = ("/api/sources", "/api/sources/orders/details", "/api/logs", "/api/events?limit=50")
    before = [admin.get(path, params={"as_of": position}).json() for path in paths[:3]]
    server.sync(admin, "orders")
    admin.post("/api/auth/api-keys", json={"name": "later"})
    assert before == [admin.get(path, params={"as_of": position}).json() for path in paths[:3]]
    listed = admin.get(paths[3], params={"as_of": position}).json()
    assert position == listed["head"]
    assert position == listed["events"][0]["position"]
