"""Which addresses are the server's own network, in whatever spelling they come."""

import socket

import pytest
import requests

from commands import ports
from infra.addresses import is_private
from infra.loading.web.guard import Adapter


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - told, not bound
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "fe80::1%eth0",
        "fd00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:0:10.0.0.1",
        "64:ff9b:1::a00:1",
        "5f00::1",
        "192.0.0.192",
        "192.88.99.1",
        "168.63.129.16",
    ],
)
def test_an_address_of_the_own_network_is_one_however_it_is_written(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is_none(address: str) -> None:
    assert not is_private(address)


@pytest.fixture
def session():
    with requests.Session() as made:
        made.trust_env = False
        for scheme in ("http://", "https://"):
            made.mount(scheme, Adapter(allow_private=False))
        yield made


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "localhost", "0x7f.1"])
def test_nothing_inside_is_knocked_at_so_that_no_answer_tells_what_is_open(session, scheme, host):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        port = listener.getsockname()[1]
        with pytest.raises(ports.WorkRefused, match="lies in a private network") as there:
            session.get(f"{scheme}://{host}:{port}/", timeout=5)
        with pytest.raises(BlockingIOError):
            listener.accept()
    with pytest.raises(ports.WorkRefused) as gone:
        session.get(f"{scheme}://{host}:{port}/", timeout=5)
    assert there.value.reason == gone.value.reason


def test_the_address_that_was_looked_at_is_the_one_that_is_asked(session, monkeypatch):
    """Whatever its name would say the next time; and one that does not answer is passed over."""
    names = []
    asked = socket.getaddrinfo

    def answers(host, port, *rest, **more):
        names.append(host)
        if host == "api.example.org":
            public = ("203.0.113.1", "198.51.100.7") if len(names) == 1 else ("127.0.0.1",)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in public]
        return asked(host, port, *rest, **more)

    monkeypatch.setattr("infra.loading.web.guard.is_private", lambda one: one.startswith("127."))
    monkeypatch.setattr(socket, "getaddrinfo", answers)
    monkeypatch.setattr(socket.socket, "connect", _refused)
    with pytest.raises(requests.ConnectionError):
        session.get("http://api.example.org/", timeout=1)
    assert ["api.example.org", "203.0.113.1", "198.51.100.7"] == names


def _refused(_self, _address):
    raise ConnectionRefusedError
