"""Notebooks: files of code that people edit, one at a time, each in a process of its own.

Invariants: a name is that of one notebook; who edits it holds its lock, and nobody else does at the
same time; a notebook that another one edits is not deleted. A lock ends by its holder, by an admin,
by its time, or with its process. Heartbeats are no events: when a lock was refreshed last stands in
a side file, and whoever finds it lapsed names it.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Final

import msgspec

from domain.kernel import Boundary, Event, Recorded, Refused, about

TEMPLATES: Final = ("blank", "explore", "quality")
NAME_LENGTH_MAX: Final = 128
LOCK_LIFE: Final = timedelta(minutes=15)  # without a heartbeat, a request or an open socket
_NEW: Final = re.compile(r"[a-z0-9_]{1,128}")
_KNOWN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}")  # of files that people made


def named(given: str) -> str:
    """The name of a new notebook. Raises NotebookNameInvalid."""
    name = given.lower()
    if not _NEW.fullmatch(name):
        raise NotebookNameInvalid
    return name


def nameable(name: str) -> bool:
    """Whether a file of this name, without its ending, can be a notebook."""
    return _KNOWN.fullmatch(name) is not None


def runs_out(acquired_at: datetime, seen_at: datetime | None) -> datetime:
    """When a lock ends by itself; `seen_at` is when its holder was heard of last."""
    return (acquired_at if seen_at is None else max(acquired_at, seen_at)) + LOCK_LIFE


def tag(name: str) -> str:
    """The tag of everything about one notebook."""
    return f"notebook:{name}"


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _NotebookEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "notebooks.view"
    notebook: str

    def stream(self) -> str:
        return tag(self.notebook)


class NotebookCreated(_NotebookEvent, frozen=True, kw_only=True, tag="notebook_created"):
    """A notebook was made from a template."""

    notebook_id: str
    template: str
    creator: str  # an actor


class NotebookCopied(_NotebookEvent, frozen=True, kw_only=True, tag="notebook_copied"):
    """A notebook was made as a copy of another one."""

    notebook_id: str
    origin: str
    creator: str


class NotebookFound(_NotebookEvent, frozen=True, kw_only=True, tag="notebook_found"):
    """A file lies in the folder that no command made."""


class NotebookDeleted(_NotebookEvent, frozen=True, kw_only=True, tag="notebook_deleted"):
    """A notebook is no more."""


class _LockEvent(_NotebookEvent, frozen=True, kw_only=True):
    lock: str  # its id: each time that a notebook is locked is another one


class NotebookLockAcquired(_LockEvent, frozen=True, kw_only=True, tag="notebook_lock_acquired"):
    """Somebody edits the notebook from here on."""

    holder: str  # an actor


class NotebookLockReleased(_LockEvent, frozen=True, kw_only=True, tag="notebook_lock_released"):
    """The lock ended by its holder, or with its process."""


class NotebookLockExpired(_LockEvent, frozen=True, kw_only=True, tag="notebook_lock_expired"):
    """The lock ended, since nothing was heard of its holder for too long."""


class NotebookLockForced(_LockEvent, frozen=True, kw_only=True, tag="notebook_lock_forced"):
    """The lock ended by somebody else's hand, or with its holder's rights."""


class NotebookSessionStarted(_LockEvent, frozen=True, kw_only=True, tag="notebook_session_started"):
    """The notebook's process can be talked to."""


class NotebookSessionEnded(_LockEvent, frozen=True, kw_only=True, tag="notebook_session_ended"):
    """The notebook's process is gone."""

    reason: str


LOCK_ENDS: Final = (NotebookLockReleased, NotebookLockExpired, NotebookLockForced)
EVENTS: Final[tuple[type[Event], ...]] = (
    NotebookCreated,
    NotebookCopied,
    NotebookFound,
    NotebookDeleted,
    NotebookLockAcquired,
    *LOCK_ENDS,
    NotebookSessionStarted,
    NotebookSessionEnded,
)


class Notebook(msgspec.Struct, frozen=True):
    """One notebook: whose it is, who holds it, and what of it ended last."""

    notebook_id: str = ""
    creator: str | None = None  # None: nobody's, a file that was found
    gone: bool = False
    lock: NotebookLockAcquired | None = None
    session: str | None = None  # the lock whose process can be talked to
    ended: str | None = None  # the lock that ended last
    over: str | None = None  # the lock whose process ended last


Notebooks = Mapping[str, Notebook]


def evolve(state: Notebooks, recorded: Recorded) -> Notebooks:
    """Fold one event."""
    event = recorded.event
    if not isinstance(event, _NotebookEvent):
        return state
    before = state.get(event.notebook, Notebook(gone=True))
    return {**state, event.notebook: _evolved(before, event)}


def _evolved(before: Notebook, event: _NotebookEvent) -> Notebook:
    replace = msgspec.structs.replace
    match event:
        case NotebookCreated() | NotebookCopied():
            return Notebook(event.notebook_id, event.creator)
        case NotebookFound():
            return Notebook()
        case NotebookDeleted():
            return replace(before, gone=True)
        case NotebookLockAcquired():
            return replace(before, lock=event)
        case NotebookLockReleased() | NotebookLockExpired() | NotebookLockForced():
            return replace(before, lock=None, ended=event.lock)
        case NotebookSessionStarted():
            return replace(before, session=event.lock)
        case NotebookSessionEnded():
            return replace(before, session=None, over=event.lock)
        case _:
            return before


def boundary(*names: str) -> Boundary:
    """These notebooks and their locks."""
    return about(*(tag(name) for name in dict.fromkeys(names)), types=EVENTS)


def make(state: Notebooks, made: NotebookCreated | NotebookCopied) -> list[Event]:
    """Make a notebook. Raises NotebookThere, TemplateUnknown, NotebookMissing (of the origin)."""
    known = _there(state, made.notebook)
    if known is not None and known.notebook_id == made.notebook_id:
        return []
    if known is not None:
        raise NotebookThere(made.notebook)
    if isinstance(made, NotebookCopied):
        _one(state, made.origin)
    elif made.template not in TEMPLATES:
        raise TemplateUnknown
    return [made]


def adopt(state: Notebooks, names: Iterable[str]) -> list[Event]:
    """Note files that no command made."""
    return [
        NotebookFound(notebook=name)
        for name in dict.fromkeys(names)
        if nameable(name) and _there(state, name) is None
    ]


def delete(state: Notebooks, name: str, actor: str, *, manages: bool) -> list[Event]:
    """Delete a notebook of one's own. Raises NotebookMissing, NotebookLocked, NotTheirNotebook."""
    if name in state and state[name].gone:
        return []
    found = _one(state, name)
    if found.lock is not None and found.lock.holder != actor:
        raise NotebookLocked(name)
    if found.creator != actor and not manages:
        raise NotTheirNotebook
    return [*_released(found), NotebookDeleted(notebook=name)]


def acquire(
    state: Notebooks, wanted: NotebookLockAcquired, lapsed: str | None = None
) -> list[Event]:
    """Lock a notebook; `lapsed` is a lock that is known to have run out.

    Raises NotebookMissing, NotebookLocked.
    """
    lock = _one(state, wanted.notebook).lock
    if lock is None:
        return [wanted]
    if lock.lock == lapsed and lapsed != wanted.lock:
        return [NotebookLockExpired(notebook=wanted.notebook, lock=lapsed), wanted]
    if lock.holder == wanted.holder:
        return []
    raise NotebookLocked(wanted.notebook)


def release(state: Notebooks, name: str, lock: str, holder: str) -> list[Event]:
    """Give one's own lock back. Raises NotebookMissing, LockNotHeld."""
    found = _one(state, name)
    if found.lock is not None and (found.lock.lock, found.lock.holder) == (lock, holder):
        return _released(found)
    if found.lock is None and found.ended == lock:
        return []
    raise LockNotHeld


def expire(state: Notebooks, name: str, lock: str) -> list[Event]:
    """End a lock that has run out."""
    if _holds(state, name, lock):
        return [NotebookLockExpired(notebook=name, lock=lock)]
    return []


def force(state: Notebooks, name: str, lock: str) -> list[Event]:
    """End somebody's lock. Raises NoLock."""
    if _holds(state, name, lock):
        return [NotebookLockForced(notebook=name, lock=lock)]
    if name in state and state[name].ended == lock:
        return []
    raise NoLock(name)


def begin(state: Notebooks, name: str, lock: str) -> list[Event]:
    """The process of a lock can be talked to; nothing to tell when the lock has ended."""
    if not _holds(state, name, lock) or state[name].session == lock:
        return []
    return [NotebookSessionStarted(notebook=name, lock=lock)]


def end(state: Notebooks, name: str, lock: str, reason: str) -> list[Event]:
    """The process of a lock is gone, and so is the lock."""
    found = state.get(name)
    if found is None or found.over == lock:
        return []
    held = found.lock is not None and found.lock.lock == lock
    if not held and lock not in (found.session, found.ended):
        return []
    ended = NotebookSessionEnded(notebook=name, lock=lock, reason=reason)
    return [ended, *_released(found)] if held else [ended]


def _there(state: Notebooks, name: str) -> Notebook | None:
    found = state.get(name)
    return None if found is None or found.gone else found


def _one(state: Notebooks, name: str) -> Notebook:
    found = _there(state, name)
    if found is None:
        raise NotebookMissing(name)
    return found


def _holds(state: Notebooks, name: str, lock: str) -> bool:
    held = state[name].lock if name in state else None
    return held is not None and held.lock == lock


def _released(found: Notebook) -> list[Event]:
    lock = found.lock
    return [] if lock is None else [NotebookLockReleased(notebook=lock.notebook, lock=lock.lock)]


class NotebookMissing(Refused):
    """No notebook has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Notebook '{name}' not found.")


class NotebookThere(Refused):
    """The name is taken."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Notebook '{name}' already exists.")


class NotebookNameInvalid(Refused):
    """A name that is none."""

    def __init__(self) -> None:
        super().__init__(
            "Invalid notebook name. Use only letters, numbers, and underscores,"
            f" {NAME_LENGTH_MAX} at most."
        )


class TemplateUnknown(Refused):
    """There is no such template."""

    def __init__(self) -> None:
        super().__init__(f"Invalid template. Must be one of: {', '.join(TEMPLATES)}.")


class NotebookLocked(Refused):
    """Somebody else edits it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Notebook '{name}' is locked by somebody else.")


class NotTheirNotebook(Refused):
    """Who did not make it may not delete it, without notebooks.manage."""

    def __init__(self) -> None:
        super().__init__("Only who made a notebook, or who manages notebooks, may delete it.")


class LockNotHeld(Refused):
    """The lock is somebody else's, or is over."""

    def __init__(self) -> None:
        super().__init__("Lock not held by you or has expired.")


class NoLock(Refused):
    """There is nothing to end."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No active lock found on notebook '{name}'.")
