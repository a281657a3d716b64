"""Where a request comes from: its address, and the network that the address shares with others."""

import ipaddress
from typing import Final

import msgspec

from commands.kernel import Secrets
from commands.sessions import NETWORK

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
BITS: Final = {4: 24, 6: 64}  # what one household or office usually shares


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request comes from."""

    address: str
    network: str  # keyed digest
    local: bool  # from this machine: its own people, or all people behind a proxy of its own


def parse(text: str) -> Address | None:
    """An address, None when the text is none. A socket for both kinds shows IPv4 as IPv6."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        return parsed.ipv4_mapped or parsed
    return parsed


def source(address: str, secrets: Secrets) -> Source:
    """What an address stands for; the control socket, which has none, is of this machine."""
    network, local = _network(address)
    return Source(address=address, network=secrets.digest(NETWORK, network), local=local)


def _network(address: str) -> tuple[str, bool]:
    parsed = parse(address)
    if parsed is None:
        return address, not address
    network = ipaddress.ip_network((parsed, BITS[parsed.version]), strict=False)
    return str(network), parsed.is_loopback
