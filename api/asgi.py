"""The ASGI types as the specification has them; a scope may carry keys of our own."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from api.call import Call
    from api.callers import Caller
    from api.platform import Platform

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

REQUEST_ID: Final = "dango.request_id"  # set by the edge
PLATFORM: Final = "dango.platform"  # set by the edge
CALL: Final = "dango.call"  # set by the guard
HEADERS: Final = "dango.headers"  # read once
LOCAL: Final = "dango.local"  # set by the control socket: the owner

# The id of the request that runs, for the lines of the log.
current: Final[ContextVar[str]] = ContextVar("dango.request_id", default="")

# On every answer that says nothing else.
SECURITY: Final[list[tuple[bytes, bytes]]] = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (
        b"content-security-policy",
        b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]


def every_header(scope: Any) -> Mapping[str, list[str]]:
    """All values by their names, which are in lower case."""
    found: dict[str, list[str]] | None = scope.get(HEADERS)
    if found is None:
        found = {}
        scope[HEADERS] = found
        for key, value in scope["headers"]:
            found.setdefault(key.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def headers(scope: Any, name: str) -> list[str]:
    """All values under this name, which is in lower case."""
    return every_header(scope).get(name, [])


def header(scope: Any, name: str) -> str | None:
    """The first value under this name."""
    found = every_header(scope).get(name)
    return found[0] if found else None


def request_id(scope: Any) -> str:
    """The id of this request."""
    return str(scope.get(REQUEST_ID, ""))


def template(scope: Any) -> str:
    """The path of the route, with the names of its parameters for their values."""
    route = _route(scope)
    return "" if route is None else str(route.path)


def page(scope: Any) -> bool:
    """Whether a person's browser asks for a page: by the route, or for a path without one."""
    route = _route(scope)
    if route is not None and not route.browsed:
        return bool(route.page)
    if route is None and scope["path"].startswith(("/api/", "/static/")):
        return False
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def multipart(scope: Any) -> bool:
    """Whether the route takes files."""
    route = _route(scope)
    return route is not None and bool(route.multipart)


def platform(scope: Any) -> "Platform":
    """What serves this request, as the edge says."""
    found: Platform = scope[PLATFORM]
    return found


def call(scope: Any) -> "Call | None":
    """What the guard made of this request, if it came so far."""
    found: Call | None = scope.get(CALL)
    return found


def local(scope: Any) -> "Caller | None":
    """The owner, on the control socket."""
    found: Caller | None = scope.get(LOCAL)
    return found


def _route(scope: Any) -> Any:
    handler = scope.get("route_handler")
    return None if handler is None else handler.opt.get("route")
