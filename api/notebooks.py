"""/api/notebooks: files of code that people edit, one at a time, in a process of its own."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from api.call import Call
from api.errors import Denied
from api.platform import Platform
from api.users import email_of
from commands.notebooks import (
    AcquireNotebookLock,
    CopyNotebook,
    CreateNotebook,
    DeleteNotebook,
    ForceNotebookLock,
    ReleaseNotebookLock,
)
from commands.policies.notebooks import seen_name
from domain import notebooks as rules
from domain.notebooks import LockNotHeld, NoLock, NotebookLocked, NotebookMissing
from projections import notebooks
from projections.notebooks import Lock, Notebook

READY_WAIT_S: Final = 20.0  # how long an answer waits for the notebook's process
STEP_S: Final = 0.05
COPIES_TRIED_MAX: Final = 20  # names of copies made in the same second
MANAGES: Final = "notebooks.manage"
BASE: Final = "/notebooks/marimo"
_USER: Final = "user:"


class LockView(msgspec.Struct, frozen=True, kw_only=True):
    """Who edits a notebook, and until when without a sign of life."""

    locked_by: str
    locked_at: datetime
    expires_at: datetime


class NotebookView(msgspec.Struct, frozen=True, kw_only=True):
    """A notebook in the list."""

    id: str
    name: str
    description: str
    created_by: str
    created_at: datetime
    updated_at: datetime
    file_exists: bool
    lock: LockView | None


class NewNotebook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a creation."""

    name: Annotated[str, msgspec.Meta(max_length=rules.NAME_LENGTH_MAX)]
    template: Annotated[str, msgspec.Meta(max_length=rules.NAME_LENGTH_MAX)] = "blank"


class NotebookMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new notebook."""

    id: str
    name: str
    template: str


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """A notebook that is gone."""

    name: str
    status: str = "deleted"


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """A lock of one's own; `marimo_url` is a path of this server, once the editor answers."""

    locked: bool
    ready: bool
    status: str  # ready, starting
    marimo_url: str | None


class Refreshed(msgspec.Struct, frozen=True):
    """The lock goes on."""

    refreshed: bool = True


class Released(msgspec.Struct, frozen=True):
    """The lock is over."""

    released: bool = True


class Forced(msgspec.Struct, frozen=True):
    """Somebody's lock is over."""

    force_released: bool = True


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """The file of a copy."""

    copy_name: str


class SessionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one's own editor answers."""

    ready: bool
    marimo_url: str | None


def base(name: str) -> str:
    """The path that a notebook's editor is shown under."""
    return f"{BASE}/{name}"


async def list_notebooks(call: Call) -> list[NotebookView]:
    """List the notebooks, and who edits them."""
    found = notebooks.every(call.views)
    files = call.platform.notebook_files
    there: set[str] | None = None  # of the past the log alone can tell
    if call.as_of is None and files is not None:
        there = set(await asyncio.to_thread(files.names))
    return [_view(call, each, there) for each in found]


async def create_notebook(call: Call, data: NewNotebook) -> NotebookMade:
    """Make a notebook from a template."""
    name, files = rules.named(data.name), _files(call)
    if data.template not in rules.TEMPLATES:
        raise rules.TemplateUnknown
    command = CreateNotebook(
        notebook=name,
        notebook_id=call.platform.new_id(),
        template=data.template,
        creator=call.caller.actor,
    )
    if notebooks.one(call.platform.views.current, name) is not None:
        raise rules.NotebookThere(name)
    # The file is there first; whoever makes it second is told that the name is taken.
    if not await asyncio.to_thread(files.create, name, data.template):
        raise rules.NotebookThere(name)
    await call.send(command)
    return NotebookMade(id=command.notebook_id, name=name, template=data.template)


async def copy_notebook(call: Call, name: str) -> Copied:
    """Copy a notebook, locked or not."""
    origin = _one(call, name).notebook
    copy = await _copied(call, origin)
    command = CopyNotebook(
        notebook=copy,
        notebook_id=call.platform.new_id(),
        origin=origin,
        creator=call.caller.actor,
    )
    await call.send(command)
    return Copied(copy_name=f"{copy}.py")


async def _copied(call: Call, origin: str) -> str:
    """The name of a copy that was made; that of somebody else's is taken."""
    files, now = _files(call), call.platform.clock()
    stem = f"{origin.lower().replace('-', '_')}_copy_{now:%Y%m%d_%H%M%S}"
    for number in range(1, COPIES_TRIED_MAX + 1):
        copy = rules.named(stem if number == 1 else f"{stem}_{number}")
        try:
            if await asyncio.to_thread(files.copy, origin, copy):
                return copy
        except FileNotFoundError:
            raise Denied(404, f"Notebook file '{origin}' not found.") from None
    raise rules.NotebookThere(stem)


async def delete_notebook(call: Call, name: str) -> Deleted:
    """Delete a notebook of one's own, or any with notebooks.manage."""
    _one(call, name)
    caller = call.caller
    command = DeleteNotebook(notebook=name, deleter=caller.actor, manages=caller.may(MANAGES))
    try:
        await call.send(command)
    except NotebookLocked:
        raise _locked(call, name) from None
    await asyncio.to_thread(_files(call).delete, name)
    return Deleted(name=name)


async def lock_notebook(call: Call, name: str) -> Locked:
    """Acquire the editing lock, and start the editor."""
    platform, now = call.platform, call.platform.clock()
    held = _one(call, name).lock
    lapsed = held is not None and runs_out(platform, held) <= now
    if not await asyncio.to_thread(_files(call).there, name):
        raise Denied(404, f"Notebook file '{name}' not found.")
    command = AcquireNotebookLock(
        notebook=name,
        lock=platform.new_id(),
        holder=call.caller.actor,
        lapsed=held.lock if held is not None and lapsed else None,
    )
    try:
        await call.send(command)
    except NotebookLocked:
        raise _locked(call, name) from None
    return await _until_ready(call, name)


async def heartbeat(call: Call, name: str) -> Refreshed:
    """Refresh one's own lock."""
    refresh(call.platform, _own(call, name))
    return Refreshed()


async def release_lock(call: Call, name: str) -> Released:
    """Release one's own lock; the editor ends."""
    held = notebooks.lock(call.platform.views.current, name)
    if held is None:
        raise LockNotHeld
    holder = call.caller.actor
    await call.send(ReleaseNotebookLock(notebook=name, lock=held.lock, holder=holder))
    return Released()


async def force_lock(call: Call, name: str) -> Forced:
    """End somebody else's lock; their editor ends."""
    held = notebooks.lock(call.platform.views.current, name)
    if held is None:
        raise NoLock(name)
    await call.send(ForceNotebookLock(notebook=name, lock=held.lock))
    return Forced()


async def session_status(call: Call, file: str) -> SessionStatus:
    """Tell whether one's own editor of a notebook answers."""
    held = notebooks.lock(call.views, file.removesuffix(".py"))
    mine = held is not None and held.holder == call.caller.actor
    ready = mine and held is not None and _place(call.platform, held) is not None
    url = f"{base(held.notebook)}/" if held is not None and ready else None
    return SessionStatus(ready=ready, marimo_url=url)


def runs_out(platform: Platform, lock: Lock) -> datetime:
    """When a lock ends by itself."""
    return rules.runs_out(lock.at, platform.seen.last(seen_name(lock.lock)))


def refresh(platform: Platform, lock: Lock) -> None:
    """Note a sign of life of a lock's holder."""
    platform.seen.touch(seen_name(lock.lock), platform.clock())
    if platform.notebook_sessions is not None:
        platform.notebook_sessions.used(lock.lock)


def _files(call: Call) -> Any:
    if call.platform.notebook_files is None:
        raise Denied(503, "This process keeps no notebooks.")
    return call.platform.notebook_files


def _one(call: Call, name: str) -> Notebook:
    found = notebooks.one(call.platform.views.current, name)
    if found is None:
        raise NotebookMissing(name)
    return found


def _own(call: Call, name: str) -> Lock:
    """The caller's own lock, which has not run out. Raises LockNotHeld."""
    platform = call.platform
    held = notebooks.lock(platform.views.current, name)
    if held is None or held.holder != call.caller.actor:
        raise LockNotHeld
    if runs_out(platform, held) <= platform.clock():
        raise LockNotHeld
    return held


def _place(platform: Platform, lock: Lock) -> Any:
    sessions = platform.notebook_sessions
    return None if sessions is None else sessions.place(lock.lock)


async def _until_ready(call: Call, name: str) -> Locked:
    """Wait for the editor, not for ever. Raises Denied when it could not start."""
    platform, loop = call.platform, asyncio.get_running_loop()
    end = loop.time() + READY_WAIT_S
    while platform.notebook_sessions is not None and loop.time() < end:
        held = notebooks.lock(platform.views.current, name)
        if held is None or held.holder != call.caller.actor:
            raise Denied(503, "The notebook's editor could not be started; try again later.")
        if _place(platform, held) is not None:
            return Locked(locked=True, ready=True, status="ready", marimo_url=f"{base(name)}/")
        await asyncio.sleep(STEP_S)
    return Locked(locked=True, ready=False, status="starting", marimo_url=None)


def _locked(call: Call, name: str) -> Denied:
    """409, with who it is."""
    held = notebooks.lock(call.platform.views.current, name)
    if held is None:
        return Denied(409, "The notebook was locked by somebody else until just now; try again.")
    view = _lock_view(call, held)
    return Denied(
        409, f"Notebook is locked by {view.locked_by}.", error_code="notebook_locked", lock=view
    )


def _lock_view(call: Call, lock: Lock) -> LockView:
    past = call.as_of is not None
    ends_at = rules.runs_out(lock.at, None) if past else runs_out(call.platform, lock)
    who = _named(call, lock.holder)
    return LockView(locked_by=who, locked_at=lock.at, expires_at=ends_at)


def _named(call: Call, actor: str | None) -> str:
    """An account's e-mail address, or what else acts."""
    if actor is None:
        return ""
    if not actor.startswith(_USER):
        return actor
    return email_of(actor.removeprefix(_USER), call.platform) or actor


def _view(call: Call, found: Notebook, there: set[str] | None) -> NotebookView:
    if found.origin is not None:
        told = f"Copy of {found.origin}"
    elif found.template is not None:
        told = f"Created from {found.template} template"
    else:
        told = "Found in the folder"
    return NotebookView(
        id=found.notebook_id,
        name=found.notebook,
        description=told,
        created_by=_named(call, found.creator),
        created_at=found.created_at,
        updated_at=found.updated_at,
        file_exists=there is None or found.notebook in there,
        lock=None if found.lock is None else _lock_view(call, found.lock),
    )
