"""Connections: how many there may be, how long a head may be and may take, and that each one ends.

uvicorn bounds none of these. A connection of a client that says nothing, says too much or takes
nothing is ended here, before the application knows of it.
"""

import asyncio
import functools
import resource
import socket
from typing import Any, Final

from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.protocol import State

CONNECTIONS_MAX: Final = 4_096  # from the network; at most half of the files this process may open
CONTROL_MAX: Final = 64  # of the owner beside them, who must get in when they are all taken
FILES_MAX: Final = 16_384  # how far the limit of open files is raised
HEAD_S: Final = 10.0  # from the connection, or the first byte of a later request, to the whole head
HEAD_BYTES_MAX: Final = 64 * 1024
WRITE_S: Final = 30.0  # a client that takes nothing of an answer for so long is cut off
# What the system keeps of an answer on its way. Its own choice, megabytes, would hide for minutes
# whether a slow client takes anything.
SEND_BYTES_MAX: Final = 256 * 1024
FRAMES_CACHED: Final = 256  # as many as are sent to one client before the next one
CLOSE_S: Final = 1.0  # from a refusal or a last frame to the end, whatever the client does

TOO_LARGE: Final = 431
REFUSALS: Final = {
    400: b"Invalid HTTP request received.",
    TOO_LARGE: b"The head of the request is too large.",
}


class HeadTooLarge(Exception):
    """Stops the parser at the end of a head that came in one piece."""


def raise_files() -> None:
    """Let this process open more files than the usual soft limit of 1,024 says."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    if soft not in (resource.RLIM_INFINITY, wanted) and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def connections_max() -> int:
    """How many connections from the network there may be."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS_MAX if soft == resource.RLIM_INFINITY else min(CONNECTIONS_MAX, soft // 2)


def _refusal(status: int) -> bytes:
    text = REFUSALS[status]
    head = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n" % len(text)
    return STATUS_LINE[status] + head + b"connection: close\r\n\r\n" + text


class _Whole:
    """A transport for one answer: its head goes together with the first of its body.

    Each send is a call of the system, which lets go of the interpreter's lock. What has no body at
    once (a stream) is sent when the event loop comes around.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._head: bytes | None = None  # b"": it is on its way

    def write(self, data: bytes) -> None:
        """Send; the first that is to be sent waits a moment."""
        if self._head is None:
            self._head = data
            self._loop.call_soon(self.flush)
        else:
            head, self._head = self._head, b""
            self._transport.write(head + data)

    def flush(self) -> None:
        """Send a head that waits."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Send what waits, and end the connection."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Http(HttpToolsProtocol):
    """One connection on which HTTP is spoken."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._due: float | None = None  # when the connection ends unless something else is said
        self._clock: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._fed = 0  # bytes that were neither body nor, yet, the end of a head
        self._whole = True  # the newest request has come to its end
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or drop it when there are too many."""
        super().connection_made(transport)
        control = self.server is not None and self.server[1] is None
        if len(self.connections) > connections_max() + (CONTROL_MAX if control else 0):
            self._refused = True
            transport.abort()
            return
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES_MAX
        )
        self._within(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._untimed()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return  # what a refused client still says is read, or it would not see the answer
        self._fed += len(data)
        super().data_received(data)
        if self._fed > HEAD_BYTES_MAX and not self._refused:
            self._refuse(TOO_LARGE)

    def handle_websocket_upgrade(self) -> None:
        self._untimed()  # the connection is another protocol's from here on
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the parser's words, always same
        """Refuse what the parser cannot read, or was made not to."""
        self._refuse(TOO_LARGE if self._fed > HEAD_BYTES_MAX else 400)

    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            self._within(CLOSE_S)

    # the parser's reports

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._whole = False
        if self.cycle is not None and self.cycle.response_complete:
            self._within(HEAD_S)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header; one behind the body is none: it would change a head that was judged."""
        if not self._in_body():
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > HEAD_BYTES_MAX:
            self._fed = size
            raise HeadTooLarge
        self._fed = 0
        self._within(None)
        before = self.cycle
        super().on_headers_complete()
        begun = self.cycle is not None and self.cycle is not before
        if begun and self.scope["method"] != "HEAD":
            # A cycle writes, closes, and asks what `_Whole` passes on; it is no asyncio.Transport.
            self.cycle.transport = _Whole(self.transport, self.loop)  # type: ignore[assignment]

    def on_body(self, body: bytes) -> None:
        self._fed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._fed, self._whole = 0, True
        super().on_message_complete()
        self._rest()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._unset_keepalive_if_required()  # any byte stops that clock, ours only a whole head
        self._rest()

    # a client that takes nothing

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _watch(self) -> None:
        """Cut the connection when nothing of what waits is taken within the time."""
        if self._stalled is None:
            waiting = self.transport.get_write_buffer_size()
            self._stalled = self.loop.call_later(WRITE_S, self._look, waiting)

    def _look(self, before: int) -> None:
        self._stalled = None
        if self.transport.get_write_buffer_size() < before:
            self._watch()
        else:
            self.transport.abort()

    def _in_body(self) -> bool:
        return self.cycle is not None and self.cycle.scope is self.scope

    def _rest(self) -> None:
        """Between two requests."""
        if self.transport.is_closing():
            self._watch()
        elif self.cycle is not None and self.cycle.response_complete:
            self._within(self.timeout_keep_alive if self._whole else HEAD_S)

    def _within(self, seconds: float | None) -> None:
        """End the connection unless something else is said in this time.

        A clock that runs is left running until it is too late: it is set anew at every request, and
        hardly ever strikes.
        """
        self._due = None if seconds is None else self.loop.time() + seconds
        if self._due is not None and (self._clock is None or self._clock.when() > self._due):
            self._stop_clock()
            self._clock = self.loop.call_at(self._due, self._strike)

    def _strike(self) -> None:
        self._clock = None
        if self._due is None:
            return
        if self.loop.time() < self._due:
            self._clock = self.loop.call_at(self._due, self._strike)
        else:
            self.transport.abort()

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _untimed(self) -> None:
        self._within(None)
        self._stop_clock()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _refuse(self, status: int) -> None:
        """Answer in place of the application, and hang up."""
        self._refused = True
        self.pipeline.clear()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.abort()  # in the middle of an answer there is no place for another
        if self.transport.is_closing():
            return
        self.transport.write(_refusal(status))
        self.transport.write_eof()
        self.flow.resume_reading()
        self._within(CLOSE_S)


class Socket(WebSocketsSansIOProtocol):
    """One connection on which WebSocket is spoken; it ends when the application has ended."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated:  # it takes less of a head than HTTP, and says nothing
            self.transport.write(_refusal(400))
            self.transport.close()
            self._end()

    async def run_asgi(self) -> None:
        try:
            await super().run_asgi()
        finally:
            self._end()

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "websocket.send" and await self._sent(message.get("text")):
            return
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True  # else a refusal is logged as an error of ours

    async def _sent(self, text: str | None) -> bool:
        """Write a text as the bytes that it has for every client; False when it is not so simple.

        One event goes to a thousand sockets: its frame is made once.
        """
        await self.writable.wait()
        plain = self.handshake_complete and not self.disconnected and not self.close_sent
        if text is None or not plain or self.conn.state is not State.OPEN:
            return False
        self.transport.write(_text_frame(text))
        return True

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()

    def shutdown(self) -> None:
        super().shutdown()
        self._end()

    def _end(self) -> None:
        """Give the last frame a moment, if the client takes anything at all."""
        if self.writable.is_set():
            self.loop.call_later(CLOSE_S, self.transport.abort)
        else:
            self.transport.abort()


@functools.lru_cache(maxsize=FRAMES_CACHED)
def _text_frame(text: str) -> bytes:
    """A text as one frame of a server: whole, unmasked, uncompressed (RFC 6455, section 5.2)."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
