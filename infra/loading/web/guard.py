"""Where a request may go: connections into the server's own network are refused.

The address is looked at when the connection stands, so a name that changes its address between two
look-ups gains nothing.
"""

import ipaddress
import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from commands import ports

CONNECTIONS_MAX = 4  # kept open, per host
# RFC 6052 (NAT64) and RFC 4291, 2.5.5.1: the last 32 bits are an address of the old kind.
_EMBEDDING = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))
_SITE_LOCAL = ipaddress.ip_network("fec0::/10")  # RFC 3879: deprecated, and still somebody's own


def is_private(address: str) -> bool:
    """Tell whether an address is of this machine or of a network that is not the internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = _inner(ip) if isinstance(ip, ipaddress.IPv6Address) else ip
    return not inner.is_global or inner.is_multicast or inner in _SITE_LOCAL


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address of the old kind that a gateway would take this one for, or itself."""
    if any(ip in network for network in _EMBEDDING):
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


def _checked(connection: HTTPConnection, made: socket.socket) -> socket.socket:
    if is_private(made.getpeername()[0]):
        made.close()
        reason = (
            f"{connection.host} lies in a private network."
            " Set allow_private_hosts: true in the source if it is meant to be asked."
        )
        raise ports.WorkRefused(reason)
    return made


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(self, super()._new_conn())


class _Sealed(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(self, super()._new_conn())


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SealedPool(HTTPSConnectionPool):
    ConnectionCls = _Sealed


class Adapter(HTTPAdapter):
    """Opens connections, to public addresses alone unless told otherwise."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        super().__init__(pool_maxsize=CONNECTIONS_MAX, max_retries=0)

    def init_poolmanager(
        self,
        connections: int,
        maxsize: int,
        block: bool = False,  # noqa: FBT001, FBT002 - as requests has it
        **more: Any,
    ) -> None:
        """Make the pools; requests calls this."""
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **more)
        if not self._allow_private:
            self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SealedPool}
