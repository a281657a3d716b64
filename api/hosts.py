"""By which names the server may be asked for.

A page of another site whose own name was made to point here ("DNS rebinding") is of the same origin
to the browser, and reads every answer; but it can only ask by its own name, never by an address.
"""

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from api import asgi, networks, proxies, senders

if TYPE_CHECKING:
    from api.platform import HttpSettings

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
    name = (senders.host_name(given[0]) or "").lower().rstrip(".")
    allowed = {host.lower() for host in settings.allowed_hosts}
    if name in allowed or ANY in allowed or name == public(settings):
        return True
    if proxies.is_loopback(settings.host):
        return proxies.is_loopback(name)
    return name in ("localhost", settings.host.lower()) or networks.parse(name) is not None


def own_origin(scope: Any) -> bool:
    """Whether Origin names the server itself; without one, it is no page of others that asks."""
    origin = asgi.header(scope, "origin")
    return origin is None or origin.partition("://")[2] == asgi.header(scope, "host")


def public(settings: "HttpSettings") -> str | None:
    """The name in the public URL."""
    return None if settings.public_url is None else urlsplit(settings.public_url).hostname
