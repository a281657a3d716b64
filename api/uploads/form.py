"""A multipart form with one file in it, taken in as it comes: the file's bytes go to the disk."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

from litestar import Request
from litestar.exceptions import InternalServerException
from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from api import asgi
from api.bodies import MULTIPART, Late, Malformed, WrongType
from api.call import Call
from api.errors import Denied, invalid
from commands.upload_ports import Incoming
from domain.sources import Source
from domain.uploads import named

FIELD: Final = "file"
WRITE_BYTES: Final = 1024 * 1024  # that are gathered before they go to the disk
AROUND_BYTES_MAX: Final = 64 * 1024  # of a body beside the file itself
PARTS_MAX: Final = 8
SILENCE_S: Final = 30.0  # how long an upload may send nothing


async def receive(call: Call, source: Source, incoming: Incoming, boundary: str) -> str:
    """Take the body in as it comes; answers the file's name. Raises Refused, 4xx."""
    form = _Form(source, incoming, call.platform.settings.upload_bytes_max)
    try:
        with PushMultipartParser(boundary, max_segment_count=PARTS_MAX) as parser:
            async for chunk in _chunks(call.request):
                if not parser.closed:  # what stands behind the end means nothing
                    form.take(parser.parse(chunk))
                await form.write(WRITE_BYTES)
    except ParserLimitReached:
        raise Denied(413, "The form has more parts or headers than one file needs.") from None
    except MultipartError:
        raise Malformed("The body is not a complete multipart form in UTF-8.") from None
    if form.name is None:
        raise invalid(
            FIELD,
            "is missing: the form has no file, with a filename (not filename*), under this name",
        )
    await form.write(1)
    return form.name


class _Form:
    """What has come of a form: the file's name, and the bytes that are not on the disk yet."""

    def __init__(self, source: Source, incoming: Incoming, size_max: int) -> None:
        self.name: str | None = None
        self._source, self._incoming, self._size_max = source, incoming, size_max
        self._file = False  # whether the part that comes is the file
        self._beside = 0  # bytes of other fields
        self._buffer = bytearray()

    def take(self, parts: Iterable[Any]) -> None:
        """Raises Refused, Denied."""
        for part in parts:
            if isinstance(part, MultipartSegment):
                self._begin(part)
            elif part and self._file:
                self._buffer += part
                _bounded(self._incoming.size_bytes + len(self._buffer), self._size_max)
            elif part:
                self._beside += len(part)
                if self._beside > AROUND_BYTES_MAX:
                    raise Denied(413, "The form has too much beside the file.")

    async def write(self, least: int) -> None:
        """Bring what has come to the disk, when it is so much at least."""
        if len(self._buffer) >= least:
            await asyncio.to_thread(self._incoming.write, bytes(self._buffer))
            self._buffer.clear()

    def _begin(self, segment: MultipartSegment) -> None:
        self._file = segment.filename is not None
        if not self._file:
            return
        if segment.name != FIELD:
            raise Denied(422, "The form has a file under another name than file.")
        if self.name is not None:
            raise invalid(FIELD, "stands twice: one file at a time")
        self.name = named(self._source, segment.filename)


async def _chunks(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    stream = request.stream()
    async with contextlib.aclosing(stream):
        while True:
            try:
                async with asyncio.timeout(SILENCE_S):
                    chunk = await anext(stream, None)
            except TimeoutError:
                raise Late("The body stopped coming.") from None
            except InternalServerException:  # the framework's word for a client that went away
                raise Malformed("The body is incomplete.") from None
            if chunk is None:
                return
            if chunk:
                yield chunk


def boundary_of(call: Call) -> str:
    """What parts the form. Raises WrongType, Malformed, 413 before anything of it was read."""
    kind, options = parse_options_header(asgi.header(call.request.scope, "content-type") or "")
    if kind.lower() != MULTIPART:
        raise WrongType("The body must be a form with a file, multipart/form-data.")
    boundary = str(options.get("boundary") or "")
    if not 0 < len(boundary) <= 200 or not boundary.isascii():  # noqa: PLR2004 - RFC 2046 has 70
        raise Malformed("The form names no boundary.")
    length = asgi.header(call.request.scope, "content-length") or "0"
    if length.isascii() and length.isdigit():
        _bounded(int(length) - AROUND_BYTES_MAX, call.platform.settings.upload_bytes_max)
    return boundary


def _bounded(size_bytes: int, most: int) -> None:
    if size_bytes > most:
        raise Denied(413, f"The file is larger than {most} bytes.")
