"""/notebooks: who edits what, and the way to an editor; what its forms do."""

from datetime import datetime
from functools import partial
from typing import Final

import msgspec
from litestar import Response

from api import errors
from api import notebooks as api
from api.call import Call
from api.pages import forms, lines, render
from domain import notebooks as rules
from projections import audit, notebooks

PAGE: Final = "/notebooks"
EXECUTES: Final = "notebooks.execute"
LOCKS_SHOWN: Final = 30
# What is done to a lock, by the type of its event.
LOCKED: Final = {
    rules.NotebookLockAcquired.type_name(): "began to edit",
    rules.NotebookLockReleased.type_name(): "ended to edit",
    rules.NotebookLockExpired.type_name(): "ended the lock, as nothing was heard of its holder",
    rules.NotebookLockForced.type_name(): "ended somebody's lock",
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A notebook in the list, with what the caller may do with it."""

    name: str
    told: str
    creator: str
    updated_at: datetime
    there: bool
    state: str  # free, editing, locked, lapsed
    lock: api.LockView | None
    heard_at: datetime | None  # the last sign of life of who edits it
    may_open: bool
    may_release: bool
    may_force: bool
    may_copy: bool
    may_delete: bool


async def list_notebooks(call: Call) -> Response[str]:
    """Show the notebooks, and who edits them."""
    return await _page(call)


async def create(call: Call) -> Response[str]:
    """Make a notebook."""
    given = await forms.filled(call)
    try:
        made = await api.create_notebook(call, forms.convert(given, api.NewNotebook))
    except errors.TOLD as refused:
        return await _page(call, refused, name=given.get("name", ""))
    return render.see_other(f"{PAGE}#notebook-{made.name}")


async def copy(call: Call, name: str) -> Response[str]:
    """Copy a notebook."""
    await forms.read(call)
    return await forms.done(api.copy_notebook(call, name), PAGE, partial(_page, call))


async def delete(call: Call, name: str) -> Response[str]:
    """Delete a notebook."""
    await forms.read(call)
    return await forms.done(api.delete_notebook(call, name), PAGE, partial(_page, call))


async def open_editor(call: Call, name: str) -> Response[str]:
    """Lock a notebook, or go back to one's own lock, and lead to the editor."""
    await forms.read(call)
    try:
        locked = await api.lock_notebook(call, name)
    except errors.TOLD as refused:
        return await _page(call, refused)
    return render.see_other(locked.marimo_url or PAGE)


async def release(call: Call, name: str) -> Response[str]:
    """Release one's own lock."""
    await forms.read(call)
    return await forms.done(api.release_lock(call, name), PAGE, partial(_page, call))


async def force(call: Call, name: str) -> Response[str]:
    """End somebody else's lock."""
    await forms.read(call)
    return await forms.done(api.force_lock(call, name), PAGE, partial(_page, call))


async def _page(call: Call, refused: Exception | None = None, *, name: str = "") -> Response[str]:
    if call.changes:
        call.views = call.platform.views.current
    views = {each.name: each for each in await api.list_notebooks(call)}
    return forms.form_page(
        call,
        "notebooks.html",
        "Notebooks",
        refused,
        at=PAGE,
        notebooks=[_row(call, each, views[each.notebook]) for each in notebooks.every(call.views)],
        templates=rules.TEMPLATES,
        pattern="[A-Za-z0-9_]+",
        length_max=rules.NAME_LENGTH_MAX,
        life_min=int(rules.LOCK_LIFE.total_seconds()) // 60,
        name=name,
        of=call.request.query_params.get("of", ""),
        locks=_locks(call),
        may_execute=call.as_of is None and call.caller.may(EXECUTES),
        now=call.views.now,
    )


def _locks(call: Call) -> list[tuple[lines.Line, str, str]]:
    """Who edited what, the newest first: the line, the notebook, what was done."""
    of, types = call.request.query_params.get("of", ""), tuple(LOCKED)
    if of:
        wanted = audit.Filter(stream=rules.tag(of), types=types)
        found = audit.matching(call.views, wanted, LOCKS_SHOWN)
    else:
        found = audit.newest(call.views, types, LOCKS_SHOWN)
    told = lines.lines(call, found)
    return [(line, line.stream.partition(":")[2], LOCKED[line.type]) for line in told]


def _row(call: Call, found: notebooks.Notebook, view: api.NotebookView) -> Row:
    caller, lock, actor = call.caller, found.lock, call.caller.actor
    executes = call.as_of is None and caller.may(EXECUTES)
    manages = executes and caller.may(api.MANAGES)
    mine = lock is not None and lock.holder == actor
    lapsed = view.lock is not None and view.lock.expires_at <= call.views.now
    heard_at = None
    if view.lock is not None and call.as_of is None:
        heard_at = view.lock.expires_at - rules.LOCK_LIFE
    return Row(
        name=view.name,
        told=view.description,
        creator=view.created_by,
        updated_at=view.updated_at,
        there=view.file_exists,
        state=_state(lock is not None, mine=mine, lapsed=lapsed),
        lock=view.lock,
        heard_at=heard_at,
        may_open=executes and view.file_exists and (lock is None or mine or lapsed),
        may_release=executes and mine,
        may_force=manages and lock is not None and not mine,
        may_copy=executes and view.file_exists,
        may_delete=executes and (lock is None or mine) and (manages or found.creator == actor),
    )


def _state(held: bool, *, mine: bool, lapsed: bool) -> str:  # noqa: FBT001 - what the others hang on
    if not held:
        return "free"
    if lapsed:
        return "lapsed"
    return "editing" if mine else "locked"
