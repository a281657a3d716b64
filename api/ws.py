"""/ws: every event as it happens, to whoever may see it, resumable by position.

`?after=<position>` replays what came after it and goes on live, without gap or double. A client
that takes nothing for a while is closed (1013) and resumes; one whose session or key has ended is
closed (4401) at once.
"""

import asyncio
import contextlib
import logging
from typing import Final
from urllib.parse import parse_qs

import msgspec

from api import asgi, guard, hosts, past, senders
from api.asgi import SECURITY
from api.callers import Caller
from api.errors import Denied
from api.platform import Platform
from domain import api_keys, sessions, users
from projections.engine import ViewsBroken
from projections.live import Frame, frames

CLIENTS_MAX: Final = 2_000
USER_CLIENTS_MAX: Final = 50  # sockets of one account
STUCK_S: Final = 30.0  # a client that takes nothing for so long is closed
LAST_S: Final = 1.0  # how long a client is given to take the last frame
RECHECK_S: Final = 3.0  # how often what ends by time alone is looked at
RECHECK_CLIENTS: Final = 100  # that are looked at before others get a turn
BATCH_FRAMES: Final = 256
REPLAY_EVENTS: Final = 500
GOING_AWAY: Final = 1001
TRY_AGAIN: Final = 1013
REVOKED: Final = 4401

# After these, callers of open sockets may not be who they were.
ACCESS: Final = frozenset(
    kind.type_name()
    for kind in (
        api_keys.ApiKeyRevoked,
        sessions.SessionEnded,
        users.UserRoleChanged,
        *sessions.ENDS_ALL,
    )
)

_encode: Final = msgspec.json.Encoder().encode
_log = logging.getLogger("dango.ws")


class Refused(Exception):
    """The handshake is refused with this status."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class Client:
    """One open socket."""

    def __init__(self, caller: Caller, scope: asgi.Scope, send: asgi.Send) -> None:
        self.caller, self.scope, self._send = caller, scope, send
        self.code = GOING_AWAY
        self.done = asyncio.Event()

    async def tell(self, text: str) -> None:
        """Send one frame; TimeoutError when the client does not take it."""
        async with asyncio.timeout(STUCK_S):
            await self._send({"type": "websocket.send", "text": text})

    async def end(self) -> None:
        """Send the last frame, if it is taken at all; the server cuts the connection then."""
        with contextlib.suppress(OSError, RuntimeError, TimeoutError):  # it may be gone already
            async with asyncio.timeout(LAST_S):
                await self._send({"type": "websocket.close", "code": self.code})

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
        self.clients.add(client)
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.create_task(self._sweep(self._ring.end))
        try:
            await send({"type": "websocket.accept"})
            await self._race(client, after, receive)
            await client.end()
        finally:
            self.clients.discard(client)

    def stop(self) -> None:
        """Close every socket: the server goes, clients come back by position."""
        for client in tuple(self.clients):
            client.close(GOING_AWAY)

    def _admit(self, scope: asgi.Scope, send: asgi.Send) -> tuple[Client, int | None]:
        settings = self._platform.settings
        try:
            guard.admit(scope, self._platform)
            guard.well_named(scope, settings)
        except Denied as denied:
            raise Refused(denied.status, str(denied)) from None
        origin = asgi.header(scope, "origin")
        if not hosts.own_origin(scope) and origin not in settings.allowed_origins:
            raise Refused(403, "This request comes from another site.")
        try:
            caller = self._caller(scope)
        except ViewsBroken:
            raise Refused(503, "The read models have stopped; see /api/health/ready.") from None
        if caller is None:
            raise Refused(401, "Authentication required.")
        if caller.held:
            raise Refused(403, "The password must be changed, or a second factor set up, first.")
        if len(self.clients) >= CLIENTS_MAX:
            raise Refused(503, "Too many clients are connected.")
        if sum(client.caller.actor == caller.actor for client in self.clients) >= USER_CLIENTS_MAX:
            raise Refused(429, "Too many clients of this account are connected.")
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

    def _caller(self, scope: asgi.Scope) -> Caller | None:
        """Whoever is signed in. Raises ViewsBroken."""
        caller = senders.sender(scope, self._platform, uses=False)
        return None if caller is None or caller.role is None else caller

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

    async def _sweep(self, cursor: int) -> None:
        """Close the sockets of those who may no longer be here, and note changed rights.

        At once when an event says so, and every few seconds for what ends by time alone.
        """
        clock, looked_at = asyncio.get_running_loop().time, 0.0
        while self.clients:
            cursor, changed = await self._news(cursor, looked_at + RECHECK_S)
            if not changed and clock() < looked_at + RECHECK_S:
                continue
            looked_at = clock()
            for number, client in enumerate(tuple(self.clients), 1):
                self._recheck(client)
                if number % RECHECK_CLIENTS == 0:
                    await asyncio.sleep(0)

    async def _news(self, cursor: int, until: float) -> tuple[int, bool]:
        """Wait for frames; answers the cursor behind them, and whether any is about access."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._ring.wait(cursor)
        found = self._ring.read(cursor, BATCH_FRAMES)
        if found is None:
            return self._ring.end, True
        return cursor + len(found), any(frame.kind in ACCESS for frame in found)

    def _recheck(self, client: Client) -> None:
        """Whatever goes wrong here, no client stays whose rights cannot be told."""
        try:
            caller = self._caller(client.scope)
        except ViewsBroken:
            client.close(TRY_AGAIN)
        except Exception:  # noqa: BLE001 - the others must be looked at all the same
            _log.exception("the rights of %s cannot be told", client.caller.actor)
            client.close(TRY_AGAIN)
        else:
            if caller is None or caller.held:
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
            "headers": [(b"content-type", b"application/json"), *SECURITY],
        }
    )
    await send({"type": "websocket.http.response.body", "body": body})
