"""What another site makes a browser send changes nothing; the documented clients need no token."""

import http.client
import json
import shutil
import subprocess
import urllib.request

import httpx
import pytest

from api.routes import ROUTES
from tests.server import mutations, raw

MUTATING = tuple(route for route in ROUTES if route.method not in ("GET", "WS"))
SITES = ("cross-site", "same-site", "same-origin", "none", None)
ORIGINS = ("https://evil.example", "null", "own", None, "http://127.0.0.1.evil.example", "own:1")


def passes(site, origin):
    if site is not None:
        return site in ("same-origin", "none")
    return origin in (None, "own")


def headers_of(server, site, origin):
    own = f"http://127.0.0.1:{server.port}"
    origins = {"own": own, "own:1": f"{own}1"}
    pairs = [("Host", f"127.0.0.1:{server.port}")]
    pairs += [("Sec-Fetch-Site", site)] if site else []
    return pairs + ([("Origin", origins.get(origin, origin))] if origin else [])


@pytest.mark.parametrize("route", MUTATING, ids=lambda route: f"{route.method} {route.path}")
def test_a_cookie_acts_only_for_our_own_pages_and_for_programs(server, route):
    cookie = ("Cookie", f"dango_session={server.people.sessions['viewer']}")
    wrong = []
    for site in SITES:
        for origin in ORIGINS:
            # Not JSON: whoever comes past the guard is told so, and nothing happens.
            pairs = [cookie, ("Content-Type", "text/x"), *headers_of(server, site, origin)]
            if route.path.endswith("/logout") and passes(site, origin):
                continue  # it would be one
            target = mutations.path_of(route)
            answer = raw.send(server.port, raw.request(route.method, target, pairs, b"{}"))
            refused = answer.status == 403 and b"from another site" in answer.body
            if refused is passes(site, origin):
                wrong.append((site, origin, answer.status))
    assert [] == wrong


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_what_a_form_of_another_site_can_send_changes_nothing(server, admin, kind):
    head = server.head(admin)
    cookie = ("Cookie", f"dango_session={server.people.sessions['admin']}")
    for site, origin in (("cross-site", "https://evil.example"), (None, "null"), (None, None)):
        pairs = [cookie, *headers_of(server, site, origin)]
        pairs += [("Content-Type", kind)] if kind else []
        for path, body in (
            ("/api/auth/api-keys", b'{"name":"stolen"}'),
            ("/api/sync/trigger", b'{"sources":["orders"]}'),
            ("/api/sources/orders/sync", b'{"full_refresh":true}'),
        ):
            answer = raw.send(server.port, raw.request("POST", path, pairs, body))
            assert answer.status in (403, 415), (path, site)
    assert head == server.head(admin)


def test_a_login_from_another_site_is_refused(server):
    body = b'{"email":"admin@localhost","password":"a tiger in the snow"}'
    for site, origin in (("cross-site", None), (None, "https://evil.example"), (None, "null")):
        pairs = [mutations.JSON, *headers_of(server, site, origin)]
        answer = raw.send(server.port, raw.request("POST", "/api/auth/login", pairs, body))
        assert 403 == answer.status
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_key_without_a_cookie_is_nobodys_browser(server, origin):
    pairs = [("Authorization", f"Bearer {server.people.keys['admin']}"), mutations.JSON]
    pairs += headers_of(server, "cross-site", origin)
    answer = raw.send(server.port, raw.request("POST", "/api/query", pairs, b"{}"))
    assert 422 == answer.status
    pairs += [("Cookie", "a=b")]
    answer = raw.send(server.port, raw.request("POST", "/api/query", pairs, b"{}"))
    assert 403 == answer.status


@pytest.mark.parametrize("scheme", ["Basic YTpi", "Negotiate YTpi", "bearer"])
def test_what_a_browser_sends_by_itself_excuses_no_other_site(server, scheme):
    """Addresses with a name and a password in them, and networks that log in on their own."""
    pairs = [("Authorization", scheme), ("Content-Type", "application/json")]
    pairs += headers_of(server, "cross-site", "https://evil.example")
    body = b'{"email":"a@example.org","password":"b"}'
    answer = raw.send(server.port, raw.request("POST", "/api/auth/login", pairs, body))
    passes_by = scheme == "bearer"
    assert passes_by is (b"from another site" not in answer.body), answer.body


def test_no_answer_invites_other_sites(server, admin):
    for method, path in (("GET", "/api/sources"), ("OPTIONS", "/api/query"), ("GET", "/nothing")):
        answer = admin.request(method, path, headers={"origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_httpx_and_urllib_and_http_client_log_in_and_act(server):
    account = {"email": "admin@localhost", "password": "a tiger in the snow"}
    with httpx.Client(base_url=server.url) as client:
        assert 200 == client.post("/api/auth/login", json=account).status_code
        assert 200 == client.post("/api/query", json={"sql": "select 1"}).status_code
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{server.url}/api/auth/login",
        json.dumps(account).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own server
        cookie = answer.headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    sent = {"Content-Type": "application/json", "Cookie": cookie.partition(";")[0]}
    connection.request("POST", "/api/query", b'{"sql":"select 1"}', sent)
    assert 200 == connection.getresponse().status
    connection.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_logs_in_and_acts(server, tmp_path):
    def curl(path, body, *more):
        command = ("curl", "-sS", "-o", "-", "-w", "%{http_code}", "-X", "POST", *more)
        sent = ("-H", "Content-Type: application/json", "-d", json.dumps(body))
        run = subprocess.run((*command, *sent, server.url + path), capture_output=True, check=True)
        return run.stdout[-3:]

    jar = str(tmp_path / "jar")
    account = {"email": "admin@localhost", "password": "a tiger in the snow"}
    assert b"200" == curl("/api/auth/login", account, "-c", jar)
    assert b"200" == curl("/api/query", {"sql": "select 1"}, "-b", jar)
    key = f"Authorization: Bearer {server.people.keys['editor']}"
    assert b"200" == curl("/api/query", {"sql": "select 1"}, "-H", key)


def test_fetch_of_our_own_pages_acts(server):
    cookie = ("Cookie", f"dango_session={server.people.sessions['editor']}")
    pairs = [cookie, mutations.JSON, *headers_of(server, "same-origin", "own")]
    pairs += [("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Dest", "empty")]
    answer = raw.send(server.port, raw.request("POST", "/api/query", pairs, b'{"sql":"select 1"}'))
    assert 200 == answer.status


@pytest.mark.parametrize(
    ("origin", "site", "status"),
    [
        ("https://evil.example", "cross-site", 403),
        ("https://evil.example", None, 403),
        ("null", None, 403),
        ("http://127.0.0.1.evil.example", None, 403),
        ("own", "same-origin", 101),
        ("own", None, 101),
        (None, None, 101),
    ],
)
def test_a_socket_opens_for_our_own_pages_and_for_programs(server, origin, site, status):
    pairs = [
        ("Cookie", f"dango_session={server.people.sessions['viewer']}"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        *headers_of(server, site, origin),
    ]
    assert status == raw.send(server.port, raw.request("GET", "/ws", pairs), head=True).status
    anonymous = raw.send(server.port, raw.request("GET", "/ws", pairs[1:]), head=True)
    assert anonymous.status in (401, 403)
