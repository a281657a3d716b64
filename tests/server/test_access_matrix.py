"""Every route of the table against every kind of caller: who gets in is what the row says."""

from types import SimpleNamespace

import httpx
import pytest

from api import app
from api.callers import PARTIAL, PUBLIC, READS, SESSION, SIGNED_IN
from api.guard import UNTIL_CHANGED
from api.platform import HttpSettings
from api.routes import ROUTES
from domain import permissions
from domain.permissions import Role
from tests.server import mutations
from tests.server.harness import copied, until
from tests.server.template import sources_yml, write_rows, write_sources

HTTP = tuple(route for route in ROUTES if route.method != "WS")
LOGIN = "/login?next="
SECRET = "hunter2-marked-secret"
VALUE = "marked-value-in-a-bad-row"
# name: (session, key, headers, the role that counts)
CALLERS = {
    "anonymous, local": (None, None, {}, None),
    "anonymous, forwarded": (None, None, {"x-forwarded-for": "203.0.113.7"}, None),
    "anonymous, by another name": (None, None, {"host": "evil.example"}, None),
    **{f"session of {role}": (role, None, {}, role) for role in Role},
    **{f"key of {role}": (None, role, {}, role) for role in Role},
    "expired session": ("expired", None, {}, None),
    "expired key": (None, "expired", {}, "refused"),
    "garbage key": (None, None, {"authorization": f"Bearer dango_ak_{'A' * 38}"}, "refused"),
    "basic credentials": (None, None, {"authorization": "Basic eDp5"}, "refused"),
    "garbage session": (None, None, {"cookie": f"dango_session={'A' * 43}"}, None),
    "password to be changed": ("fresh", None, {}, "fresh"),
}


def demanded(route, name):
    """The status that the row demands, None when the caller gets past the guard."""
    *_, role = CALLERS[name]
    if role == "refused":
        return 401
    if route.access == PUBLIC:
        return None
    if route.access == PARTIAL:
        return 401  # no caller here is half way
    if role is None:
        local = name not in ("anonymous, forwarded", "anonymous, by another name")
        return None if route.access == READS and local else 401
    if role == "fresh":
        return None if route.path in UNTIL_CHANGED else 403
    if route.access == SESSION:
        return 403 if name.startswith("key") else None
    if route.access in (READS, SIGNED_IN) or permissions.may(role, route.access):
        return None
    return 403


def disagreements(server, routes, names=tuple(CALLERS)):
    """Cells of the matrix that are not as the table has them."""
    wrong = []
    # Who logs out is no caller any more: that comes last.
    ordered = sorted(routes, key=lambda route: route.path.endswith("/logout"))
    for name in names:
        session, key, headers, _ = CALLERS[name]
        client = server.client(session=session, key=key, **headers)
        for route in ordered:
            target = mutations.path_of(route).decode()
            body = {"json": {"no_such_field": 1}} if route.method != "GET" else {}
            answer = client.request(route.method, target, **body)
            want, got = demanded(route, name), answer.status_code
            if route.page and want == 401 and answer.headers.get("location", "").startswith(LOGIN):
                got = 401  # people are led to the login instead
            if got >= 500 or (want or got) != got or (want is None and got in (401, 403)):
                wrong.append(f"{name}: {route.method} {route.path}: {got}, not {want}")
    return wrong


def test_every_cell_of_the_matrix_is_as_the_table_has_it(template, tmp_path):
    with copied(template, tmp_path / "project") as server:
        server.start()
        assert [] == disagreements(server, HTTP)


def test_the_matrix_notices_a_route_that_lost_its_guard(template, tmp_path):
    with copied(template, tmp_path / "project", ("-m", "tests.server.planted")) as server:
        server.start()
        rows = [route for route in HTTP if route.path == "/api/events"]
        wrong = disagreements(server, rows, ("anonymous, local", "session of viewer"))
        assert [
            "anonymous, local: GET /api/events: 200, not 401",
            "session of viewer: GET /api/events: 200, not 403",
        ] == wrong


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
        secret = f"  - name: shop\n    type: shopify\n    shopify:\n      api_token: {SECRET}\n"
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
    assert "****" == admin.get("/api/sources/shop/details").json()["config"]["shopify"]["api_token"]
    for route in HTTP:
        if route.method != "GET" or route.access not in (READS, PUBLIC):
            continue
        for source in ("broken", "shop"):
            answer = anonymous.get(mutations.path_of(route, source.encode()).decode())
            assert answer.status_code in (200, 404), route.path
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
