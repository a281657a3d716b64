"""Where a request may go: connections into the server's own network are refused.

A name is looked up once, every address that it has must be of the internet, and the connection goes
to one that was looked at: so nothing inside is knocked at, whose answer would tell what is open
there, and a name that changes its address between two look-ups gains nothing.
"""

import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from commands import ports
from infra.addresses import is_private

CONNECTIONS_MAX = 4  # kept open, per host
ADDRESSES_MAX = 8  # of one name that are tried


def _looked_up(connection: HTTPConnection) -> list[str]:
    """The addresses of a connection's host. Raises WorkRefused when one may not be asked."""
    host = connection.host.strip("[]")
    try:
        found = socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise NameResolutionError(host, connection, error) from error
    except UnicodeError:
        raise ports.WorkRefused(f"{host} is no name of a host.") from None
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    if any(map(is_private, addresses)):
        reason = (
            f"{connection.host} lies in a private network."
            " Set allow_private_hosts: true in the source if it is meant to be asked;"
            " that opens the host which the source names, not those that answers lead to."
        )
        raise ports.WorkRefused(reason)
    return addresses[:ADDRESSES_MAX]


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        """Connect to an address that was looked at; certificates are still of the name."""
        name, failed = self.host, None
        for address in _looked_up(self):
            self.host = address
            try:
                return super()._new_conn()
            except (NewConnectionError, ConnectTimeoutError) as error:
                failed = error
            finally:
                self.host = name
        raise failed or NewConnectionError(self, "the name has no address")


class _Sealed(_Plain, HTTPSConnection):
    """The same; what is said then is sealed."""


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
