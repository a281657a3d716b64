"""What every request passes before its handler: is it from here, who is it, may they, which rows.

One guard for all routes. It looks up nothing by itself: the route's row in the table says what is
demanded, and a route without a row does not exist.
"""

import ipaddress
import re
from typing import Any, Final, cast

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.handlers import BaseRouteHandler

from api import asgi, past
from api.call import Call, Key
from api.callers import ANONYMOUS, PUBLIC, READS, SIGNED_IN, Caller
from api.errors import Denied, invalid
from api.platform import HttpSettings, Platform
from api.table import Route
from domain.permissions import Role

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
INTEGER_BITS: Final = 63  # of what the log and the views can hold
PORT_BITS: Final = 16
_HOST: Final = re.compile(
    r"(?P<name>[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(:(?P<port>[0-9]{1,5}))?"
)
FORWARDING: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto")
# Such a session may only do this, until its password has been changed.
UNTIL_CHANGED: Final = frozenset(
    {
        "/api/auth/change-password",
        "/api/auth/me",
        "/api/auth/logout",
        "/account/password",
        "/logout",
    }
)
CHANGE_FIRST: Final = "The password must be changed first."


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Litestar's hook. Raises Denied."""
    route: Route | None = handler.opt.get("route")
    if route is None:  # the framework's own answer to OPTIONS; there is nothing to negotiate
        raise _no_method(connection)
    _well_formed(connection)
    platform: Platform = connection.app.state.platform
    request = cast("Request[Any, Any, Any]", connection)
    _same_site(request, platform.settings)
    caller = _caller(request, platform)
    call = Call(request, platform, route, caller, request_id=asgi.request_id(request.scope))
    cast("asgi.Scope", request.scope)[asgi.CALL] = call
    _admit(call)
    if route.method in SAFE:
        await _look_at(call)
    else:
        key = request.headers.get("idempotency-key")
        if key is not None and route.access != PUBLIC:
            parts = (
                route.method.encode(),
                request.scope["raw_path"],
                request.scope["query_string"],
                await request.body(),
            )
            call.key = Key.of(key, caller.actor, parts, platform.secrets)
        call.views = platform.views.current


def _no_method(connection: ASGIConnection[Any, Any, Any, Any]) -> MethodNotAllowedException:
    """405 with the methods that the path does take."""
    template = connection.scope["path_template"]
    methods = {
        name
        for each in connection.app.routes
        if each.path_format == template
        for name in each.methods
    }
    return MethodNotAllowedException(headers={"allow": ", ".join(sorted(methods - {"OPTIONS"}))})


def _well_formed(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Refuse what the types of a path and a URL let through and the code behind could not take."""
    host = connection.headers.get("host")
    if host is not None and _host_name(host) is None:
        raise Denied(400, "The Host header is malformed.")
    for value in connection.path_params.values():
        if isinstance(value, int) and abs(value) >= 1 << INTEGER_BITS:
            raise NotFoundException


def _host_name(host: str) -> str | None:
    """The name or address in a Host header, None when it is malformed."""
    found = _HOST.fullmatch(host)
    if found is None or int(found["port"] or 0) >= 1 << PORT_BITS:
        return None
    return found["name"].strip("[]")


def _caller(request: Request[Any, Any, Any], platform: Platform) -> Caller:
    if (local := asgi.local(request.scope)) is not None:
        return local
    settings = platform.settings
    if not settings.auth_enabled and _is_local(request, settings):
        return Caller(actor="local", via="local", role=Role.ADMIN)
    authorization = request.headers.get("authorization")
    cookie = request.cookies.get(settings.cookie)
    if authorization is None and cookie is None:
        return ANONYMOUS
    caller = platform.authenticate(authorization, cookie, platform)
    if caller is None and authorization is not None:
        raise Denied(401, "The API key is not valid.")
    return caller or ANONYMOUS


def _admit(call: Call) -> None:
    access, caller = call.route.access, call.caller
    if access == PUBLIC:
        return
    if caller.role is None:
        if access == READS and _anonymous_reads(call):
            return
        raise Denied(401, "Authentication required.")
    if caller.must_change_password and call.route.path not in UNTIL_CHANGED:
        raise Denied(403, CHANGE_FIRST, error_code="must_change_password")
    if access not in (READS, SIGNED_IN) and not caller.may(access):
        raise Denied(403, f"Permission denied: {access}", permission=access)


def _anonymous_reads(call: Call) -> bool:
    settings = call.platform.settings
    if settings.anonymous_reads != "auto":
        return settings.anonymous_reads == "true"
    return settings.public_url is None and _is_local(call.request, settings)


def _is_local(request: Request[Any, Any, Any], settings: HttpSettings) -> bool:
    """Bound to loopback, called from loopback by that name, and not by a proxy for others.

    By that name: a page of another site whose own name was made to point here ("DNS rebinding")
    is of the same origin to the browser, but still asks for its own name.
    """
    client = request.client.host if request.client is not None else ""
    name = _host_name(request.headers.get("host", ""))
    if not (_loopback(settings.host) and _loopback(client) and _loopback(name or "")):
        return False
    forwarded = any(name in request.headers for name in FORWARDING)
    return not forwarded


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _same_site(request: Request[Any, Any, Any], settings: HttpSettings) -> None:
    """Refuse what another site makes a browser send (docs/explanation/security.md).

    A request with a bearer key and without a cookie is no browser's doing.
    """
    if request.method in SAFE:
        return
    headers = request.headers
    if "authorization" in headers and "cookie" not in headers:
        return
    origin = headers.get("origin")
    if origin is not None and origin in settings.allowed_origins:
        return
    site = headers.get("sec-fetch-site")
    if site is not None:
        allowed = site in ("same-origin", "none")
    else:
        allowed = origin is None or origin.partition("://")[2] == headers.get("host")
    if not allowed:
        raise Denied(403, "This request comes from another site.", error_code="cross_site")


async def _look_at(call: Call) -> None:
    """Give the call the rows that it asks for: now, behind a position, or as of one."""
    platform, query = call.platform, call.request.query_params
    if (text := query.get("min_position")) is not None:
        position = past.position(text, "min_position")
        if position > platform.history.head():
            raise invalid("min_position", "is a position that has not been written")
        if not await platform.views.reached(position, platform.settings.position_wait_s):
            raise Denied(503, "The views have not reached this position yet.", retry_after=1)
    text = query.get("as_of")
    if text is None or (text == "" and call.route.page):  # a form's field that was left empty
        if call.route.needs_views:
            call.views = platform.views.current
        return
    if call.route.always_now is not None:
        raise invalid("as_of", f"is not taken here: {call.route.always_now}")
    past.look_at(call, text)
