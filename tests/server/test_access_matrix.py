"""Every route of the table against every kind of caller: who gets in is what the row says."""

from types import SimpleNamespace

import httpx
import pytest

from api import app, guard
from api.callers import PUBLIC, READS
from api.edge import BELOW
from api.platform import HttpSettings
from api.routes import ROUTES
from tests.server import mutations, raw
from tests.server.harness import copied, until
from tests.server.principals import (
    HALF_WAY,
    MUST_CHANGE,
    MUST_SET_UP,
    PRINCIPALS,
    SET_UP,
    demanded,
    furnish,
)
from tests.server.template import sources_yml, write_rows, write_sources

HTTP = tuple(route for route in ROUTES if route.method != "WS")
SOCKETS = tuple(route for route in ROUTES if route.method == "WS")
LOGIN = "/login?next="
SECRET = "hunter2-marked-secret"
VALUE = "marked-value-in-a-bad-row"
USUAL = tuple(name for name in PRINCIPALS if name != SET_UP)
UPGRADE = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]


NO_UPSTREAM = 502  # no other server is there to pass a request on to


def disagreements(server, routes, names=USUAL):
    """Cells of the matrix that are not as the table has them."""
    wrong = []
    # Who logs out is no caller any more: that comes last.
    ordered = sorted(routes, key=lambda route: route.path.endswith("/logout"))
    for name in names:
        who = PRINCIPALS[name]
        client = server.client(session=who.session, key=who.key, **who.headers)
        shown = client.cookies.get("dango_session")
        for route in ordered:
            if shown is not None:  # a page may have taken it back
                client.cookies.set("dango_session", shown)
            target = mutations.path_of(route).decode()
            body = {"json": {"no_such_field": 1}} if route.method != "GET" else {}
            answer = client.request(route.method, target, **body)
            want, got = demanded(route, who), answer.status_code
            if route.page and want == 401 and answer.headers.get("location", "").startswith(LOGIN):
                got = 401  # people are led to the login instead
            if route.proxied and want is None and got == NO_UPSTREAM:
                continue
            if got >= 500 or (want or got) != got or (want is None and got in (401, 403)):
                wrong.append(f"{name}: {route.method} {route.path}: {got}, not {want}")
    return wrong


def test_every_cell_of_the_matrix_is_as_the_table_has_it(template, tmp_path):
    with copied(template, tmp_path / "project") as server:
        server.start()
        furnish(server)
        assert [] == sockets_that_disagree(server)
        assert [] == disagreements(server, HTTP)


def sockets_that_disagree(server):
    wrong = []
    for name in USUAL:
        who, pairs = PRINCIPALS[name], list(UPGRADE)
        if who.key is not None:
            pairs.append(("Authorization", f"Bearer {server.people.keys[who.key]}"))
        if who.session is not None:
            pairs.append(("Cookie", f"dango_session={server.people.sessions[who.session]}"))
        pairs += who.headers.items()
        for route in SOCKETS:
            answer = raw.send(server.port, raw.request("GET", route.path, pairs), head=True)
            want = demanded(route, who) or 101
            beyond = want == 101 and route.path.endswith(BELOW)  # nobody is there, or no lock
            if want != answer.status and not (beyond and answer.status in (404, 409, NO_UPSTREAM)):
                wrong.append(f"{name}: {route.path}: {answer.status}, not {want}")
    return wrong


def test_where_a_second_factor_is_demanded_who_has_none_may_only_set_one_up(template, tmp_path):
    with copied(template, tmp_path / "project") as server:
        with (server.root / ".dango/project.yml").open("a") as settings:
            settings.write("\nauth:\n  require_2fa: true\n")
        server.start()
        assert [] == disagreements(server, HTTP, (SET_UP, "key of admin", "key of viewer"))


def test_the_matrix_notices_a_route_that_lost_its_guard(template, tmp_path):
    with copied(template, tmp_path / "project", ("-m", "tests.server.planted")) as server:
        server.start()
        rows = [route for route in HTTP if route.path == "/api/events"]
        wrong = disagreements(server, rows, ("anonymous, local", "session of viewer"))
        assert [
            "anonymous, local: GET /api/events: 200, not 401",
            "session of viewer: GET /api/events: 200, not 403",
        ] == wrong


def test_a_partial_session_opens_its_one_door_and_what_anybody_may():
    who = PRINCIPALS["partial session"]
    opened = {r.path for r in HTTP if demanded(r, who) is None and r.access not in (PUBLIC, READS)}
    doors = {"/api/auth/2fa/verify", "/login/code", "/api/auth/logout", "/logout"}
    assert doors == opened


def test_what_is_held_is_what_the_guard_holds():
    assert (MUST_CHANGE, MUST_SET_UP, HALF_WAY) == (
        guard.UNTIL_CHANGED,
        guard.UNTIL_SET_UP,
        guard.UNTIL_COMPLETE,
    )


def test_the_framework_has_no_route_without_a_row():
    edge = app.create(SimpleNamespace(settings=HttpSettings()), HTTP)
    routes = {
        (method, route.path)
        for route in edge._app.routes
        for method in route.methods
        if method != "OPTIONS"
    }
    assert {(route.method, route.path) for route in HTTP} == routes


def test_what_is_no_route_is_404_for_everybody(server, admin):
    for client in (server.client(), admin):
        for path in ("/api/nothing", "/schema", "/nothing", "/api/events/x/y", "/api/sources/x/y"):
            assert client.get(path).status_code in (401, 404), path


@pytest.fixture(scope="module")
def told(template, tmp_path_factory):
    """A server with a secret in its configuration, and values in an error."""
    with copied(template, tmp_path_factory.mktemp("told") / "project") as server:
        secret = f"  - name: shop\n    type: matomo\n    matomo:\n      api_token: {SECRET}\n"
        write_sources(server.root, sources_yml("orders", "broken") + secret)
        broken = server.root / "data/uploads/broken/broken.csv"
        write_rows(broken, 50)
        broken.write_text(broken.read_text() + f"1,{VALUE},2.5,{VALUE}\n" * 40)
        server.start()
        admin = server.client(session="admin")
        assert "failed" == server.sync(admin, "broken")["status"]
        yield server


def test_anonymous_callers_see_no_configuration_and_no_error_text(told):
    admin, anonymous = told.client(session="admin"), told.client()
    known = admin.get("/api/sources/broken/details").json()
    assert known["error"]
    assert known["config"]
    assert "****" == admin.get("/api/sources/shop/details").json()["config"]["matomo"]["api_token"]
    for route in HTTP:
        if route.method != "GET" or route.access not in (READS, PUBLIC):
            continue
        for source in ("broken", "shop"):
            answer = anonymous.get(mutations.path_of(route, source.encode()).decode())
            assert answer.status_code in (200, 303, 400, 404), route.path
            for hidden in (SECRET, VALUE, "****", "data/uploads", known["error"]):
                assert hidden not in answer.text, (route.path, hidden)


def test_no_answer_and_no_event_holds_a_secret_of_the_configuration(told):
    admin = told.client(session="admin")
    for path in (
        "/api/sources",
        "/api/sources/shop/details",
        "/api/events?limit=1000",
        "/api/logs",
    ):
        assert SECRET not in admin.get(path).text
    found = [
        path for path in (told.root / ".dango").iterdir()
        if path.is_file() and path.suffix != ".yml" and SECRET.encode() in path.read_bytes()
    ]  # fmt: skip
    assert [] == found


def test_a_revoked_session_and_a_revoked_key_are_refused_by_the_next_request(own):
    own.start()
    admin = own.client(session="admin")
    for _ in range(20):
        key = admin.post("/api/auth/api-keys", json={"name": "short"}).json()
        bearer = {"authorization": f"Bearer {key['key']}"}
        assert 200 == httpx.get(f"{own.url}/api/auth/api-keys", headers=bearer).status_code
        assert 200 == admin.delete(f"/api/auth/api-keys/{key['id']}").status_code
        assert 401 == httpx.get(f"{own.url}/api/auth/api-keys", headers=bearer).status_code
    cookie = {"dango_session": own.people.sessions["admin"]}
    assert 200 == admin.post("/api/auth/logout").status_code
    until(lambda: httpx.get(f"{own.url}/api/auth/me", cookies=cookie).status_code == 200)
    assert not httpx.get(f"{own.url}/api/auth/me", cookies=cookie).json()["authenticated"]
