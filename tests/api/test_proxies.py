"""A trusted proxy's word about whose request it is counts; nobody else's does."""

import pytest

from api import proxies, senders
from api.platform import HttpSettings
from tests.api.access import ADMIN, Server

TRUSTED = ("127.0.0.1", "10.0.0.0/24", "2001:db8:a::/48")
SESSIONS = "/api/auth/sessions"


def told(*headers, client="127.0.0.1", trusted=TRUSTED, host="127.0.0.1:8800", version="1.1"):
    pairs = [("host", host), *headers]
    return {
        "client": None if client is None else (client, 50_000),
        "http_version": version,
        "headers": [(name.encode(), value.encode()) for name, value in pairs],
    }, trusted


@pytest.mark.parametrize(
    ("hops", "author"),
    [
        (["203.0.113.7"], "203.0.113.7"),
        (["198.51.100.1, 203.0.113.7"], "203.0.113.7"),  # what the client itself claimed
        (["127.0.0.1, 203.0.113.7"], "203.0.113.7"),
        (["203.0.113.7, 10.0.0.9"], "203.0.113.7"),  # two proxies
        (["203.0.113.7", "10.0.0.9, 10.0.0.8"], "203.0.113.7"),  # in two headers
        (["203.0.113.7:4711"], "203.0.113.7"),
        (["[2001:db8::1]:4711"], "2001:db8::1"),
        (["2001:db8::1"], "2001:db8::1"),
        (["::ffff:203.0.113.7"], "203.0.113.7"),
        (["10.0.0.3"], "10.0.0.3"),  # a proxy that asks for itself
        ([",".join(["198.51.100.1"] * 999 + ["203.0.113.7"])], "203.0.113.7"),
    ],
)
def test_the_author_is_the_rightmost_address_that_is_no_trusted_proxy(hops, author):
    found = proxies.sender(*told(*(("x-forwarded-for", each) for each in hops)))

    assert proxies.Sender(address=author, forwarded=True) == found


@pytest.mark.parametrize(
    ("value", "author"),
    [
        ("for=203.0.113.7", "203.0.113.7"),
        ('For="203.0.113.7:4711";proto=https;by=10.0.0.1', "203.0.113.7"),
        ('for=198.51.100.1, proto=http;for="[2001:db8::1]:80"', "2001:db8::1"),
        ('for="a, for=198.51.100.1", for=203.0.113.7', "203.0.113.7"),
    ],
)
def test_forwarded_is_read_as_its_rfc_has_it(value, author):
    found = proxies.sender(*told(("forwarded", value)))

    assert proxies.Sender(address=author, forwarded=True) == found


@pytest.mark.parametrize(
    "headers",
    [
        [("x-forwarded-for", "unknown")],
        [("x-forwarded-for", "203.0.113.7, nonsense")],
        [("x-forwarded-for", "203.0.113.7,")],
        [("x-forwarded-for", "")],
        [("forwarded", "for=_hidden")],
        [("forwarded", "proto=https")],
        [("x-real-ip", "203.0.113.7")],
        [("x-forwarded-for", "203.0.113.7"), ("forwarded", "for=198.51.100.1")],
    ],
)
def test_an_unclear_word_leaves_the_proxy_as_sender_and_nothing_is_local(headers):
    scope, trusted = told(*headers)

    assert proxies.Sender(address="127.0.0.1", sure=False) == proxies.sender(scope, trusted)
    assert not senders.is_local(scope, HttpSettings(trusted_proxies=trusted))


@pytest.mark.parametrize("client", ["203.0.113.1", "127.0.0.2", "10.0.1.1", "testclient"])
def test_nobody_else_is_believed(client):
    found = proxies.sender(*told(("x-forwarded-for", "198.51.100.1"), client=client))

    assert proxies.Sender(address=client) == found


def test_both_headers_that_agree_are_believed_and_the_control_socket_has_no_address():
    both = [("x-forwarded-for", "203.0.113.7"), ("forwarded", "for=203.0.113.7")]

    assert "203.0.113.7" == proxies.sender(*told(*both)).address
    assert proxies.Sender(address="") == proxies.sender(*told(client=None))


def test_a_trusted_proxy_passes_on_who_is_here_and_who_is_not():
    settings = HttpSettings(trusted_proxies=TRUSTED)
    for address, local in (("127.0.0.1", True), ("203.0.113.7", False)):
        for version in ("1.0", "1.1"):
            scope, _ = told(("x-forwarded-for", address), version=version)
            assert local is senders.is_local(scope, settings)
    scope, _ = told(("x-forwarded-for", "127.0.0.1"), host="data.example.org")
    assert not senders.is_local(scope, settings)
    assert not senders.is_local(told(("x-forwarded-for", "127.0.0.1"))[0], HttpSettings())


@pytest.mark.parametrize(
    ("trusted", "seen"), [(("127.0.0.1",), "203.0.113.7"), ((), "127.0.0.1")], ids=["yes", "no"]
)
def test_the_list_of_sessions_shows_what_a_trusted_proxy_says(tmp_path, trusted, seen):
    server = Server(tmp_path, settings=HttpSettings(trusted_proxies=trusted))

    async def story():
        client = server.client(**{"x-forwarded-for": "198.51.100.1, 203.0.113.7"})
        assert 200 == (await client.post("/api/auth/login", json=ADMIN)).status_code
        assert [seen] == [row["ip_address"] for row in (await client.get(SESSIONS)).json()]

    server.run(story)


def test_a_proxy_that_the_settings_do_not_name_is_told_once_and_to_those_who_log_in(
    tmp_path, caplog
):
    server = Server(tmp_path)

    async def story():
        direct, client = server.client(), server.client(**{"x-forwarded-for": "203.0.113.7"})
        await direct.get("/api/status")
        assert [] == server.platform.limits.warnings()
        for _ in range(3):
            assert [] == (await client.get("/api/status")).json()["warnings"]
        admin = await server.logged_in()
        (warning,) = (await admin.get("/api/status")).json()["warnings"]
        assert "platform.trusted_proxies" in warning

    server.run(story)
    assert 1 == sum("trusted_proxies" in line for line in caplog.messages)
    assert "203.0.113.7" not in caplog.text


def test_a_proxy_that_the_settings_name_is_no_warning(tmp_path):
    server = Server(tmp_path, settings=HttpSettings(trusted_proxies=("127.0.0.0/8",)))

    async def story():
        for address in ("203.0.113.7", "nonsense"):
            await server.client(**{"x-forwarded-for": address}).get("/api/status")
        assert [] == server.platform.limits.warnings()

    server.run(story)
