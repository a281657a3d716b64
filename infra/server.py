"""Serving a project: HTTP for people and programs, and a socket for the command line of its owner.

Both are one application. What comes through the control socket (`.dango/control.sock`, 0600) is the
project's owner, who could read and change its files anyway, and acts as `cli:<user>`.
"""

import asyncio
import contextlib
import errno
import gc
import logging
import os
import pwd
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import uvicorn

from api import asgi
from api.app import create
from api.callers import Caller
from domain.permissions import Role
from infra import connections, seldom
from infra.project import Project
from infra.runtime import Runtime

# asyncio takes as many connections at once, before we see the first of them, and on a failure
# complains as often.
BACKLOG_MAX: Final = 64  # connections that wait to be taken
SOCKET_BYTES_MAX: Final = 16 * 1024  # of one frame from a client; what it says is not listened to
GRACE_S: Final = 8  # how long running requests may take when the server is told to stop
OBJECTS_BETWEEN_SEARCHES: Final = 20_000  # made and not yet gone; the interpreter looks at 700
KEEP_ALIVE_S: Final = 75
UNIX_PATH_MAX: Final = 100  # a longer path does not fit into sockaddr_un

_log = logging.getLogger("dango.server")


class PortTaken(Exception):
    """Something else listens there."""


def owner() -> Caller:
    """Who acts through the control socket, or without a server."""
    name = pwd.getpwuid(os.getuid()).pw_name
    return Caller(actor=f"cli:{name}", via="control", role=Role.ADMIN)


class Doors:
    """The application, for whom it may concern: tells the control socket from the others."""

    def __init__(self, app: asgi.App, control: Path) -> None:
        self._app, self._control = app, str(control)
        self._owner = owner()

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Handle one connection; the framework's own lifespan is not used."""
        server = scope.get("server")
        if server is not None and tuple(server) == (self._control, None):
            scope[asgi.LOCAL] = self._owner
        await self._app(scope, receive, send)


class LocalApp:
    """The application for the owner alone, in a process without a server."""

    def __init__(self, app: asgi.App) -> None:
        self._app, self._owner = app, owner()

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Handle one request as the owner's."""
        scope[asgi.LOCAL] = self._owner
        await self._app(scope, receive, send)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY on what it accepts; without, every answer
    # waits 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        hint = " Choose another with --port." if error.errno == errno.EADDRINUSE else ""
        raise PortTaken(f"Cannot listen on {host}:{port}: {error.strerror}.{hint}") from None
    listener.listen(BACKLOG_MAX)
    listener.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    return listener


@contextlib.contextmanager
def control_socket(project: Project) -> Iterator[socket.socket | None]:
    """The owner's socket; None where the path is too long for one."""
    path = project.control
    if len(os.fsencode(path)) > UNIX_PATH_MAX:
        _log.warning("%s is too long for a socket; the command line needs the server stopped", path)
        yield None
        return
    path.unlink(missing_ok=True)
    before = os.umask(0o177)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(BACKLOG_MAX)
    listener.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    try:
        yield listener
    finally:
        listener.close()
        path.unlink(missing_ok=True)


async def serve(runtime: Runtime, listener: socket.socket, announce: Callable[[str], None]) -> None:
    """Serve until told to stop."""
    connections.raise_files()
    seldom.hush()
    app = Doors(create(runtime.platform), runtime.project.control)
    # What is there now stays: no search for cycles looks at it again. The rest is looked at seldom,
    # since what a request makes is gone with it, without a search.
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_SEARCHES)
    gc.enable()
    config = uvicorn.Config(
        app,
        http=connections.Http,
        ws=connections.Socket,
        ws_max_size=SOCKET_BYTES_MAX,
        backlog=BACKLOG_MAX,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        ws_per_message_deflate=False,
    )
    server = uvicorn.Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again when it has stopped; the default would end us then,
        # before the runtime has.
        signal.signal(number, server.handle_exit)
    try:
        with control_socket(runtime.project) as control:
            await runtime.start()
            host, port = listener.getsockname()[:2]
            announce(f"http://{f'[{host}]' if ':' in host else host}:{port}")
            sockets = [listener] if control is None else [listener, control]
            await server.serve(sockets=sockets)
    finally:
        await asyncio.shield(runtime.stop())
