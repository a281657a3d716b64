"""By which names the server may be asked for.

A page of another site whose own name was made to point here ("DNS rebinding") is of the same origin
to the browser, and reads every answer; but it can only ask by its own name, never by an address.
"""

import functools
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from api import asgi, networks, proxies, senders

if TYPE_CHECKING:
    from api.platform import HttpSettings

NAMES_CACHED: Final = 1_024  # as they were asked for, and of one settings mostly
ANY: Final = "*"
UNKNOWN: Final = (
    "The server is not asked for by this name. If it is one of its own, add it to"
    " platform.allowed_hosts of project.yml."
)


def known(scope: Any, settings: "HttpSettings") -> bool:
    """Whether the name in the Host header is one of the server's; none at all is no browser's."""
    given = asgi.headers(scope, "host")
    if not given or asgi.local(scope) is not None:
        return True
    return _known(given[0], settings.host, settings.allowed_hosts, settings.public_url)


@functools.lru_cache(maxsize=NAMES_CACHED)
def _known(given: str, bound: str, allowed: tuple[str, ...], url: str | None) -> bool:
    name = (senders.host_name(given) or "").lower().rstrip(".")
    names = {host.lower() for host in allowed}
    if name in names or ANY in names or name == _public(url):
        return True
    if proxies.is_loopback(bound):
        return proxies.is_loopback(name)
    return name in ("localhost", bound.lower()) or networks.parse(name) is not None


def own_origin(scope: Any) -> bool:
    """Whether Origin names the server itself; without one, it is no page of others that asks."""
    origin = asgi.header(scope, "origin")
    return origin is None or origin.partition("://")[2] == asgi.header(scope, "host")


def _public(url: str | None) -> str | None:
    return None if url is None else urlsplit(url).hostname
