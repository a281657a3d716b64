"""The application: the route table, one guard, one error table, one edge."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from litestar import Litestar, Request, Response
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin

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


def before(turns: once.Turns) -> Callable[[Request[Any, Any, Any]], Awaitable[Any]]:
    """The last steps before a handler: nothing is waited for between them and it."""

    async def steps(request: Request[Any, Any, Any]) -> Response[Any] | None:
        kept = await turns.before(request)
        if request.method not in SAFE:
            again(request)
        return kept

    return steps


def create(platform: Platform, routes: Sequence[Route] = ROUTES) -> asgi.App:
    """The ASGI application over a platform."""
    app = _Application(
        handlers(routes),
        guards=[guard],
        before_request=before(once.Turns()),
        exception_handlers=errors.HANDLERS,
        request_class=CheckedRequest,
        request_max_body_size=platform.settings.body_bytes_max,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    app.state.platform = platform
    sockets = {
        route.path: cast("asgi.App", route.handler(platform))
        for route in routes
        if route.method == SOCKET
    }
    return Edge(cast("asgi.App", app), sockets, platform)
