"""Files of sources that are handed in: whole, readable, told, and then in their place."""

import asyncio

import msgspec

from api.call import Call
from api.errors import Denied
from api.uploads import folders, form
from commands.policies.runs import of_source
from commands.ports import Check, WorkDied, WorkRefused, WorkTimedOut
from commands.upload_ports import Incoming
from commands.uploads import RecordUpload
from domain.kernel import Refused
from domain.sources import Source
from domain.uploads import ContentUnreadable


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


async def upload(call: Call, source_name: str, trigger_sync: bool = False) -> Uploaded:  # noqa: FBT001, FBT002 - a query parameter
    """Upload a file into a source's folder; the name of the form's field is `file`."""
    source = folders.source_of(call, source_name)
    boundary = form.boundary_of(call)
    uploads_max = call.platform.uploads_at_once
    if uploads_max.locked():
        raise Denied(503, "Too many uploads at once; try again in a moment.", retry_after=5)
    async with uploads_max:
        desk = folders.desk(call)
        incoming = await asyncio.to_thread(desk.begin, source)
        try:
            name = await form.receive(call, source, incoming, boundary)
            path = await asyncio.to_thread(incoming.whole, name)
            await _read(call, source, path, name)
            sha256 = await asyncio.to_thread(incoming.finish, name)
            await _tell(call, source_name, incoming, name, sha256)
        finally:
            await asyncio.to_thread(incoming.close)
    job, why = await folders.sync(call, source_name) if trigger_sync else (None, "")
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


async def _tell(call: Call, source: str, incoming: Incoming, name: str, sha256: str) -> None:
    """Tell of a file in its place. Raises Refused, when its source went meanwhile; it goes too."""
    size_bytes = incoming.size_bytes
    try:
        await call.send(
            RecordUpload(source=source, file=name, size_bytes=size_bytes, sha256=sha256)
        )
    except Refused:
        await asyncio.to_thread(incoming.withdraw, name)
        raise


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
