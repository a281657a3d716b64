"""Who sends a request and from where, told from its scope alone: for HTTP and for /ws alike."""

import re
from typing import Any, Final

from api import asgi, proxies
from api.callers import ANONYMOUS, Caller
from api.platform import HttpSettings, Platform
from domain.permissions import Role

LOCAL: Final = Caller(actor="local", via="local", role=Role.ADMIN)
PORT_BITS: Final = 16
_HOST: Final = re.compile(
    r"(?P<name>[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(:(?P<port>[0-9]{1,5}))?"
)


def sender(scope: Any, platform: Platform, *, uses: bool = True) -> Caller | None:
    """The caller; None for an API key that is not valid. Raises ViewsBroken.

    `uses` is False for a look that is no use of the session or key: it does not keep it awake.
    """
    if (owner := asgi.local(scope)) is not None:
        return owner
    settings = platform.settings
    if not settings.auth_enabled and is_local(scope, settings):
        return LOCAL
    authorization, token = asgi.header(scope, "authorization"), cookie(scope, settings.cookie)
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
    found = proxies.sender(scope, settings.trusted_proxies)
    hosts = asgi.headers(scope, "host")
    name = host_name(hosts[0]) if len(hosts) == 1 else None
    if not found.sure or not all(
        map(proxies.is_loopback, (settings.host, found.address, name or ""))
    ):
        return False
    if found.forwarded:
        return True
    return scope.get("http_version") != "1.0" and not proxies.forwarded(scope)


def host_name(host: str) -> str | None:
    """The name or address in a Host header, None when it is malformed."""
    found = _HOST.fullmatch(host)
    if found is None or int(found["port"] or 0) >= 1 << PORT_BITS:
        return None
    return found["name"].strip("[]")


def cookie(scope: Any, name: str) -> str | None:
    """The last cookie of this name."""
    pairs = (
        pair.strip().partition("=") for pair in ";".join(asgi.headers(scope, "cookie")).split(";")
    )
    found = [value for key, _, value in pairs if key == name]
    return found[-1] if found else None
