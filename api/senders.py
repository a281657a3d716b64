"""Who sends a request and from where, told from its scope alone: for HTTP and for /ws alike."""

import ipaddress
import re
from typing import Any, Final

from api import asgi
from api.callers import ANONYMOUS, Caller
from api.platform import HttpSettings, Platform
from domain.permissions import Role

LOCAL: Final = Caller(actor="local", via="local", role=Role.ADMIN)
PORT_BITS: Final = 16
_HOST: Final = re.compile(
    r"(?P<name>[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(:(?P<port>[0-9]{1,5}))?"
)
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


def sender(scope: Any, platform: Platform, *, uses: bool = True) -> Caller | None:
    """The caller; None for an API key that is not valid. Raises ViewsBroken.

    `uses` is False for a look that is no use of the session or key: it does not keep it awake.
    """
    if (owner := asgi.local(scope)) is not None:
        return owner
    settings = platform.settings
    if not settings.auth_enabled and is_local(scope, settings):
        return LOCAL
    authorization, token = header(scope, "authorization"), cookie(scope, settings.cookie)
    if authorization is None and token is None:
        return ANONYMOUS
    caller = platform.authenticate(authorization, token, platform, uses=uses)
    if caller is None and authorization is None:
        return ANONYMOUS
    return caller


def is_local(scope: Any, settings: HttpSettings) -> bool:
    """Bound to loopback, called from loopback by that name, and not by a proxy for others.

    By that name: a page of another site whose own name was made to point here ("DNS rebinding")
    is of the same origin to the browser, but still asks for its own name. A proxy that adds no
    header speaks HTTP/1.0, as nginx does unless told otherwise, or leaves the name it was asked by.
    """
    client = scope.get("client")
    hosts = headers(scope, "host")
    name = host_name(hosts[0]) if len(hosts) == 1 else None
    if client is None or not all(map(_loopback, (settings.host, client[0], name or ""))):
        return False
    return scope.get("http_version") != "1.0" and not _forwarded(scope)


def host_name(host: str) -> str | None:
    """The name or address in a Host header, None when it is malformed."""
    found = _HOST.fullmatch(host)
    if found is None or int(found["port"] or 0) >= 1 << PORT_BITS:
        return None
    return found["name"].strip("[]")


def headers(scope: Any, name: str) -> list[str]:
    """All values under this name, which is in lower case."""
    found: dict[str, list[str]] | None = scope.get(asgi.HEADERS)
    if found is None:
        found = {}
        scope[asgi.HEADERS] = found
        for key, value in scope["headers"]:
            found.setdefault(key.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found.get(name, [])


def header(scope: Any, name: str) -> str | None:
    """The first value under this name."""
    found = headers(scope, name)
    return found[0] if found else None


def cookie(scope: Any, name: str) -> str | None:
    """The last cookie of this name."""
    pairs = (pair.strip().partition("=") for pair in ";".join(headers(scope, "cookie")).split(";"))
    found = [value for key, _, value in pairs if key == name]
    return found[-1] if found else None


def _forwarded(scope: Any) -> bool:
    names = (key.decode("latin-1").lower() for key, _ in scope["headers"])
    return any(name in FORWARDING or name.startswith(FORWARDING_PREFIXES) for name in names)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
