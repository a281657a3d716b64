"""Which addresses are the server's own network, in whatever spelling they come."""

import pytest

from infra.loading.web.guard import is_private


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
    ],
)
def test_an_address_of_the_own_network_is_one_however_it_is_written(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is_none(address: str) -> None:
    assert not is_private(address)
