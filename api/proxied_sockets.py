"""Passing a WebSocket on: both ways, until either end is closed or its caller may no longer."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from api import asgi, proxying, sockets
from api.callers import Caller
from api.errors import Denied
from api.platform import Platform
from api.proxying import Upstream
from api.sockets import Client, Crowd, Refused
from domain.kernel import Event

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

CLIENTS_MAX: Final = 200
USER_CLIENTS_MAX: Final = 20
OPEN_S: Final = 10.0
ALIVE_S: Final = 30.0  # between two signs of life of an open socket
FRAME_BYTES_MAX: Final = 64 * 1024 * 1024
QUEUE_FRAMES_MAX: Final = 16
NORMAL, PRIVATE, BROKEN = 1000, range(3000, 5000), 1011


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request or a socket leads."""

    upstream: Upstream
    path: bytes
    target: str  # the same while it leads to the same thing
    used: Callable[[], None] = lambda: None  # when a request goes there
    alive: Callable[[], None] = lambda: None  # while a socket is open


# The way of a caller to a path, or Denied.
Find = Callable[[Caller, asgi.Scope], Way]


class Sockets:
    """All sockets below one path."""

    def __init__(self, platform: Platform, find: Find, after: tuple[type[Event], ...] = ()) -> None:
        """`after`: events behind which the way of an open socket may be another."""
        self._platform, self._find = platform, find
        self.crowd = Crowd(platform, self._may, after)
        self._ways: dict[Client, str] = {}

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Handle one socket from handshake to end."""
        await receive()  # websocket.connect
        try:
            caller = sockets.handshake(scope, self._platform)
            self.crowd.admit(caller, clients_max=CLIENTS_MAX, per_user_max=USER_CLIENTS_MAX)
            way = self._found(caller, scope)
            upstream = await _opened(way, scope)
        except Refused as refused:
            await sockets.refuse(scope, send, refused)
            return
        client = Client(caller, scope, send)
        self._ways[client] = way.target
        try:
            with self.crowd.joined(client):
                # Rights may have ended while the other server was asked.
                if not self._may(client, caller):
                    client.close(sockets.REVOKED)
                await send({"type": "websocket.accept", "subprotocol": upstream.subprotocol})
                await _race(client, upstream, receive, way)
                await client.end()
        finally:
            del self._ways[client]
            await upstream.close()

    def _may(self, client: Client, caller: Caller) -> bool:
        try:
            return self._find(caller, client.scope).target == self._ways[client]
        except Denied:
            return False

    def _found(self, caller: Caller, scope: asgi.Scope) -> Way:
        try:
            return self._find(caller, scope)
        except Denied as denied:
            raise Refused(denied.status, str(denied)) from None


async def _opened(way: Way, scope: asgi.Scope) -> "ClientConnection":
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidHandshake
    from websockets.typing import Subprotocol

    class Straight(connect):
        """No redirect is followed."""

        def process_redirect(self, exc: Exception) -> Exception | str:
            return exc

    try:
        target = proxying.checked(way.path).decode("latin-1")
    except Denied as denied:
        raise Refused(denied.status, str(denied)) from None
    if scope["query_string"]:
        target += "?" + scope["query_string"].decode("latin-1")
    url = "ws" + way.upstream.url.removeprefix("http") + target
    wanted = [Subprotocol(name) for name in scope.get("subprotocols", ())]
    shown = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in way.upstream.headers]
    try:
        return await Straight(
            url,
            additional_headers=shown,
            subprotocols=wanted or None,
            compression=None,
            proxy=None,
            open_timeout=OPEN_S,
            max_size=FRAME_BYTES_MAX,
            max_queue=QUEUE_FRAMES_MAX,
            user_agent_header=None,
        )
    except (InvalidHandshake, OSError, TimeoutError, ValueError):
        raise Refused(502, way.upstream.down) from None


async def _race(
    client: Client, upstream: "ClientConnection", receive: asgi.Receive, way: Way
) -> None:
    """Until either end goes, or the client is closed."""
    tasks = (
        asyncio.create_task(_down(client, upstream)),
        asyncio.create_task(_up(receive, upstream)),
        asyncio.create_task(client.done.wait()),
        asyncio.create_task(_stay(way)),
    )
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    if not client.done.is_set():
        code = upstream.close_code
        good = code is not None and (code == NORMAL or code in PRIVATE)
        client.code = code if code is not None and good else BROKEN
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _down(client: Client, upstream: "ClientConnection") -> None:
    from websockets.exceptions import ConnectionClosed

    with contextlib.suppress(ConnectionClosed):
        while True:
            frame = await upstream.recv()
            kind = "text" if isinstance(frame, str) else "bytes"
            await client.give({"type": "websocket.send", kind: frame})


async def _up(receive: asgi.Receive, upstream: "ClientConnection") -> None:
    from websockets.exceptions import ConnectionClosed

    with contextlib.suppress(ConnectionClosed):
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            await upstream.send(message["bytes"] if text is None else text)


async def _stay(way: Way) -> None:
    while True:
        way.alive()
        await asyncio.sleep(ALIVE_S)
