"""What a row of the route table is, and how it becomes a handler of the framework."""

from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import msgspec
from litestar.connection import ASGIConnection
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.types import AsyncAnyCallable


class Route(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One route: who may, what answers, and whether it can show the past."""

    method: str
    path: str
    access: str  # PUBLIC, READS, SIGNED_IN, SESSION or a permission; api/callers.py
    handler: Callable[..., Any]
    status: int = 200
    always_now: str | None = None  # why a GET takes no ?as_of=
    needs_views: bool = True  # False: answers even when the views have stopped, and reads none
    again: bool = False  # its answer follows from the events alone, and can be made anew
    shows_secret: bool = False  # its answer holds something that is shown once
    multipart: bool = False  # takes files; its handler looks at them, nothing here does
    page: bool = False  # answers people: errors are pages too, and a plain form may be posted


SOCKET: Final = "WS"
NOW_ONLY: Final = "it tells the state of this process"


def get(path: str, access: str, handler: Callable[..., Any], **more: Any) -> Route:
    """A row for reading."""
    return Route(method="GET", path=path, access=access, handler=handler, **more)


def post(path: str, access: str, handler: Callable[..., Any], **more: Any) -> Route:
    """A row for a command."""
    return Route(method="POST", path=path, access=access, handler=handler, **more)


def put(path: str, access: str, handler: Callable[..., Any], **more: Any) -> Route:
    """A row for a command that sets something."""
    return Route(method="PUT", path=path, access=access, handler=handler, **more)


def delete(path: str, access: str, handler: Callable[..., Any], **more: Any) -> Route:
    """A row for a command that removes something."""
    return Route(method="DELETE", path=path, access=access, handler=handler, **more)


def page(path: str, access: str, handler: Callable[..., Any], **more: Any) -> Route:
    """A row for a page."""
    return Route(method="GET", path=path, access=access, handler=handler, page=True, **more)


def form(path: str, access: str, handler: Callable[..., Any], **more: Any) -> Route:
    """A row for a command that a page's form posts."""
    return Route(method="POST", path=path, access=access, handler=handler, page=True, **more)


def socket(path: str, access: str, handler: Callable[..., Any]) -> Route:
    """A row for a WebSocket; its handler takes the platform and gives an ASGI application."""
    return Route(method=SOCKET, path=path, access=access, handler=handler)


class _Handler(HTTPRouteHandler):
    """A handler whose guards are shown itself. The framework shows each a copy, at 50 µs a copy."""

    async def authorize_connection(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        for guard in self.resolve_guards():
            await cast("AsyncAnyCallable", guard)(connection, self)


def handlers(routes: Sequence[Route]) -> list[HTTPRouteHandler]:
    """The framework's handlers of all rows."""
    return [
        _Handler(
            route.path,
            http_method=HttpMethod(route.method),
            status_code=route.status,
            opt={"route": route},
            summary=(route.handler.__doc__ or "").split("\n")[0] or None,
        )(route.handler)
        for route in routes
        if route.method != SOCKET
    ]
