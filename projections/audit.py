"""The index of the log: which event is where, so that history can be asked by any of its sides."""

from datetime import datetime
from typing import Any, Final

import msgspec

from domain.kernel import Event, Recorded
from projections.engine import Projection, Reader, Rows, Table

EVENTS: Final = Table(
    name="events",
    columns={
        "position": "INTEGER NOT NULL",
        "id": "TEXT NOT NULL",
        "at": "TEXT NOT NULL",
        "type": "TEXT NOT NULL",
        "stream": "TEXT NOT NULL",
        "actor": "TEXT NOT NULL",
        "correlation": "TEXT NOT NULL",
        "causation": "TEXT",
    },
    key=("position",),
    grows="position",
    indexes=("at", "type, position", "stream, position", "actor, position", "correlation", "id"),
)


def _index(rows: Rows, event: Event, r: Recorded) -> None:
    rows.put(
        EVENTS,
        position=r.position,
        id=r.id,
        at=_stamp(r.at),
        type=event.type_name(),
        stream=event.stream(),
        actor=r.actor,
        correlation=r.correlation,
        causation=r.causation,
    )


PROJECTION: Final = Projection(name="audit", tables=(EVENTS,), every=_index)


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of the hash chain found; `position` is the first bad one."""

    ok: bool
    events: int
    head: int
    hash: str
    position: int | None = None
    problem: str | None = None


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for; None looks for anything. `after` and `before` exclude, `since` includes."""

    after: int | None = None
    before: int | None = None
    type: str | None = None
    stream: str | None = None
    actor: str | None = None
    correlation: str | None = None
    since: datetime | None = None
    until: datetime | None = None


_CONDITIONS: Final = {
    "after": "position > :after",
    "before": "position < :before",
    "type": "type = :type",
    "stream": "stream = :stream",
    "actor": "actor = :actor",
    "correlation": "correlation = :correlation",
    "since": "at >= :since",
    "until": "at <= :until",
}


def positions(reader: Reader, wanted: Filter, limit: int) -> list[int]:
    """Positions of matching events: upwards behind `after`, else the newest first."""
    values: dict[str, Any] = {
        name: _stamp(value) if isinstance(value, datetime) else value
        for name in _CONDITIONS
        if (value := getattr(wanted, name)) is not None
    }
    where = " AND ".join(_CONDITIONS[name] for name in values) or "1"
    order = "ASC" if wanted.after is not None else "DESC"
    sql = f"SELECT position FROM events WHERE {where} ORDER BY position {order} LIMIT :limit"  # noqa: S608
    return [row[0] for row in reader.rows(sql, limit=limit, **values)]


def position_at(reader: Reader, at: datetime) -> int:
    """The last position that was written by then; 0 before the first."""
    row = reader.row(
        "SELECT position FROM events WHERE at <= :at ORDER BY at DESC, position DESC LIMIT 1",
        at=_stamp(at),
    )
    return int(row[0]) if row else 0


def time_of(reader: Reader, position: int) -> datetime | None:
    """When this position was written; for one in a gap, when the last before it was."""
    row = reader.row(
        "SELECT at FROM events WHERE position <= :position ORDER BY position DESC LIMIT 1",
        position=position,
    )
    return datetime.fromisoformat(row[0]) if row else None


def _stamp(at: datetime) -> str:
    """A spelling whose order is that of time: UTC, always with microseconds."""
    return at.isoformat(timespec="microseconds")
