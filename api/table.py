"""What a row of the route table is, and how it becomes a handler of the framework."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final, cast, get_type_hints

import msgspec
from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.serialization import encode_json
from litestar.types import ASGIApp, AsyncAnyCallable, Empty

from api import asgi


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
    streamed: bool = False  # its handler takes the body as it comes, and bounds it
    multipart: bool = False  # takes files; its handler looks at them, nothing here does
    proxied: bool = False  # another server answers: no key is honoured, and bodies are passed on
    browsed: bool = False  # asked for by browsers and programs: errors are as each wants them
    page: bool = False  # answers people: errors are pages too, and a plain form may be posted


SOCKET: Final = "WS"
JSON: Final = (msgspec.Struct, dict, list, tuple)  # what is answered as such
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


def proxied(path: str, access: str, handler: Callable[..., Any], **more: Any) -> tuple[Route, ...]:
    """Rows for what is passed on, whatever is to be done."""
    more = {"proxied": True, "streamed": True, "browsed": True, **more}
    return tuple(
        Route(
            method=method,
            path=path,
            access=access,
            handler=handler,
            always_now="another server answers" if method == "GET" else None,
            **more,
        )
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    )


def page(path: str, access: str, handler: Callable[..., Any], **more: Any) -> Route:
    """A row for a page."""
    return Route(method="GET", path=path, access=access, handler=handler, page=True, **more)


def form(path: str, access: str, handler: Callable[..., Any], **more: Any) -> Route:
    """A row for a command that a page's form posts."""
    return Route(method="POST", path=path, access=access, handler=handler, page=True, **more)


def socket(path: str, access: str, handler: Callable[..., Any]) -> Route:
    """A row for a WebSocket; its handler takes the platform and gives an ASGI application."""
    return Route(method=SOCKET, path=path, access=access, handler=handler)


class _Json:
    """An answer in JSON. The framework's own makes three objects of it, and 30 µs."""

    __slots__ = ("_body", "_status")

    def __init__(self, status: int, body: bytes) -> None:
        self._status, self._body = status, body

    async def __call__(self, _: object, __: object, send: asgi.Send) -> None:
        length = b"%d" % len(self._body)
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})


class _Handler(HTTPRouteHandler):
    """A handler whose guards are shown itself. The framework shows each a copy, at 50 µs a copy."""

    async def to_response(
        self, app: Litestar, data: Any, request: Request[Any, Any, Any]
    ) -> ASGIApp:
        if isinstance(data, JSON):
            return cast("ASGIApp", _Json(self.status_code, encode_json(data)))
        return await super().to_response(app, data, request)

    async def authorize_connection(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        for guard in self.resolve_guards():
            await cast("AsyncAnyCallable", guard)(connection, self)


def _called(handler: Callable[..., Any]) -> Callable[..., Any]:
    """A handler for the framework: the guard's call comes with the request.

    A dependency of the framework would be the same, with a task's worth of machinery around it.
    """
    signature = inspect.signature(handler)
    if "call" not in signature.parameters:
        return handler
    hints = get_type_hints(handler, include_extras=True)

    @functools.wraps(handler)
    async def run(request: Request[Any, Any, Any], **given: Any) -> Any:
        return await handler(asgi.call(request.scope), **given)

    given = [
        parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in signature.parameters.items()
        if name != "call"
    ]
    kinds = {"request": Request[Any, Any, Any], **{p.name: hints[p.name] for p in given}}
    first = inspect.Parameter(
        "request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=kinds["request"]
    )
    wrapper: Any = run
    wrapper.__signature__ = signature.replace(
        parameters=[first, *given], return_annotation=hints["return"]
    )
    run.__annotations__ = {**kinds, "return": hints["return"]}
    return run


def handlers(routes: Sequence[Route]) -> list[HTTPRouteHandler]:
    """The framework's handlers of all rows."""
    return [
        _Handler(
            route.path,
            http_method=HttpMethod(route.method),
            status_code=route.status,
            opt={"route": route},
            request_max_body_size=None if route.streamed else Empty,
            summary=(route.handler.__doc__ or "").split("\n")[0] or None,
        )(_called(route.handler))
        for route in routes
        if route.method != SOCKET
    ]
