"""What every request passes before its handler: is it from here, who is it, may they, which rows.

One guard for all routes. It looks up nothing by itself: the route's row in the table says what is
demanded, and a route without a row does not exist.
"""

import functools
from typing import Any, Final, cast

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.handlers import BaseRouteHandler

from api import asgi, bodies, hosts, past, proxies, senders
from api.call import Call, Key
from api.callers import (
    ANONYMOUS,
    DEPLOY,
    DEPLOYS,
    PARTIAL,
    PUBLIC,
    READS,
    SESSION,
    SIGNED_IN,
    Caller,
)
from api.errors import Denied, invalid, lacking
from api.platform import HttpSettings, Platform
from api.table import Route
from domain.pii import PERMISSION as SEES_MASKED
from projections.engine import ViewsBroken

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
MASK: Final = "x-dango-mask"  # a header that makes a caller one who lacks pii.view
AGAIN_AFTER_S: Final = 1.0  # a caller is looked at again even if nothing has happened
INTEGER_BITS: Final = 63  # of what the log and the views can hold
# Such a session may only do this, until its password has been changed.
UNTIL_CHANGED: Final = frozenset(
    {
        "/api/auth/change-password",
        "/api/auth/me",
        "/api/auth/logout",
        "/account/password",
        "/setup",
        "/logout",
    }
)
# And such a one, until there is a second factor where the settings demand one.
UNTIL_SET_UP: Final = UNTIL_CHANGED | {
    "/api/auth/2fa/setup",
    "/api/auth/2fa/verify-setup",
    "/account/2fa",
    "/account/2fa/verify",
}
UNTIL_COMPLETE: Final = frozenset({"/api/auth/logout", "/logout"})  # beside giving the factor
# What asks whether the server lives must be told so during a flood too, and by any name.
UNCOUNTED: Final = frozenset({"/api/health/live", "/api/health/ready"})
TOO_MANY: Final = "Too many requests; try again later."
NO_LOGIN: Final = "No login waits for a second factor, or not any more; log in."
SET_UP_FIRST: Final = "Two-factor authentication must be set up first."
FACTOR_FIRST: Final = "The second factor is due: give a code at /api/auth/2fa/verify."
CHANGE_FIRST: Final = "The password must be changed first."
KEYLESS: Final = "An API key may not do this; log in."


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Litestar's hook. Raises Denied."""
    route: Route | None = handler.opt.get("route")
    if route is None:  # the framework's own answer to OPTIONS; there is nothing to negotiate
        raise _no_method(connection)
    platform = asgi.platform(connection.scope)
    request = cast("Request[Any, Any, Any]", connection)
    if route.path not in UNCOUNTED:
        admit(request.scope, platform)
        well_named(request.scope, platform.settings)
    _well_formed(connection)
    _same_site(request, platform.settings)
    stood = platform.views.position
    caller = _caller(request, route, platform)
    if caller.user_id is not None and route.path not in UNCOUNTED:
        now = platform.clock()
        _heard(platform.limits.wait_of(caller.user_id, platform.settings, now))
    id = asgi.request_id(request.scope)
    call = Call(request, platform, route, caller, request_id=id, stood=stood)
    cast("asgi.Scope", request.scope)[asgi.CALL] = call
    _admit(call)
    if route.method in SAFE:
        await _look_at(call)
        return
    # What comes as a stream is not waited for: under a key its length stands for it.
    length = (asgi.header(request.scope, "content-length") or "").encode()
    body = length if route.streamed else await bodies.arrived(request)
    key = asgi.header(request.scope, "idempotency-key")
    # No browser sends one with a page's form, and another server's answers are not kept.
    keyed = not (route.page or route.proxied) and route.access not in (PUBLIC, PARTIAL)
    if key is not None and keyed:
        target = request.scope["raw_path"], request.scope["query_string"]
        # A key that was narrowed, or who wants masks, is not given what the whole user was told.
        parts = (route.method.encode(), *target, body, *_narrowed(caller))
        # What is shown once is shown again only to what asked for it, not to its user's others.
        asker = (caller.via.encode(),) if route.shows_secret else ()
        call.key = Key.of(key, caller.actor, (*parts, *asker), platform.secrets)
    if route.needs_views:
        call.views = platform.views.current


def admit(scope: Any, platform: Platform) -> None:
    """Count a request, of whoever it is. Raises Denied, 429."""
    settings = platform.settings
    if proxies.unnamed(scope, settings.trusted_proxies):
        platform.limits.passed_on()
    sender = proxies.sender(scope, settings.trusted_proxies)
    _heard(platform.limits.wait(sender, settings, platform.clock()))


def _heard(wait_s: int | None) -> None:
    if wait_s is not None:
        raise Denied(429, TOO_MANY, error_code="too_many_requests", retry_after=wait_s)


def well_named(scope: Any, settings: HttpSettings) -> None:
    """Whether the server is asked for by a name of its own. Raises Denied, 400."""
    given = asgi.headers(scope, "host")
    if len(given) > 1 or any(senders.host_name(host) is None for host in given):
        raise Denied(400, "The Host header is malformed.")
    if not hosts.known(scope, settings):
        raise Denied(400, hosts.UNKNOWN, error_code="host_unknown")


def again(request: Request[Any, Any, Any]) -> None:
    """Settle once more who calls and whether they may, after anything that was waited for.

    A session can end while its request is still on the way. Raises Denied.
    """
    call = asgi.call(request.scope)
    if call is None or call.settled(AGAIN_AFTER_S):
        return
    call.caller = _caller(request, call.route, call.platform, uses=False)
    _admit(call)


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
    for value in connection.path_params.values():
        if isinstance(value, int) and abs(value) >= 1 << INTEGER_BITS:
            raise NotFoundException


def _caller(
    request: Request[Any, Any, Any], route: Route, platform: Platform, *, uses: bool = True
) -> Caller:
    try:
        caller = senders.sender(request.scope, platform, uses=uses)
    except ViewsBroken:
        if route.access != PUBLIC and route.needs_views:
            raise
        return ANONYMOUS  # who it is cannot be told; what needs nobody known is answered still
    if caller is None:
        raise Denied(401, "The API key is not valid.")
    return caller.without(SEES_MASKED) if wants_masks(request.scope) else caller


def wants_masks(scope: Any) -> bool:
    """Whether the caller wants personal data masked, whatever they may see.

    Any value will do: who misspells it sees less than they may, never more.
    """
    return asgi.header(scope, MASK) is not None


def _admit(call: Call) -> None:
    caller = call.caller
    access = _asked(call)
    if access == PUBLIC:
        return
    if access == PARTIAL:
        if caller.partial is None:
            raise Denied(401, NO_LOGIN)
        return
    if caller.role is None:
        _admit_nobody(call)
        return
    _free(call)
    if access == SESSION and caller.key_id is not None:
        raise Denied(403, KEYLESS, error_code="session_only")
    if access not in (READS, SIGNED_IN, SESSION) and not caller.may(access):
        raise lacking(access)


def _asked(call: Call) -> str:
    """What the route demands of this caller: of a deploy token nothing, where one is taken."""
    if call.route.access != DEPLOY:
        return call.route.access
    return DEPLOYS if call.caller.deploy is None else PUBLIC


def _free(call: Call) -> None:
    """Whether the caller has nothing to do first."""
    caller, path = call.caller, call.route.path
    if caller.must_change_password and path not in UNTIL_CHANGED:
        raise Denied(403, CHANGE_FIRST, error_code="must_change_password")
    if caller.must_set_up_2fa and path not in UNTIL_SET_UP:
        raise Denied(403, SET_UP_FIRST, error_code="2fa_setup_required")


def _admit_nobody(call: Call) -> None:
    if call.route.access == READS and _anonymous_reads(call):
        return
    if call.caller.partial is None:
        raise Denied(401, "Authentication required.")
    if call.route.path not in UNTIL_COMPLETE:
        raise Denied(401, FACTOR_FIRST, error_code="2fa_required")


def _anonymous_reads(call: Call) -> bool:
    settings = call.platform.settings
    if settings.anonymous_reads != "auto":
        return settings.anonymous_reads == "true"
    return settings.public_url is None and senders.is_local(call.request.scope, settings)


def _same_site(request: Request[Any, Any, Any], settings: HttpSettings) -> None:
    """Refuse what another site makes a browser send (docs/explanation/security.md).

    A request with a bearer key and without a cookie is no browser's doing.
    """
    if request.method in SAFE:
        return
    header = functools.partial(asgi.header, request.scope)
    scheme = (header("authorization") or "").partition(" ")[0].lower()
    if scheme == "bearer" and header("cookie") is None:  # others browsers send by themselves
        return
    origin = header("origin")
    if origin is not None and origin in settings.allowed_origins:
        return
    site = header("sec-fetch-site")
    if site is not None:
        allowed = site in ("same-origin", "none")
    else:
        allowed = hosts.own_origin(request.scope)
    if not allowed:
        raise Denied(403, "This request comes from another site.", error_code="cross_site")


def _narrowed(caller: Caller) -> tuple[bytes, ...]:
    return () if caller.only is None else (",".join(sorted(caller.only)).encode(),)


async def _look_at(call: Call) -> None:
    """Give the call the rows that it asks for: now, behind a position, or as of one."""
    platform, query = call.platform, call.request.query_params
    if (text := query.get("min_position")) is not None:
        position = past.position(text, "min_position")
        if position > platform.history.head():
            raise invalid("min_position", "is a position that has not been written")
        if not await platform.views.reached(position, platform.settings.position_wait_s):
            raise Denied(503, "The views have not reached this position yet.", retry_after=1)
        again(call.request)
    text = query.get("as_of")
    if text is None or (text == "" and call.route.page):  # a form's field that was left empty
        if call.route.needs_views:
            call.views = platform.views.current
        return
    if call.route.always_now is not None:
        raise invalid("as_of", f"is not taken here: {call.route.always_now}")
    past.look_at(call, text)
