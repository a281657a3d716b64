"""The files of a source: listed as they are on the disk and in the warehouse, and deleted."""

import asyncio
from datetime import UTC, datetime
from typing import Final

import msgspec

from api.call import Call
from api.errors import Denied
from api.uploads import folders, loaded
from commands.ports import LoadedFile, WorkFailed
from commands.upload_ports import OnDisk
from commands.uploads import RecordDeletion
from domain.uploads import FileMissing
from projections import sources, syncs

PATH_CHARS_MAX: Final = 4_096


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


async def list_files(call: Call, source_name: str) -> FileList:
    """List the files of a source: on the disk, and loaded."""
    source = folders.source_of(call, source_name)
    known = await _loaded(call, source_name)
    at = syncs.published_at(call.views, source_name, {file.run for file in known.values()})
    there = await asyncio.to_thread(folders.desk(call).every, source)
    directory = str(source.options["directory"]).rstrip("/")
    if call.caller.role is None:  # anonymous callers see no configuration
        directory = ""
    files = [_view(file, known.pop(file.name, None), directory, at) for file in there]
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
        for name, file in sorted(known.items())
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
    source = folders.source_of(call, source_name)
    if len(file_path) > PATH_CHARS_MAX:
        raise FileMissing
    gone = await asyncio.to_thread(folders.desk(call).delete, source, file_path)
    await call.send(
        RecordDeletion(
            source=source_name,
            file=gone.name,
            size_bytes=gone.size_bytes,
            mtime_ns=gone.mtime_ns,
        )
    )
    job, why = await folders.sync(call, source_name) if trigger_sync else (None, "")
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
    platform = call.platform
    then = loaded.mark(sources.one(call.platform.views.current, source))
    found = platform.loaded.find(source, then)
    if found is None:
        try:
            found = tuple(await platform.warehouse.files(source))
        except WorkFailed:
            raise Denied(503, "The warehouse does not answer; try again.", retry_after=5) from None
        # What was published meanwhile may or may not be among them.
        if then == loaded.mark(sources.one(platform.views.current, source)):
            platform.loaded.keep(source, then, found)
    return {file.path: file for file in found}


def _view(
    file: OnDisk, known: LoadedFile | None, directory: str, at: dict[int, datetime]
) -> FileView:
    """A file on the disk; what of it is loaded may be what it held before."""
    same = known is not None and (known.size_bytes, known.mtime_ns) == (
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
        rows_loaded=None if known is None else known.rows,
        loaded_at=None if known is None else at.get(known.run),
        status="new" if known is None else "loaded" if same else "changed",
    )
