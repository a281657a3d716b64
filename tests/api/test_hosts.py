"""The server answers to its own names alone."""

import pytest

from api import hosts
from api.platform import HttpSettings
from tests.api.access import ADMIN, Server

ME = "/api/auth/me"
HERE = HttpSettings()
EVERYWHERE = HttpSettings(host="0.0.0.0")  # noqa: S104 - as a setting
PUBLIC = HttpSettings(public_url="https://Data.example.org:8443/")
NAMED = HttpSettings(allowed_hosts=("Intra.example", "192.168.1.5"))
ANY = HttpSettings(allowed_hosts=("*",))


@pytest.mark.parametrize(
    ("settings", "host", "known"),
    [
        (HERE, "127.0.0.1:8800", True),
        (HERE, "127.9.9.9", True),
        (HERE, "localhost:1", True),
        (HERE, "LOCALHOST", True),
        (HERE, "[::1]:8800", True),
        (HERE, "evil.example", False),
        (HERE, "127.0.0.1.evil.example", False),
        (HERE, "localhost.evil.example", False),
        (HERE, "192.168.1.5", False),
        (EVERYWHERE, "192.168.1.5:8800", True),
        (EVERYWHERE, "[2001:db8::1]", True),
        (EVERYWHERE, "localhost", True),
        (EVERYWHERE, "evil.example", False),
        (HttpSettings(host="dango.lan"), "dango.lan:8800", True),
        (PUBLIC, "data.example.org", True),
        (PUBLIC, "DATA.EXAMPLE.ORG.:443", True),
        (PUBLIC, "127.0.0.1:8800", True),
        (PUBLIC, "example.org", False),
        (PUBLIC, "x.data.example.org", False),
        (NAMED, "intra.example:80", True),
        (NAMED, "192.168.1.5", True),
        (NAMED, "192.168.1.6", False),
        (ANY, "evil.example", True),
    ],
)
def test_a_name_is_one_of_the_servers_or_is_not(settings, host, known):
    assert known is hosts.known({"headers": [(b"host", host.encode())]}, settings)


def test_a_foreign_name_opens_no_door_but_that_of_health_checks(tmp_path):
    server = Server(tmp_path)

    async def story():
        for client in (server.client(), await server.logged_in()):
            client.headers["host"] = "evil.example"
            for path in (ME, "/", "/login", "/static/dango.css", "/api/events"):
                answer = await client.get(path)
                assert 400 == answer.status_code, path
            answer = await client.get(ME)
            assert "host_unknown" == answer.json()["error_code"]
            assert 400 == (await client.post("/api/auth/login", json=ADMIN)).status_code
            assert 200 == (await client.get("/api/health/live")).status_code

    server.run(story)
