"""Files of sources: handed in, listed, deleted. A body goes to the disk as it comes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.exceptions import InternalServerException
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from api import asgi
from api.bodies import MULTIPART, Late, Malformed, WrongType
from api.call import Call
from api.errors import Denied, invalid
from commands.policies.runs import of_source
from commands.ports import (
    Check,
    Incoming,
    LoadedFile,
    OnDisk,
    Uploads,
    WorkDied,
    WorkFailed,
    WorkRefused,
    WorkTimedOut,
)
from commands.syncs import RequestSync
from commands.uploads import RecordDeletion, RecordUpload
from domain.kernel import Refused
from domain.sources import Source, SourceMissing
from domain.uploads import ContentUnreadable, FileMissing, named, takes
from projections import sources, syncs

FIELD: Final = "file"
WRITE_BYTES: Final = 1024 * 1024  # that are gathered before they go to the disk
AROUND_BYTES_MAX: Final = 64 * 1024  # of a body beside the file itself
PARTS_MAX: Final = 8
SILENCE_S: Final = 30.0  # how long an upload may send nothing
PATH_CHARS_MAX: Final = 4_096


class Uploaded(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was handed in; `auto_sync` says whether a sync was asked for."""

    success: bool
    message: str
    source_name: str
    file_name: str
    size: int
    sha256: str
    auto_sync: bool
    job_id: int | None = None


class FileView(msgspec.Struct, frozen=True, kw_only=True):
    """A file in the list; `path` is relative to the project."""

    filename: str
    path: str
    size: int
    modified: datetime | None
    on_disk: bool
    loaded: bool
    rows_loaded: int | None
    loaded_at: datetime | None
    status: str  # loaded, changed, new, file_deleted


class FileList(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a source."""

    source_name: str
    directory: str
    file_pattern: str
    files: list[FileView]
    total_files: int
    files_on_disk: int
    files_loaded: int


class FileGone(msgspec.Struct, frozen=True, kw_only=True):
    """A file was deleted."""

    success: bool
    message: str
    file_path: str
    source_name: str
    background_sync: bool
    job_id: int | None = None


async def upload(call: Call, source_name: str, trigger_sync: bool = False) -> Uploaded:  # noqa: FBT001, FBT002 - a query parameter
    """Upload a file into a source's folder; the name of the form's field is `file`."""
    source = _source(call, source_name)
    boundary = _boundary(call)
    uploads_max = call.platform.uploads_at_once
    if uploads_max.locked():
        raise Denied(503, "Too many uploads at once; try again in a moment.", retry_after=5)
    async with uploads_max:
        desk = _desk(call)
        incoming = await asyncio.to_thread(desk.begin, source)
        try:
            name = await _receive(call, source, incoming, boundary)
            path = await asyncio.to_thread(incoming.whole, name)
            await _read(call, source, path, name)
            sha256 = await asyncio.to_thread(incoming.finish, name)
        finally:
            await asyncio.to_thread(incoming.close)
    await call.send(
        RecordUpload(source=source_name, file=name, size_bytes=incoming.size_bytes, sha256=sha256)
    )
    job, why = await _sync(call, source_name) if trigger_sync else (None, "")
    return Uploaded(
        success=True,
        message=f"File uploaded successfully: {name}{why}",
        source_name=source_name,
        file_name=name,
        size=incoming.size_bytes,
        sha256=sha256,
        auto_sync=job is not None,
        job_id=job,
    )


async def list_files(call: Call, source_name: str) -> FileList:
    """List the files of a source: on the disk, and loaded."""
    source = _source(call, source_name)
    loaded = await _loaded(call, source_name)
    at = syncs.published_at(call.views, source_name, {file.run for file in loaded.values()})
    there = await asyncio.to_thread(_desk(call).every, source)
    directory = str(source.options["directory"]).rstrip("/")
    if call.caller.role is None:  # anonymous callers see no configuration
        directory = ""
    files = [_view(file, loaded.pop(file.name, None), directory, at) for file in there]
    files += [
        FileView(
            filename=name.rpartition("/")[2],
            path=f"{directory}/{name}".lstrip("/"),
            size=file.size_bytes,
            modified=None,
            on_disk=False,
            loaded=True,
            rows_loaded=file.rows,
            loaded_at=at.get(file.run),
            status="file_deleted",
        )
        for name, file in sorted(loaded.items())
    ]
    return FileList(
        source_name=source_name,
        directory=directory,
        file_pattern=str(source.options.get("file_pattern") or "*") if directory else "",
        files=files,
        total_files=len(files),
        files_on_disk=len(there),
        files_loaded=sum(file.loaded for file in files),
    )


async def delete_file(
    call: Call,
    source_name: str,
    file_path: str,
    trigger_sync: bool = False,  # noqa: FBT001, FBT002 - a query parameter
) -> FileGone:
    """Delete a file of a source; its rows go with the next sync."""
    source = _source(call, source_name)
    if len(file_path) > PATH_CHARS_MAX:
        raise FileMissing
    gone = await asyncio.to_thread(_desk(call).delete, source, file_path)
    await call.send(
        RecordDeletion(
            source=source_name,
            file=gone.name,
            size_bytes=gone.size_bytes,
            mtime_ns=gone.mtime_ns,
        )
    )
    job, why = await _sync(call, source_name) if trigger_sync else (None, "")
    return FileGone(
        success=True,
        message=f"File deleted: {gone.name}{why}",
        file_path=file_path,
        source_name=source_name,
        background_sync=job is not None,
        job_id=job,
    )


async def _loaded(call: Call, source: str) -> dict[str, LoadedFile]:
    """The files whose rows the tables hold, as the warehouse has it: events name a few of them."""
    try:
        found = await call.platform.warehouse.files(source)
    except WorkFailed:
        raise Denied(503, "The warehouse does not answer; try again.", retry_after=5) from None
    return {file.path: file for file in found}


def _view(
    file: OnDisk, loaded: LoadedFile | None, directory: str, at: dict[int, datetime]
) -> FileView:
    """A file on the disk; what of it is loaded may be what it held before."""
    same = loaded is not None and (loaded.size_bytes, loaded.mtime_ns) == (
        file.size_bytes,
        file.mtime_ns,
    )
    return FileView(
        filename=file.name.rpartition("/")[2],
        path=f"{directory}/{file.name}".lstrip("/"),
        size=file.size_bytes,
        modified=datetime.fromtimestamp(file.mtime_ns / 1e9, UTC),
        on_disk=True,
        loaded=same,
        rows_loaded=None if loaded is None else loaded.rows,
        loaded_at=None if loaded is None else at.get(loaded.run),
        status="new" if loaded is None else "loaded" if same else "changed",
    )


async def _receive(call: Call, source: Source, incoming: Incoming, boundary: str) -> str:
    """Take the body in as it comes; answers the file's name. Raises Refused, 4xx."""
    form = _Form(source, incoming, call.platform.settings.upload_bytes_max)
    try:
        with PushMultipartParser(boundary, max_segment_count=PARTS_MAX) as parser:
            async for chunk in _chunks(call.request):
                if not parser.closed:  # what stands behind the end means nothing
                    form.take(parser.parse(chunk))
                await form.write(WRITE_BYTES)
    except MultipartError:
        raise Malformed("The body is not a complete multipart form.") from None
    if form.name is None:
        raise invalid(FIELD, "is missing: the form has no file under this name")
    await form.write(1)
    return form.name


async def _read(call: Call, source: Source, path: str, name: str) -> None:
    """Have a worker read what has come, as a load would. Raises ContentUnreadable, Busy."""
    platform = call.platform
    try:
        load = of_source(source, root=platform.root, secrets=platform.secret_values)
        await platform.warehouse.check(Check(load=load, path=path, name=name))
    except WorkRefused as refused:
        raise ContentUnreadable(refused.reason) from None
    except (WorkDied, WorkTimedOut):
        reason = f"'{name}' cannot be read with the memory and in the time that a look may take."
        raise ContentUnreadable(reason) from None


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


def _boundary(call: Call) -> str:
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


async def _sync(call: Call, source: str) -> tuple[int | None, str]:
    """Ask for a sync; the file is there, whatever becomes of it."""
    if not call.caller.may("source.sync"):
        return None, " - no sync: permission denied: source.sync"
    try:
        outcome = await call.send(RequestSync(sources=(source,)))
    except Refused as refused:
        return None, f" - no sync: {refused.detail}"
    return outcome.recorded[0].position, " - Sync started."


def _source(call: Call, name: str) -> Source:
    found = sources.one(call.views, name)
    if found is None:
        raise SourceMissing(name)
    takes(found.config)
    return found.config


def _desk(call: Call) -> Uploads:
    desk = call.platform.uploads
    if desk is None:
        raise Denied(503, "This process keeps no files.", retry_after=10)
    return desk
