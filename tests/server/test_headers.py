"""Every answer, whatever its status, tells browsers what they must not do with it."""

import re

import pytest

from api.routes import ROUTES
from tests.server import mutations, raw
from tests.server.harness import tell

HTTP = tuple(route for route in ROUTES if route.method != "WS")
PINNED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
TYPE = re.compile(r"(application/(json|x-ndjson)|text/(html|css|javascript|plain); charset=utf-8)")
OPEN = ("/static/", "/openapi.json")  # the same for everybody: may be kept


def flaws(answer, path):
    """What is missing or wrong about the headers of an answer."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    found = [name for name, value in PINNED.items() if headers.get(name) != value]
    policy = headers.get("content-security-policy", "")
    wanted = ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action ")
    found += [part for part in wanted if part not in policy]
    found += [part for part in ("unsafe-eval", "script-src 'unsafe", " * ") if part in policy]
    if not path.startswith(OPEN) and headers.get("cache-control") != "no-store":
        found.append("cache-control")
    found += [name for name in ("server", "x-powered-by") if name in headers]
    if "permissions-policy" not in headers or "x-request-id" not in headers:
        found.append("permissions-policy or x-request-id")
    kind = headers.get("content-type", "")
    if path.startswith("/metrics"):  # what Prometheus asks for
        kind = kind.replace("; version=0.0.4", "")
    if answer.body and not TYPE.fullmatch(kind) and not path.startswith("/static/"):
        found.append(f"content-type {kind}")
    return found


def ways(server):
    """Requests that bring every status there is: (what, method, path, headers, body)."""
    admin = [("Cookie", f"dango_session={server.people.sessions['admin']}")]
    viewer = [("Cookie", f"dango_session={server.people.sessions['viewer']}")]
    for route in HTTP:
        path = mutations.path_of(route).decode()
        if path.endswith("/logout"):
            continue
        body = None if route.method == "GET" else b'{"no_such_field":1}'
        for who in ([], viewer, admin):
            yield route.method, path, [*who, mutations.JSON], body
        yield "TRACE", path, admin, None
        yield route.method, path, [("Authorization", "Bearer x")], body
        if body is not None:
            yield route.method, path, [*admin, mutations.JSON], b"{"
            yield route.method, path, [*admin, ("Content-Type", "text/x")], body
            yield route.method, path, [*admin, ("Sec-Fetch-Site", "cross-site")], body
            yield route.method, path, [*admin, ("Content-Length", "9999999"), mutations.JSON], b""
    yield "GET", "/nothing", [], None
    yield "GET", "/api/nothing", admin, None
    yield "GET", "/", [("Host", "evil.example")], None
    yield "GET", "/static/dango.css", [], None


def test_every_answer_carries_them(server):
    wrong, statuses = [], set()
    for method, path, headers, body in ways(server):
        answer = raw.send(server.port, raw.request(method, path, headers, body))
        statuses.add(answer.status)
        if missing := flaws(answer, path):
            wrong.append(f"{method} {path} {answer.status}: {missing}")
    tell(f"statuses {sorted(statuses)}")
    assert [] == wrong
    assert {200, 303, 400, 401, 403, 404, 405, 413, 415, 422} <= statuses


@pytest.mark.parametrize("name", sorted(PINNED))
def test_a_missing_header_is_noticed(server, name):
    answer = raw.send(server.port, raw.request("GET", "/api/auth/me"))
    assert [] == flaws(answer, "/api/auth/me")
    del answer.headers[name]
    assert [name] == flaws(answer, "/api/auth/me")


def test_refused_sockets_carry_them_too(server):
    upgrade = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]
    evil = ("Origin", "https://evil.example")
    for status, more in ((401, []), (403, [evil]), (400, [("Host", "evil.example")])):
        answer = raw.send(server.port, raw.request("GET", "/ws", [*upgrade, *more]), head=True)
        assert status == answer.status
        assert {} == {n: v for n, v in PINNED.items() if answer.headers.get(n) != v}
