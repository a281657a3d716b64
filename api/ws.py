"""/ws: every event as it happens, to whoever may see it, resumable by position.

`?after=<position>` replays what came after it and goes on live, without gap or double. A client
that takes nothing for a while is closed (1013) and resumes; one whose session or key has ended is
closed (4401) within a second.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs

import msgspec

from api import asgi
from api.callers import Caller
from api.platform import Platform
from projections.live import Frame, frames

CLIENTS_MAX: Final = 2_000
STUCK_S: Final = 30.0  # a client that takes nothing for so long is closed
RECHECK_S: Final = 0.5  # how often sessions and keys of open sockets are looked at
BATCH_FRAMES: Final = 256
REPLAY_EVENTS: Final = 500
GOING_AWAY: Final = 1001
TRY_AGAIN: Final = 1013
REVOKED: Final = 4401

_encode: Final = msgspec.json.Encoder().encode


class Refused(Exception):
    """The handshake is refused with this status."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class Client:
    """One open socket."""

    def __init__(self, caller: Caller, headers: Mapping[str, str], send: asgi.Send) -> None:
        self.caller, self.headers, self._send = caller, headers, send
        self.code = GOING_AWAY
        self.done = asyncio.Event()

    async def tell(self, text: str) -> None:
        """Send one frame; TimeoutError when the client does not take it."""
        async with asyncio.timeout(STUCK_S):
            await self._send({"type": "websocket.send", "text": text})

    def close(self, code: int) -> None:
        """Ask for an end with this code."""
        self.code = code
        self.done.set()


class Live:
    """All sockets of this process."""

    def __init__(self, platform: Platform) -> None:
        self._platform, self._ring = platform, platform.ring
        self.clients: set[Client] = set()
        self._sweeper: asyncio.Task[None] | None = None

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Handle one socket from handshake to end."""
        await receive()  # websocket.connect
        try:
            client, after = self._admit(scope, send)
        except Refused as refused:
            await _refuse(scope, send, refused)
            return
        await send({"type": "websocket.accept"})
        self.clients.add(client)
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.create_task(self._sweep())
        try:
            await self._race(client, after, receive)
        finally:
            self.clients.discard(client)
        with contextlib.suppress(OSError, RuntimeError):  # it may be gone already
            await send({"type": "websocket.close", "code": client.code})

    def stop(self) -> None:
        """Close every socket: the server goes, clients come back by position."""
        for client in tuple(self.clients):
            client.close(GOING_AWAY)

    def _admit(self, scope: asgi.Scope, send: asgi.Send) -> tuple[Client, int | None]:
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        settings = self._platform.settings
        origin = headers.get("origin")
        own = origin is None or origin.partition("://")[2] == headers.get("host")
        if not own and origin not in settings.allowed_origins:
            raise Refused(403, "This request comes from another site.")
        caller = asgi.local(scope) or self._caller(headers)
        if caller is None or caller.role is None:
            raise Refused(401, "Authentication required.")
        if caller.must_change_password:
            raise Refused(403, "The password must be changed first.")
        if len(self.clients) >= CLIENTS_MAX:
            raise Refused(503, "Too many clients are connected.")
        return Client(caller, headers, send), self._after(scope)

    def _after(self, scope: asgi.Scope) -> int | None:
        text = parse_qs(scope["query_string"].decode("latin-1")).get("after")
        if text is None:
            return None
        if not (text[-1].isascii() and text[-1].isdigit()) or int(text[-1]) > self._ring.head:
            raise Refused(422, "after: is not a position that has been written")
        return int(text[-1])

    def _caller(self, headers: Mapping[str, str]) -> Caller | None:
        cookies = dict(
            pair.strip().partition("=")[::2] for pair in headers.get("cookie", "").split(";")
        )
        cookie = cookies.get(self._platform.settings.cookie)
        platform = self._platform
        return platform.authenticate(headers.get("authorization"), cookie, platform, uses=False)

    async def _race(self, client: Client, after: int | None, receive: asgi.Receive) -> None:
        """Until the client goes, is closed, or cannot follow."""
        tasks = (
            asyncio.create_task(self._pump(client, after)),
            asyncio.create_task(_gone(receive)),
            asyncio.create_task(client.done.wait()),
        )
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        if isinstance(results[0], TimeoutError):
            client.code = TRY_AGAIN
        elif isinstance(results[0], Exception) and not isinstance(results[0], OSError):
            raise results[0]

    async def _pump(self, client: Client, after: int | None) -> None:
        ring = self._ring
        cursor: int | None = ring.end
        position = ring.head
        hello = {"type": "connected", "event": "connected", "position": position}
        await client.tell(_encode(hello).decode())
        if after is not None:
            position, cursor = after, ring.cursor(after)
        while True:
            if cursor is None:
                position = await self._replay(client, position)
                cursor = ring.cursor(position)
                continue
            await ring.wait(cursor)
            found = ring.read(cursor, BATCH_FRAMES)
            if found is None:
                cursor = None
                continue
            for frame in found:
                await self._show(client, frame)
                position = frame.position or position
            cursor += len(found)

    async def _replay(self, client: Client, after: int) -> int:
        """What the ring has forgotten, from the log, one page; answers the position reached."""
        history = self._platform.history
        page = await asyncio.to_thread(history.page, after, REPLAY_EVENTS)
        for recorded in page:
            for frame in frames(recorded):
                await self._show(client, frame)
        return page[-1].position if page else self._ring.head

    @staticmethod
    async def _show(client: Client, frame: Frame) -> None:
        if client.caller.may(frame.permission):
            await client.tell(frame.data)

    async def _sweep(self) -> None:
        """Close the sockets of those who may no longer be here, and note changed rights."""
        while self.clients:
            await asyncio.sleep(RECHECK_S)
            for client in tuple(self.clients):
                if client.caller.via == "control":
                    continue
                caller = self._caller(client.headers)
                if caller is None or caller.role is None or caller.must_change_password:
                    client.close(REVOKED)
                else:
                    client.caller = caller


async def _gone(receive: asgi.Receive) -> None:
    """Return when the client has left; what it says is not listened to."""
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def _refuse(scope: asgi.Scope, send: asgi.Send, refused: Refused) -> None:
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    body = _encode({"detail": refused.detail})
    await send(
        {
            "type": "websocket.http.response.start",
            "status": refused.status,
            "headers": [(b"content-type", b"application/json")],
        }
    )
    await send({"type": "websocket.http.response.body", "body": body})
