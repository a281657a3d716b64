"""/ws: every event as it happens, to whoever may see it, resumable by position.

`?after=<position>` replays what came after it and goes on live, without gap or double. A client
that takes nothing for a while is closed (1013) and resumes; one whose session or key has ended is
closed (4401) at once.
"""

import asyncio
from typing import Final
from urllib.parse import parse_qs

import msgspec

from api import asgi, past, sockets
from api.errors import Denied
from api.platform import Platform
from api.sockets import GOING_AWAY, TRY_AGAIN, Client, Crowd, Refused
from projections.live import Frame, frames

CLIENTS_MAX: Final = 2_000
USER_CLIENTS_MAX: Final = 50  # sockets of one account
BATCH_FRAMES_MAX: Final = 256  # that are read at once
REPLAY_EVENTS: Final = 500

_encode: Final = msgspec.json.Encoder().encode


class Live:
    """All sockets of this process."""

    def __init__(self, platform: Platform) -> None:
        self._platform, self._ring = platform, platform.ring
        self.crowd = Crowd(platform)

    @property
    def clients(self) -> set[Client]:
        """Who is connected."""
        return self.crowd.clients

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Handle one socket from handshake to end."""
        await receive()  # websocket.connect
        try:
            client, after = self._admit(scope, send)
        except Refused as refused:
            await sockets.refuse(scope, send, refused)
            return
        with self.crowd.joined(client):
            await send({"type": "websocket.accept"})
            await self._race(client, after, receive)
            await client.end()

    def stop(self) -> None:
        """Close every socket: the server goes, clients come back by position."""
        for client in tuple(self.clients):
            client.close(GOING_AWAY)

    def _admit(self, scope: asgi.Scope, send: asgi.Send) -> tuple[Client, int | None]:
        caller = sockets.handshake(scope, self._platform)
        self.crowd.admit(caller, clients_max=CLIENTS_MAX, per_user_max=USER_CLIENTS_MAX)
        return Client(caller, scope, send), self._after(scope)

    def _after(self, scope: asgi.Scope) -> int | None:
        text = parse_qs(scope["query_string"].decode("latin-1")).get("after")
        if text is None:
            return None
        try:
            position = past.position(text[-1], "after")
        except Denied as denied:
            raise Refused(denied.status, str(denied)) from None
        if position > self._ring.head:
            raise Refused(422, "after: is a position that has not been written")
        return position

    async def _race(self, client: Client, after: int | None, receive: asgi.Receive) -> None:
        """Until the client goes, is closed, or cannot follow."""
        tasks = (
            asyncio.create_task(self._pump(client, after)),
            asyncio.create_task(sockets.gone(receive)),
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
            found = ring.read(cursor, BATCH_FRAMES_MAX)
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
