"""Pages of other sites: nothing for them, but for those on a list."""

import pytest

from api.platform import HttpSettings
from tests.api.access import ADMIN, Server

FRIEND, EVIL = "https://app.example.org", "https://evil.example"
ME, KEYS = "/api/auth/me", "/api/auth/api-keys"
ASKS = {"access-control-request-method": "POST"}


def granted(answer):
    return {n: v for n, v in answer.headers.items() if n.startswith("access-control-")}


@pytest.fixture
def open_to(tmp_path):
    return lambda *origins: Server(tmp_path, settings=HttpSettings(allowed_origins=origins))


def test_a_preflight_of_an_allowed_origin_is_answered(open_to):
    server = open_to(FRIEND)

    async def story():
        answer = await server.client().options(KEYS, headers={"origin": FRIEND, **ASKS})
        assert (200, b"") == (answer.status_code, answer.content)
        assert FRIEND == answer.headers["access-control-allow-origin"]
        assert "true" == answer.headers["access-control-allow-credentials"]
        for name in ("Authorization", "Content-Type", "Idempotency-Key"):
            assert name in answer.headers["access-control-allow-headers"]
        assert "DELETE" in answer.headers["access-control-allow-methods"]
        assert "Origin" == answer.headers["vary"]
        assert "nosniff" == answer.headers["x-content-type-options"]

    server.run(story)


@pytest.mark.parametrize("origins", [(), (FRIEND,)])
@pytest.mark.parametrize("origin", [EVIL, "null", "https://app.example.org.evil.example", FRIEND])
def test_no_other_preflight_is(open_to, origins, origin):
    server = open_to(*origins)

    async def story():
        answer = await server.client().options(KEYS, headers={"origin": origin, **ASKS})
        plain = await server.client().options(KEYS, headers={"origin": origin})
        assert 405 == plain.status_code
        if origin not in origins:
            assert (405, {}) == (answer.status_code, granted(answer))

    server.run(story)


def test_an_allowed_origin_acts_and_reads_and_others_do_neither(open_to):
    server = open_to(FRIEND)

    async def story():
        client = await server.logged_in()
        head = {"origin": FRIEND, "sec-fetch-site": "cross-site"}
        made = await client.post(KEYS, json={"name": "app"}, headers=head)
        assert (200, FRIEND) == (made.status_code, granted(made)["access-control-allow-origin"])
        refused = await client.get("/api/events/0", headers=head)
        assert (404, FRIEND) == (
            refused.status_code,
            granted(refused)["access-control-allow-origin"],
        )
        head["origin"] = EVIL
        foreign = await client.post(KEYS, json={"name": "app"}, headers=head)
        read = await client.get(ME, headers=head)
        assert (403, {}, {}) == (foreign.status_code, granted(foreign), granted(read))
        assert "Origin" == read.headers["vary"]

    server.run(story)


def test_without_a_list_nothing_is_said_of_other_sites(open_to):
    server = open_to()

    async def story():
        answer = await (await server.logged_in()).get(ME, headers={"origin": FRIEND})
        assert ({}, False) == (granted(answer), "vary" in answer.headers)

    server.run(story)


def test_cookies_and_headers_of_https_are_bound_to_the_host(tmp_path):
    public = "https://data.example.org"
    server = Server(tmp_path, settings=HttpSettings(public_url=public))

    async def story():
        answer = await server.client().post("/api/auth/login", json=ADMIN)
        cookies = answer.headers.get_list("set-cookie")
        assert ["__Host-dango_session", "__Host-dango_device"] == [
            cookie.partition("=")[0] for cookie in cookies
        ]
        for cookie in cookies:
            parts = cookie.split("; ")[1:]
            assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} < set(parts)
            assert not [part for part in parts if part.startswith("Domain")]
        for path in ("/login", ME, "/nothing", "/api/events"):
            hsts = (await server.client().get(path)).headers["strict-transport-security"]
            assert "max-age=31536000; includeSubDomains" == hsts

    server.run(story)
