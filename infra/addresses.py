"""Which addresses are this machine's, or those of a network that is not the internet."""

import ipaddress
from typing import Final

# The last 32 bits are an address of the old kind.
_EMBEDDING: Final = (
    ipaddress.ip_network("64:ff9b::/96"),  # NAT64, RFC 6052
    ipaddress.ip_network("::/96"),  # RFC 4291, 2.5.5.1
    ipaddress.ip_network("::ffff:0:0:0/96"),  # IPv4-translated, RFC 7915
)
# Of somebody's own network, or of none, though the standard library calls them global: it goes by
# its release.
_OWN: Final = (
    ipaddress.ip_network("fec0::/10"),  # site-local, RFC 3879: deprecated, still somebody's own
    ipaddress.ip_network("64:ff9b:1::/48"),  # NAT64 of a network's own, RFC 8215
    ipaddress.ip_network("5f00::/16"),  # segment routing, RFC 9602
    ipaddress.ip_network("3fff::/20"),  # documentation, RFC 9637
    ipaddress.ip_network("192.0.0.0/24"),  # RFC 6890; one cloud's metadata are at .192
    ipaddress.ip_network("192.88.99.0/24"),  # relays of 6to4, RFC 7526
    ipaddress.ip_network("168.63.129.16/32"),  # another cloud's metadata, on each of its machines
)


def is_private(address: str) -> bool:
    """Tell whether an address is of this machine or of a network that is not the internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = _inner(ip) if isinstance(ip, ipaddress.IPv6Address) else ip
    own = any(inner in network for network in _OWN)
    return own or not inner.is_global or inner.is_multicast


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address of the old kind that a gateway would take this one for, or itself."""
    if any(ip in network for network in _EMBEDDING):
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
