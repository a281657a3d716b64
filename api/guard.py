"""What every request passes before its handler: is it from here, who is it, may they, which rows.

One guard for all routes. It looks up nothing by itself: the route's row in the table says what is
demanded, and a route without a row does not exist.
"""

import ipaddress
from datetime import datetime
from typing import Any, Final, cast

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from api import asgi
from api.call import Call, Key
from api.callers import ANONYMOUS, PUBLIC, READS, SIGNED_IN, Caller
from api.errors import Denied, invalid
from api.platform import HttpSettings, Platform
from api.table import Route
from domain.permissions import Role
from projections import audit

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FORWARDING: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto")
# Such a session may only do this, until its password has been changed.
UNTIL_CHANGED: Final = frozenset({"/api/auth/change-password", "/api/auth/me", "/api/auth/logout"})
CHANGE_FIRST: Final = "The password must be changed first."


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Litestar's hook. Raises Denied."""
    route: Route = handler.opt["route"]
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
        if (key := request.headers.get("idempotency-key")) and route.access != PUBLIC:
            parts = (
                route.method.encode(),
                request.scope["raw_path"],
                request.scope["query_string"],
                await request.body(),
            )
            call.key = Key.of(key, caller.actor, parts)
        call.views = platform.views.current


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
    """Bound to loopback, called from loopback, and not by a proxy that speaks for others."""
    client = request.client.host if request.client is not None else ""
    if not (_loopback(settings.host) and _loopback(client)):
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
        position = _position(text, "min_position")
        if position > platform.history.head():
            raise invalid("min_position", "is a position that has not been written")
        if not await platform.views.reached(position, platform.settings.position_wait_s):
            raise Denied(503, "The views have not reached this position yet.", retry_after=1)
    text = query.get("as_of")
    if text is None:
        if call.route.needs_views:
            call.views = platform.views.current
        return
    if call.route.always_now is not None:
        raise invalid("as_of", f"is not taken here: {call.route.always_now}")
    position, now = _moment(call, text)
    call.as_of = position
    call.views = call.cleanup.enter_context(platform.views.past(position, now))


def _moment(call: Call, text: str) -> tuple[int, datetime]:
    current = call.platform.views.current
    if text.lstrip("-").isdigit():
        position = _position(text, "as_of")
        if position > current.position:
            raise invalid("as_of", "is a position that has not been written")
        at = audit.time_of(current, position)
        return position, at or call.platform.clock()
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise invalid("as_of", "is neither a position nor an RFC 3339 time") from None
    if at.tzinfo is None:
        raise invalid("as_of", "is a time without a zone")
    if at > call.platform.clock():
        raise invalid("as_of", "is in the future")
    return audit.position_at(current, at), at


def _position(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:  # noqa: PLR2004 - fits 64 bits
        raise invalid(name, "is not a position")
    return int(text)
