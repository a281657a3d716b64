"""Which queries are saved, by whom, and who sees them. Names and texts are in the vault."""

from datetime import datetime
from typing import Any, Final

import msgspec

from domain import saved_queries, users
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table, stamp

SAVED: Final = Table(
    name="saved_queries",
    columns={
        "query": "TEXT NOT NULL",
        "owner": "TEXT NOT NULL",  # an actor
        "shared": "INTEGER NOT NULL",
        "created_at": "TEXT NOT NULL",
        "updated_at": "TEXT NOT NULL",
    },
    key=("query",),
    indexes=("owner",),
)


def _saved(rows: Rows, e: saved_queries.QuerySaved, r: Recorded) -> None:
    at = stamp(r.at)
    rows.put(
        SAVED,
        query=e.query,
        owner=e.owner,
        shared=int(e.shared),
        created_at=at,
        updated_at=at,
    )


def _changed(rows: Rows, e: saved_queries.SavedQueryChanged, r: Recorded) -> None:
    rows.change(SAVED, e.query, shared=int(e.shared), updated_at=stamp(r.at))


def _deleted(rows: Rows, e: saved_queries.SavedQueryDeleted, _: Recorded) -> None:
    rows.remove(SAVED, query=e.query)


def _left(rows: Rows, e: users.UserDeleted, _: Recorded) -> None:
    rows.remove(SAVED, owner=users.tag(e.user_id))  # the vault has them no more


PROJECTION: Final = Projection(
    name="saved_queries",
    tables=(SAVED,),
    on={
        saved_queries.QuerySaved: _saved,
        saved_queries.SavedQueryChanged: _changed,
        saved_queries.SavedQueryDeleted: _deleted,
        users.UserDeleted: _left,
    },
)


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """One saved query."""

    query: str
    owner: str
    shared: bool
    created_at: datetime
    updated_at: datetime
    since: int  # position of the event that made it what it is


_SELECT: Final = "SELECT query, owner, shared, created_at, updated_at, since FROM saved_queries"


def seen_by(reader: Reader, actor: str, limit: int) -> list[Saved]:
    """One's own, and those that others share; one's own first, then by time, the newest first."""
    rows = reader.rows(
        f"{_SELECT} WHERE owner = :actor OR shared"
        " ORDER BY owner = :actor DESC, updated_at DESC, query LIMIT :limit",
        actor=actor,
        limit=limit,
    )
    return [_of(row) for row in rows]


def one(reader: Reader, query: str, actor: str) -> Saved | None:
    """One that somebody may see, or None."""
    row = reader.row(
        f"{_SELECT} WHERE query = :query AND (owner = :actor OR shared)", query=query, actor=actor
    )
    return None if row is None else _of(row)


def _of(row: tuple[Any, ...]) -> Saved:
    query, owner, shared, created_at, updated_at, since = row
    return Saved(
        query=query,
        owner=owner,
        shared=bool(shared),
        created_at=datetime.fromisoformat(created_at),
        updated_at=datetime.fromisoformat(updated_at),
        since=since,
    )
