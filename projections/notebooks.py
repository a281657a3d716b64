"""Notebooks, and who edits them."""

from datetime import datetime
from typing import Any, Final

import msgspec

from domain import notebooks
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table, stamp

NOTEBOOKS: Final = Table(
    name="notebooks",
    columns={
        "notebook": "TEXT NOT NULL",
        "notebook_id": "TEXT NOT NULL",
        "template": "TEXT",
        "origin": "TEXT",  # what it is a copy of
        "creator": "TEXT",  # an actor; none made a file that was found
        "created_at": "TEXT NOT NULL",
        "updated_at": "TEXT NOT NULL",
    },
    key=("notebook",),
)
LOCKS: Final = Table(
    name="notebook_locks",
    columns={
        "notebook": "TEXT NOT NULL",
        "lock": "TEXT NOT NULL",
        "holder": "TEXT NOT NULL",
        "at": "TEXT NOT NULL",
    },
    key=("notebook",),
)
SESSIONS: Final = Table(
    name="notebook_sessions",
    columns={"notebook": "TEXT NOT NULL", "lock": "TEXT NOT NULL", "at": "TEXT NOT NULL"},
    key=("notebook",),
)

_Made = notebooks.NotebookCreated | notebooks.NotebookCopied | notebooks.NotebookFound


def _made(rows: Rows, e: _Made, r: Recorded) -> None:
    rows.put(
        NOTEBOOKS,
        notebook=e.notebook,
        notebook_id=getattr(e, "notebook_id", r.id),
        template=getattr(e, "template", None),
        origin=getattr(e, "origin", None),
        creator=getattr(e, "creator", None),
        created_at=stamp(r.at),
        updated_at=stamp(r.at),
    )


def _deleted(rows: Rows, e: notebooks.NotebookDeleted, _: Recorded) -> None:
    rows.remove(NOTEBOOKS, notebook=e.notebook)


def _locked(rows: Rows, e: notebooks.NotebookLockAcquired, r: Recorded) -> None:
    rows.put(LOCKS, notebook=e.notebook, lock=e.lock, holder=e.holder, at=stamp(r.at))


def _unlocked(rows: Rows, e: Any, r: Recorded) -> None:
    rows.remove(LOCKS, notebook=e.notebook)
    rows.change(NOTEBOOKS, e.notebook, updated_at=stamp(r.at))


def _begun(rows: Rows, e: notebooks.NotebookSessionStarted, r: Recorded) -> None:
    rows.put(SESSIONS, notebook=e.notebook, lock=e.lock, at=stamp(r.at))


def _over(rows: Rows, e: notebooks.NotebookSessionEnded, _: Recorded) -> None:
    rows.remove(SESSIONS, notebook=e.notebook, lock=e.lock)


PROJECTION: Final = Projection(
    name="notebooks",
    tables=(NOTEBOOKS, LOCKS, SESSIONS),
    on={
        notebooks.NotebookCreated: _made,
        notebooks.NotebookCopied: _made,
        notebooks.NotebookFound: _made,
        notebooks.NotebookDeleted: _deleted,
        notebooks.NotebookLockAcquired: _locked,
        notebooks.NotebookLockReleased: _unlocked,
        notebooks.NotebookLockExpired: _unlocked,
        notebooks.NotebookLockForced: _unlocked,
        notebooks.NotebookSessionStarted: _begun,
        notebooks.NotebookSessionEnded: _over,
    },
)


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """Who edits a notebook; `ready` is whether its process can be talked to."""

    notebook: str
    lock: str
    holder: str
    at: datetime
    ready: bool


class Notebook(msgspec.Struct, frozen=True, kw_only=True):
    """One notebook."""

    notebook: str
    notebook_id: str
    template: str | None
    origin: str | None
    creator: str | None
    created_at: datetime
    updated_at: datetime
    lock: Lock | None


_SQL: Final = (
    "SELECT n.notebook, n.notebook_id, n.template, n.origin, n.creator, n.created_at,"
    " n.updated_at, l.lock, l.holder, l.at, s.lock"
    " FROM notebooks n LEFT JOIN notebook_locks l USING (notebook)"
    " LEFT JOIN notebook_sessions s ON s.notebook = n.notebook AND s.lock = l.lock"
)


def every(reader: Reader) -> list[Notebook]:
    """All notebooks, the newest first."""
    return [_notebook(row) for row in reader.rows(f"{_SQL} ORDER BY n.created_at DESC, n.notebook")]


def one(reader: Reader, name: str) -> Notebook | None:
    """One notebook, or None."""
    row = reader.row(f"{_SQL} WHERE n.notebook = :name", name=name)
    return None if row is None else _notebook(row)


def locks(reader: Reader) -> list[Lock]:
    """All locks that are held."""
    return [book.lock for book in every(reader) if book.lock is not None]


def lock(reader: Reader, name: str) -> Lock | None:
    """The lock on a notebook; asked at each request to its process."""
    return reader.kept(("notebook_locks", "notebook_sessions"), _lock, name)


def _lock(reader: Reader, name: str) -> Lock | None:
    row = reader.row(
        "SELECT l.lock, l.holder, l.at, s.lock FROM notebook_locks l"
        " LEFT JOIN notebook_sessions s ON s.notebook = l.notebook AND s.lock = l.lock"
        " WHERE l.notebook = :name",
        name=name,
    )
    return None if row is None else _of(name, row)


def _of(name: str, row: tuple[Any, ...]) -> Lock:
    lock_id, holder, at, session = row
    return Lock(
        notebook=name,
        lock=lock_id,
        holder=holder,
        at=datetime.fromisoformat(at),
        ready=session is not None,
    )


def _notebook(row: tuple[Any, ...]) -> Notebook:
    return Notebook(
        notebook=row[0],
        notebook_id=row[1],
        template=row[2],
        origin=row[3],
        creator=row[4],
        created_at=datetime.fromisoformat(row[5]),
        updated_at=datetime.fromisoformat(row[6]),
        lock=None if row[7] is None else _of(row[0], row[7:]),
    )
