"""Whose request it is, when a proxy passes it on: told by trusted proxies alone.

Each proxy appends the address that it was asked from, so that the list is true from its right end
up to the first address that is no trusted proxy; what stands left of that anybody can have made up.
"""

import functools
import ipaddress
import re
from typing import Any, Final

import msgspec

from api import asgi
from api.networks import parse

HOPS_MAX: Final = 32  # of a list, from its end; no chain of proxies is longer
ADDRESSES_CACHED: Final = 1_024
TRUSTED_CACHED: Final = 16  # settings of which the networks are kept parsed
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# RFC 7239, section 4: `for=192.0.2.43;proto=https, for="[2001:db8::1]:4711"`.
_ELEMENT: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_FOR: Final = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]+))', re.IGNORECASE)
_PORT: Final = re.compile(r"\[(?P<six>[^\]]*)\](?::\d+)?|(?P<four>[\d.]+)(?::\d+)?")

# What proxies, tunnels and networks for delivery add to what they pass on for others.
FORWARDING: Final = frozenset(
    {
        "client-ip",
        "fastly-client-ip",
        "fly-client-ip",
        "forwarded",
        "true-client-ip",
        "via",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-forwarded-for",
        "x-real-ip",
    }
)
FORWARDING_PREFIXES: Final = ("x-forwarded", "cf-", "x-envoy-", "x-amzn-")


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request comes from; `sure` is False when a trusted proxy's word is unclear."""

    address: str  # of its author as far as it is known, else of the proxy; empty: control socket
    forwarded: bool = False  # the address is what a trusted proxy says
    sure: bool = True


def sender(scope: Any, trusted: tuple[str, ...]) -> Sender:
    """The author of a request, from its scope."""
    client = scope.get("client")
    if client is None:
        return Sender(address="")
    peer: str = client[0]
    if not trusted or not _within(peer, networks(trusted)):
        return Sender(address=peer)
    lists = [found for found in (_x_forwarded_for(scope), _forwarded(scope)) if found]
    if not lists:
        return Sender(address=peer, sure=not forwarded(scope))
    authors = {_author(hops, trusted) for hops in lists}
    author = authors.pop()
    # A proxy writes one of the two headers and may pass on a client's other one: when they differ,
    # neither is known to be the proxy's.
    if authors or author is None:
        return Sender(address=peer, sure=False)
    return Sender(address=author, forwarded=True)


def unnamed(scope: Any, trusted: tuple[str, ...]) -> bool:
    """Whether a proxy on this machine passes it on that the settings do not name."""
    client = scope.get("client")
    if client is None or not is_loopback(client[0]) or not forwarded(scope):
        return False
    return not (trusted and _within(client[0], networks(trusted)))


def forwarded(scope: Any) -> bool:
    """Whether a header says that it was passed on for somebody else."""
    names = asgi.every_header(scope)
    return not FORWARDING.isdisjoint(names) or any(
        name.startswith(FORWARDING_PREFIXES) for name in names
    )


@functools.lru_cache(maxsize=ADDRESSES_CACHED)
def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own."""
    if host == "localhost":
        return True
    parsed = parse(host)
    return parsed is not None and parsed.is_loopback


@functools.lru_cache(maxsize=TRUSTED_CACHED)
def networks(trusted: tuple[str, ...]) -> tuple[Network, ...]:
    """Addresses and networks in CIDR notation. Raises ValueError for what is neither."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in trusted)


def _author(hops: list[str], trusted: tuple[str, ...]) -> str | None:
    """The rightmost address that is no trusted proxy; None when a hop before it is no address."""
    address = None
    for hop in reversed(hops[-HOPS_MAX:]):
        address = _address(hop)
        if address is None or not _within(address, networks(trusted)):
            return address
    return address  # trusted ones all: the first asked for itself


def _x_forwarded_for(scope: Any) -> list[str]:
    return _items(",".join(asgi.headers(scope, "x-forwarded-for")))


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",")] if text else []


def _forwarded(scope: Any) -> list[str]:
    text = ",".join(asgi.headers(scope, "forwarded"))
    found = [_FOR.search(element) for element in _ELEMENT.findall(text)]
    return ["" if each is None else each[1] or each[2] or "" for each in found]


def _address(hop: str) -> str | None:
    """An address without its port; None for `unknown`, made-up names (RFC 7239) and nonsense."""
    found = _PORT.fullmatch(hop)
    text = hop if found is None else found["six"] or found["four"] or ""
    parsed = parse(text)
    return None if parsed is None else str(parsed)


def _within(address: str, trusted: tuple[Network, ...]) -> bool:
    parsed = parse(address)
    return parsed is not None and any(parsed in network for network in trusted)
