"""Passing a request on to another server, and its answer back: the one way in which we do that.

Nothing of the caller's identity goes up: no cookie, no authorization, no origin, nothing about
proxies. Only what describes an answer comes down: no cookie, no policy, no grant to other sites.
Bodies are streamed both ways and bounded, as is the time; redirects are told, never followed. Whom
it is for, and whether they may, is decided before, by whoever calls this.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote, urlsplit

import msgspec

from api import asgi
from api.errors import Denied
from api.passage import Passage

if TYPE_CHECKING:
    import httpx

CONNECT_S: Final = 5.0
READ_S: Final = 120.0  # between two pieces of an answer, its head among them
TOTAL_S: Final = 900.0
BODY_BYTES_MAX: Final = 256 * 1024 * 1024
ANSWER_BYTES_MAX: Final = 1024 * 1024 * 1024
LARGE: Final = "The request is larger than what is passed on."

# Of one connection, not of the message (RFC 9110, section 7.6.1), and what tells who asks.
_NEVER_UP: Final = frozenset(
    {
        b"accept-ch",
        b"authorization",
        b"connection",
        b"cookie",
        b"expect",
        b"forwarded",
        b"host",
        b"idempotency-key",
        b"keep-alive",
        b"origin",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"referer",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"via",
        b"x-real-ip",
    }
)
_NEVER_UP_BEGINS: Final = (b"x-forwarded-", b"sec-websocket-", b"x-metabase-")
_DOWN: Final = frozenset(
    {
        "accept-ranges",
        "age",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-length",
        "content-range",
        "content-type",
        "etag",
        "expires",
        "last-modified",
        "retry-after",
        "vary",
    }
)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_IN_URLS: Final = "/?%:@!$&'()*+,;=[]"  # beside letters and digits, RFC 3986
_BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """Another server, and how we speak with it."""

    url: str  # scheme, host and port
    headers: tuple[tuple[bytes, bytes], ...] = ()  # what it is shown
    answer: tuple[tuple[bytes, bytes], ...] = ()  # what goes onto its answers
    prefix: str = ""  # what its own paths stand behind, when they are shown
    down: str = "The server behind this does not answer."


class Unauthorized(Exception):
    """The upstream does not know us any more; nothing was passed back yet."""


class Passed:
    """One request, passed on; the framework takes it as the answer."""

    def __init__(
        self, passage: Passage, upstream: Upstream, path: bytes, *, again: bool = False
    ) -> None:
        """`path` begins with a slash, and is as it came. `again`: a 401 raises Unauthorized."""
        self._passage, self._upstream = passage, upstream
        self._path, self._again = checked(path), again
        self._begun = False

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Pass it on. Raises Denied, as long as nothing has come back."""
        import httpx

        try:
            async with asyncio.timeout(TOTAL_S):
                await self._pass(scope, receive, send)
        except (httpx.TransportError, TimeoutError) as error:
            if self._begun:
                raise ConnectionError("the upstream ended in the middle of an answer") from error
            raise Denied(502, self._upstream.down) from None

    async def _pass(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        length = int(asgi.header(scope, "content-length") or 0)
        if length > BODY_BYTES_MAX:
            raise Denied(413, LARGE)
        bodied = scope["method"] not in _BODILESS
        request = self._request(scope, _body(receive) if bodied else None)
        answer = await self._passage.transport().handle_async_request(request)
        try:
            if self._again and answer.status_code == 401:  # noqa: PLR2004
                raise Unauthorized
            await self._answer(answer, receive, send)
        finally:
            await answer.aclose()

    def _request(self, scope: asgi.Scope, body: AsyncIterator[bytes] | None) -> "httpx.Request":
        import httpx

        target = self._path
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        base = httpx.URL(self._upstream.url)
        url = base.copy_with(raw_path=target)
        kept = self._up(scope)
        timeout = {"connect": CONNECT_S, "read": READ_S, "write": READ_S, "pool": CONNECT_S}
        return httpx.Request(
            scope["method"], url, headers=kept, content=body, extensions={"timeout": timeout}
        )

    def _up(self, scope: asgi.Scope) -> list[tuple[bytes, bytes]]:
        named = {
            name.strip().lower().encode()
            for line in asgi.headers(scope, "connection")
            for name in line.split(",")
        }
        own = {name for name, _ in self._upstream.headers}
        return [
            (name, value)
            for name, value in scope["headers"]
            if name not in _NEVER_UP
            and not name.startswith(_NEVER_UP_BEGINS)
            and name not in named
            and name not in own
        ] + list(self._upstream.headers)

    async def _answer(
        self, answer: "httpx.Response", receive: asgi.Receive, send: asgi.Send
    ) -> None:
        headers = [
            (name.lower(), value)
            for name, value in answer.headers.raw
            if name.lower().decode("latin-1") in _DOWN
        ]
        if answer.status_code in _REDIRECTS and "location" in answer.headers:
            headers.append((b"location", self._location(answer.headers["location"])))
        own = {name for name, _ in self._upstream.answer}
        headers = [pair for pair in headers if pair[0] not in own] + list(self._upstream.answer)
        self._begun = True
        status = answer.status_code
        await send({"type": "http.response.start", "status": status, "headers": headers})
        gone = asyncio.create_task(_left(receive))
        try:
            passed = 0
            async for chunk in _chunks(answer):
                passed += len(chunk)
                if gone.done():
                    return
                if passed > ANSWER_BYTES_MAX:
                    raise ConnectionError("an answer that has no end")
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()

    def _location(self, given: str) -> bytes:
        """Where a redirect leads, as the browser knows it. Raises Denied when it is elsewhere."""
        try:
            there, own = urlsplit(given), urlsplit(self._upstream.url)
        except ValueError:
            raise Denied(502, self._upstream.down) from None
        if there.netloc and (there.scheme or own.scheme, there.netloc) != (own.scheme, own.netloc):
            raise Denied(502, "The server behind this points to another one.")
        # What browsers read as another sign, or leave out, could make another host of a path.
        path, query, fragment = (
            quote(part, safe=_IN_URLS) for part in (there.path, there.query, there.fragment)
        )
        if path.startswith("/"):
            path = "/" + path.lstrip("/")
            if not path.startswith(f"{self._upstream.prefix}/"):
                path = self._upstream.prefix + path
        query, fragment = query and f"?{query}", fragment and f"#{fragment}"
        return (path + query + fragment).encode("ascii")


def checked(path: bytes) -> bytes:
    """A path that stays below its upstream. Raises Denied, 404."""
    plain = path.decode("latin-1")
    for _ in range(3):  # however often it is encoded
        plain = unquote(plain, "latin-1")
    parts = plain.replace("\\", "/").split("/")
    if not path.startswith(b"/") or any(part in (".", "..") for part in parts):
        raise Denied(404, "There is nothing here.")
    if path.startswith(b"//") or any(ord(letter) < ord(" ") for letter in plain):
        raise Denied(404, "There is nothing here.")
    return path


async def _body(receive: asgi.Receive) -> AsyncIterator[bytes]:
    passed = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Denied(400, "The request ended before it was whole.")
        chunk = message.get("body", b"")
        passed += len(chunk)
        if passed > BODY_BYTES_MAX:
            raise Denied(413, LARGE)
        if chunk:
            yield chunk
        if not message.get("more_body", False):
            return


async def _chunks(answer: Any) -> AsyncIterator[bytes]:
    """What comes, as it was compressed."""
    async with contextlib.aclosing(answer.aiter_raw()) as found:
        async for chunk in found:
            yield chunk


async def _left(receive: asgi.Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
