"""The application: the route table, one guard, one error table, one edge."""

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from litestar import Litestar, Request, Response
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.routes import BaseRoute, HTTPRoute

from api import asgi, errors, once
from api.bodies import CheckedRequest
from api.edge import Edge
from api.guard import SAFE, again, guard
from api.platform import Platform
from api.routes import ROUTES
from api.table import SOCKET, Route, handlers


class _Application(Litestar):
    """Without the plugins for pydantic and attrs, which the framework takes in where it can.

    They cost half a second of start and 20 MB, and this application has no use for them.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]

    @property
    def route_handler_method_map(self) -> "_Standing":
        """What stands under each path, which the framework asks once for each row."""
        return _Standing(self.routes)


class _Standing(dict[str, dict[Any, Any]]):
    """Looked up when asked for: the framework's own map is made whole for each of 280 rows."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        super().__init__()
        self._routes = routes

    def get(self, path: str, default: Any = None) -> Any:
        """The handlers under this path, by method."""
        return {
            method: handler
            for route in self._routes
            if isinstance(route, HTTPRoute) and route.path == path
            for handler in route.route_handlers
            for method in handler.http_methods
        } or default


def before(turns: once.Turns) -> Callable[[Request[Any, Any, Any]], Awaitable[Any]]:
    """The last steps before a handler: nothing is waited for between them and it."""

    async def steps(request: Request[Any, Any, Any]) -> Response[Any] | None:
        kept = await turns.before(request)
        if request.method not in SAFE:
            again(request)
        return kept

    return steps


@functools.lru_cache(maxsize=4)
def _application(routes: tuple[Route, ...], body_bytes_max: int) -> _Application:
    """The framework's part, made once for all projects of this process, since that takes 0.2 s.

    It knows no platform: that comes with each request.
    """
    return _Application(
        handlers(routes),
        guards=[guard],
        before_request=before(once.Turns()),
        exception_handlers=dict(errors.HANDLERS),  # the framework adds to it
        request_class=CheckedRequest,
        request_max_body_size=body_bytes_max,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )


def create(platform: Platform, routes: Sequence[Route] = ROUTES) -> asgi.App:
    """The ASGI application over a platform."""
    app = _application(tuple(routes), platform.settings.body_bytes_max)
    sockets = {
        route.path: cast("asgi.App", route.handler(platform))
        for route in routes
        if route.method == SOCKET
    }
    return Edge(cast("asgi.App", app), sockets, platform)
