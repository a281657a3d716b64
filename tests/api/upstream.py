"""A server behind ours: tells what it was asked, and answers as a test says."""

import asyncio
import contextlib
import http
import json


class Upstream:
    """HTTP on loopback; `answers` maps a path to (status, headers, body)."""

    def __init__(self):
        self.asked, self.answers, self.port = [], {}, 0
        self._server, self._writers = None, []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        self._writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := await self._head(reader):
                method, target, headers = head
                body = await self._body(reader, headers)
                self.asked.append((method, target, headers, body))
                await self._answer(writer, *self.respond(method, target, headers, body))
        writer.close()

    async def _head(self, reader):
        with contextlib.suppress(asyncio.IncompleteReadError):
            text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = text.strip().split("\r\n")
            method, target, _ = first.split(" ")
            pairs = (line.partition(": ") for line in lines)
            return method, target, {name.lower(): value for name, _, value in pairs}
        return None

    async def _body(self, reader, headers):
        if "content-length" in headers:
            return await reader.readexactly(int(headers["content-length"]))
        body = b""
        if headers.get("transfer-encoding") == "chunked":
            while size := int(await reader.readline() or b"0", 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readline()
        return body

    def respond(self, method, target, headers, body):
        """Status, headers and body of an answer."""
        return self.answers.get(target.partition("?")[0], (200, {}, b"fine"))

    async def _answer(self, writer, status, headers, body):
        if isinstance(body, dict | list):
            body, headers = (
                json.dumps(body).encode(),
                {**headers, "content-type": "application/json"},
            )
        lines = [f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append(f"content-length: {len(body)}")
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        await writer.drain()
