"""The outermost layer: request ids, headers on every answer, HEAD, answers kept under a key."""

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from typing import Any, Final

from api import asgi, cors, once
from api.asgi import SECURITY, App, Message, Receive, Scope, Send
from api.call import Call
from api.platform import Platform

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")

SEVERAL: Final = frozenset({b"set-cookie", b"vary"})  # there may be more than one of them
BELOW: Final = "/{file_path:path}"  # ends the row of everything below a path
FAILED: Final = 500  # and above
HSTS: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


_log = logging.getLogger("dango.requests")


class Edge:
    """ASGI in, ASGI out."""

    def __init__(self, app: App, sockets: Mapping[str, App], platform: Platform) -> None:
        self._app, self._sockets, self._platform = app, sockets, platform
        self._secure = platform.settings.secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or one socket."""
        if scope["type"] == "websocket":
            await self._socket(scope["path"])(scope, receive, send)
            return
        request_id = asgi.header(scope, "x-request-id")
        if request_id is None or not _REQUEST_ID.fullmatch(request_id):
            request_id = self._platform.new_id()
        head = scope["method"] == "HEAD"
        method = "GET" if head else scope["method"]  # the server knows it as HEAD: no body
        own = {asgi.REQUEST_ID: request_id, asgi.PLATFORM: self._platform}
        scope = {**scope, "method": method, **own}
        asgi.current.set(request_id)
        answer = _Answer(self, scope, send, head=head, request_id=request_id.encode())
        try:
            if (allowed := cors.preflight(scope, self._platform.settings)) is not None:
                await answer.send(allowed)
                await answer.send({"type": "http.response.body", "body": b""})
                return
            await self._app(scope, receive, answer.send)
        except asyncio.CancelledError:  # the server stops, and this took longer than its grace
            await answer.stop()
        finally:
            if (call := asgi.call(scope)) is not None:
                call.cleanup.close()
            # It holds the request, which holds it: emptied, both are gone without a search.
            scope.clear()

    def _socket(self, path: str) -> App:
        """What takes sockets of this path: exactly, or of what lies below it."""
        below = (
            app
            for row, app in self._sockets.items()
            if row.endswith(BELOW) and path.startswith(row.removesuffix(BELOW) + "/")
        )
        return self._sockets.get(path) or next(below, _no_socket)

    def head(self) -> int:
        """The log's last position."""
        return self._platform.history.head()

    def headers(self, scope: Scope, request_id: bytes) -> list[tuple[bytes, bytes]]:
        """What goes onto every answer."""
        found = [*SECURITY, (b"x-request-id", request_id)]
        found += cors.headers(scope, self._platform.settings)
        if self._secure:
            found.append(HSTS)
        if (call := asgi.call(scope)) is not None:
            if call.position is not None:
                found.append((b"x-position", b"%d" % call.position))
            if call.as_of is not None:
                found.append((b"x-as-of", b"%d" % call.as_of))
            found.extend(
                (name.lower().encode(), value.encode("latin-1"))
                for name, value in call.headers.items()
            )
            found.extend((b"set-cookie", cookie.encode("latin-1")) for cookie in call.cookies)
        return found


class _Answer:
    """One answer on its way out. Under an idempotency key it is kept before it is sent."""

    def __init__(
        self, edge: Edge, scope: Scope, send: Send, *, head: bool, request_id: bytes
    ) -> None:
        self._edge, self._scope, self._send = edge, scope, send
        self._head, self._request_id = head, request_id
        self._start: Message | None = None
        self._body, self._sent = b"", False
        self._begun = time.perf_counter()

    async def send(self, message: Message) -> None:
        call = asgi.call(self._scope)
        if message["type"] == "http.response.start":
            done = message["status"] < 300  # noqa: PLR2004
            if done and call is not None and call.position is None and call.changes:
                call.position = self._edge.head()  # nothing was to be done
            own = self._edge.headers(self._scope, self._request_id)
            names = {name for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(pair for pair in own if pair[0] in SEVERAL or pair[0] not in names),
            ]
            self._tell(message["status"])
            if call is not None and call.key is not None and done:
                self._start = message
                return
        elif message["type"] == "http.response.body":
            if self._start is not None:
                self._body += message.get("body", b"")
                if message.get("more_body", False):
                    return
                await self._keep(call)
                return
            if self._head:
                message["body"] = b""
        self._sent = True
        await self._send(message)

    def _tell(self, status: int) -> None:
        """A line of the log, where they are wanted: of what changes something, and of failures."""
        if not _log.isEnabledFor(logging.DEBUG):
            return
        call, scope = asgi.call(self._scope), self._scope
        if status < FAILED and (call is None or not call.changes):
            return
        brought: dict[str, Any] = {
            "method": scope["method"],
            "route": asgi.template(scope),
            "status": status,
            "duration_ms": round((time.perf_counter() - self._begun) * 1000, 1),
        }
        if call is not None:
            brought |= {"position": call.position, "actor": call.caller.actor}
        _log.debug("%s %s: %d", brought["method"], brought["route"], status, extra=brought)

    async def stop(self) -> None:
        """Answer in place of a request that is not going to end; what it did is unknown."""
        if self._sent:
            return
        body = b'{"detail":"The server is stopping. The outcome is unknown: retry.","request_id":"'
        body += self._request_id + b'"}'
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"retry-after", b"5"),
        ]
        self._start = None
        await self.send({"type": "http.response.start", "status": 503, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    async def _keep(self, call: Call | None) -> None:
        start = self._start
        if start is not None and call is not None:
            names = dict(start["headers"])
            media_type = names.get(b"content-type", once.JSON.encode()).decode("latin-1")
            await once.after(call, start["status"], media_type, self._body)
            self._sent = True
            await self._send(start)
            await self._send({"type": "http.response.body", "body": self._body, "more_body": False})


async def _no_socket(_: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008})
