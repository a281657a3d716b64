"""Sockets, whatever is said on them: who may open one, and when each must end."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from api import asgi, guard, hosts, senders
from api.asgi import SECURITY
from api.callers import Caller
from api.errors import Denied
from api.platform import Platform
from domain import api_keys, backups, sessions, users
from domain.kernel import Event
from projections.engine import ViewsBroken

STUCK_S: Final = 30.0  # a client that takes nothing for so long is closed
LAST_S: Final = 1.0  # how long a client is given to take the last frame
RECHECK_S: Final = 3.0  # how often what ends by time alone is looked at
RECHECK_CLIENTS: Final = 100  # that are looked at before others get a turn
NEWS_FRAMES_MAX: Final = 256  # that are looked through at once
GOING_AWAY: Final = 1001
TRY_AGAIN: Final = 1013
REVOKED: Final = 4401

# After these, callers of open sockets may not be who they were.
ACCESS: Final[tuple[type[Event], ...]] = (
    api_keys.ApiKeyRevoked,
    sessions.SessionEnded,
    users.UserRoleChanged,
    backups.BackupRestored,
    *sessions.ENDS_ALL,
)

_encode: Final = msgspec.json.Encoder().encode
_log = logging.getLogger("dango.sockets")


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
        await self.give({"type": "websocket.send", "text": text})

    async def give(self, message: asgi.Message) -> None:
        """Send a message as it is; TimeoutError when the client does not take it."""
        async with asyncio.timeout(STUCK_S):
            await self._send(message)

    async def end(self) -> None:
        """Send the last frame, if it is taken at all; the server cuts the connection then."""
        with contextlib.suppress(OSError, RuntimeError, TimeoutError):  # it may be gone already
            async with asyncio.timeout(LAST_S):
                await self._send({"type": "websocket.close", "code": self.code})

    def close(self, code: int) -> None:
        """Ask for an end with this code."""
        self.code = code
        self.done.set()


class Crowd:
    """The sockets of one kind that are open. Each ends as soon as its caller may not have it.

    `may` tells whether a caller, as they are now, may keep a socket. It is asked at once after any
    of the `after` events, and every few seconds for what ends by time alone.
    """

    def __init__(
        self,
        platform: Platform,
        may: Callable[[Client, Caller], bool] = lambda _client, _caller: True,
        after: Iterable[type[Event]] = (),
    ) -> None:
        self._platform, self._ring, self._may = platform, platform.ring, may
        self._after = frozenset(kind.type_name() for kind in (*ACCESS, *after))
        self.clients: set[Client] = set()
        self._sweeper: asyncio.Task[None] | None = None

    def admit(self, caller: Caller, *, clients_max: int, per_user_max: int) -> None:
        """Whether there is room for one more. Raises Refused."""
        if len(self.clients) >= clients_max:
            raise Refused(503, "Too many clients are connected.")
        if sum(client.caller.actor == caller.actor for client in self.clients) >= per_user_max:
            raise Refused(429, "Too many clients of this account are connected.")

    @contextlib.contextmanager
    def joined(self, client: Client) -> Iterator[None]:
        """Look after a client while it is open."""
        self.clients.add(client)
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.create_task(self._sweep(self._ring.end))
        try:
            yield
        finally:
            self.clients.discard(client)

    async def _sweep(self, cursor: int) -> None:
        """Close the sockets of those who may no longer be here, and note changed rights."""
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
        found = self._ring.read(cursor, NEWS_FRAMES_MAX)
        if found is None:
            return self._ring.end, True
        return cursor + len(found), any(frame.kind in self._after for frame in found)

    def _recheck(self, client: Client) -> None:
        """Whatever goes wrong here, no client stays whose rights cannot be told."""
        try:
            found = caller(client.scope, self._platform)
            stays = found is not None and not found.held and self._may(client, found)
        except ViewsBroken:
            client.close(TRY_AGAIN)
        except Exception:  # noqa: BLE001 - the others must be looked at all the same
            _log.exception("the rights of %s cannot be told", client.caller.actor)
            client.close(TRY_AGAIN)
        else:
            if found is None or not stays:
                client.close(REVOKED)
            else:
                client.caller = found


def caller(scope: asgi.Scope, platform: Platform) -> Caller | None:
    """Whoever is signed in. Raises ViewsBroken."""
    found = senders.sender(scope, platform, uses=False)
    return None if found is None or found.role is None else found


def handshake(scope: asgi.Scope, platform: Platform) -> Caller:
    """Who opens a socket, from our own pages or a program. Raises Refused."""
    settings = platform.settings
    try:
        guard.admit(scope, platform)
        guard.well_named(scope, settings)
    except Denied as denied:
        raise Refused(denied.status, str(denied)) from None
    origin = asgi.header(scope, "origin")
    if not hosts.own_origin(scope) and origin not in settings.allowed_origins:
        raise Refused(403, "This request comes from another site.")
    try:
        found = caller(scope, platform)
    except ViewsBroken:
        raise Refused(503, "The read models have stopped; see /api/health/ready.") from None
    if found is None:
        raise Refused(401, "Authentication required.")
    if found.held:
        raise Refused(403, "The password must be changed, or a second factor set up, first.")
    return found


async def gone(receive: asgi.Receive) -> None:
    """Return when the client has left; what it says is not listened to."""
    while (await receive())["type"] != "websocket.disconnect":
        continue


async def refuse(scope: asgi.Scope, send: asgi.Send, refused: Refused) -> None:
    """Answer a handshake with a no."""
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
