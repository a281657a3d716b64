"""Clients of /ws over asyncio streams, cheap enough for a thousand of them in one process.

RFC 6455 as far as a server without extensions speaks it: text, ping and close, unfragmented.
"""

import asyncio
import json
import struct

HANDSHAKE = (
    "GET /ws{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: dango_session={session}\r\n\r\n"
)
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
SHORT, LONG = 126, 127  # what stands in place of a length that needs two or eight bytes more
END_S = 20


class Ended(Exception):
    """The connection has ended; `code` is that of the close frame, None without one."""

    def __init__(self, code=None):
        super().__init__(code)
        self.code = code


class Socket:
    """One client; `connected` is the head that the first frame told."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port, session, after=None):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        query = "" if after is None else f"?after={after}"
        text = HANDSHAKE.format(query=query, port=port, session=session)
        writer.write(text.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 101"):
            writer.close()
            raise AssertionError(answer[:200])
        socket = cls(reader, writer)
        first = json.loads(await socket.text())
        assert "connected" == first["type"]
        socket.connected = first["position"]
        return socket

    async def text(self):
        """The next text. Raises Ended."""
        while True:
            try:
                kind, data = await self._frame()
            except (asyncio.IncompleteReadError, OSError):
                raise Ended from None
            if kind == TEXT:
                return data
            if kind == CLOSE:
                raise Ended(struct.unpack(">H", data[:2])[0])
            if kind == PING:  # masked with zeros
                self._writer.write(struct.pack(">BB4x", 0x80 | PONG, 0x80 | len(data)) + data)

    async def _frame(self):
        head, length = await self._reader.readexactly(2)
        assert head & 0x80, "fragmented"
        if length == SHORT:
            (length,) = struct.unpack(">H", await self._reader.readexactly(2))
        elif length == LONG:
            (length,) = struct.unpack(">Q", await self._reader.readexactly(8))
        return head & 0x0F, await self._reader.readexactly(length)

    async def ended(self):
        """The code of the close frame, whatever comes before it; None without one."""
        try:
            async with asyncio.timeout(END_S):
                while True:
                    await self.text()
        except Ended as end:
            self.drop()
            return end.code

    def drop(self):
        """Be gone without a word."""
        self._writer.transport.abort()
