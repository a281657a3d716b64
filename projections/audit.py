"""The index of the log: which event is where, so that history can be asked by any of its sides."""

import heapq
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from domain import users
from projections.engine import Projection, Reader, Table, Told, stamp

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
        "about": "TEXT",  # the user whose account, session, key or login it is
    },
    key=("position",),
    grows="position",
    indexes=(
        "type",
        "stream",
        "actor",
        "correlation",
        "id",
        "causation WHERE causation IS NOT NULL",
        "about WHERE about IS NOT NULL",
    ),
)


def _row(position: int, kind: str, e: Told, about: str | None) -> tuple[Any, ...]:
    return position, e.id, stamp(e.at), kind, e.stream, e.actor, e.correlation, e.causation, about


PROJECTION: Final = Projection(name="audit", tables=(EVENTS,), row=_row, prefix=users.tag(""))


class Mark(msgspec.Struct, frozen=True):
    """An event of a request under an idempotency key."""

    position: int
    at: datetime
    request: str | None


class Noted(msgspec.Struct, frozen=True):
    """A position and its hash (64 hex digits) as they were written down outside of the log."""

    position: int
    hash: str


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of the hash chain found; `position` is the first bad one."""

    ok: bool
    events: int
    head: int
    hash: str
    position: int | None = None
    problem: str | None = None


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it stands in the log; `record` is what the chain hashes behind the last hash."""

    position: int
    hash: str
    record: bytes
    id: str
    type: str
    at: datetime
    stream: str
    tags: str  # a JSON array
    actor: str
    via: str
    command: str
    correlation: str
    causation: str | None
    data: msgspec.Raw


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for; None looks for anything. `after` and `before` exclude, `since` includes."""

    after: int | None = None
    before: int | None = None
    type: str | None = None
    types: tuple[str, ...] | None = None  # any of these
    stream: str | None = None
    actor: str | None = None
    user: str | None = None  # that it is about, or who did it
    correlation: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Line(msgspec.Struct, frozen=True):
    """What the index knows of an event."""

    position: int
    id: str
    at: datetime
    type: str
    stream: str
    actor: str
    correlation: str
    causation: str | None


class Touched(msgspec.Struct, frozen=True):
    """Something that events are about: how many, and where the last of them is."""

    stream: str
    count: int
    position: int


_COLUMNS: Final = "position, id, at, type, stream, actor, correlation, causation"
_LINES: Final = f"SELECT {_COLUMNS} FROM events"  # noqa: S608 - built of constants
_TYPE: Final = _COLUMNS.split(", ").index("type")
GLANCED_MAX: Final = 200  # events, the newest, among which others are looked for first
CHAIN_MAX: Final = 50  # causes above an event that are looked for
TREE_MAX: Final = 200  # consequences below one

_CONDITIONS: Final = {
    "after": "position > :after",
    "before": "position < :before",
    "type": "type = :type",
    "types": "type IN (SELECT value FROM json_each(:types))",
    "stream": "stream = :stream",
    "actor": "actor = :actor",
    "user": "(about = :user OR actor = 'user:' || :user)",
    "correlation": "correlation = :correlation",
    "since": "position > :since",
    "until": "position <= :until",
}


def positions(reader: Reader, wanted: Filter, limit: int) -> list[int]:
    """Positions of matching events: upwards behind `after`, else the newest first."""
    sql, values = _matching(reader, wanted, "position")
    return [row[0] for row in reader.rows(sql, limit=limit, **values)]


def times(reader: Reader, wanted: Filter, limit: int) -> list[str]:
    """When matching events happened, in the same order: stamps, whose order is that of time."""
    sql, values = _matching(reader, wanted, "at")
    # One text of ten thousand stamps is read a third faster than as many rows; it keeps the order
    # of the inner query, whose limit keeps the two apart.
    row = reader.row(f"SELECT group_concat(at, ' ') FROM ({sql})", limit=limit, **values)  # noqa: S608
    return str(row[0]).split(" ") if row is not None and row[0] is not None else []


def _matching(reader: Reader, wanted: Filter, column: str) -> tuple[str, dict[str, Any]]:
    """The query for one column of matching events, and the values in it but for its limit."""
    values = {
        name: _value(reader, name, value)
        for name in _CONDITIONS
        if (value := getattr(wanted, name)) is not None
    }
    where = " AND ".join(_CONDITIONS[name] for name in values) or "1"
    order = "ASC" if wanted.after is not None else "DESC"
    sql = f"SELECT {column} FROM events WHERE {where} ORDER BY position {order} LIMIT :limit"  # noqa: S608
    return sql, values


def lines(reader: Reader, positions: Sequence[int]) -> list[Line]:
    """The events at these positions, in this order."""
    sql = f"{_LINES} WHERE position IN (SELECT value FROM json_each(:positions))"  # noqa: S608
    found = {row[0]: _line(row) for row in reader.rows(sql, positions=_json(positions))}
    return [found[position] for position in positions if position in found]


def matching(reader: Reader, wanted: Filter, limit: int) -> list[Line]:
    """Matching events: upwards behind `after`, else the newest first."""
    return lines(reader, positions(reader, wanted, limit))


def newest(reader: Reader, types: Sequence[str], limit: int) -> list[Line]:
    """The newest events of these types, the newest first.

    Most often they are among the newest of all. Where not, type by type: with one query over all, a
    few rare types would be looked for in the whole log.
    """
    known = set(types)
    recent = reader.rows(f"{_LINES} ORDER BY position DESC LIMIT :looked", looked=GLANCED_MAX)
    found = [_line(row) for row in recent if row[_TYPE] in known][:limit]
    if len(found) == limit:
        return found
    sql = f"{_LINES} WHERE type = :type ORDER BY position DESC LIMIT :limit"
    rows = (row for name in types for row in reader.rows(sql, type=name, limit=limit))
    return [_line(row) for row in heapq.nlargest(limit, rows)]


def touched(
    reader: Reader, types: Sequence[str], after: int, upto: int, looked: int
) -> list[Touched]:
    """What the newest `looked` events behind one position, up to another, are about.

    Of these types alone; what was touched last comes first.
    """
    rows = reader.rows(
        "SELECT stream, count(*), max(position) FROM (SELECT position, type, stream FROM events"
        " WHERE position > :after AND position <= :upto ORDER BY position DESC LIMIT :looked)"
        " WHERE type IN (SELECT value FROM json_each(:types))"
        " GROUP BY stream ORDER BY max(position) DESC",
        types=msgspec.json.encode(types).decode(),
        after=after,
        upto=upto,
        looked=looked,
    )
    return [Touched(*row) for row in rows]


def causes(reader: Reader, line: Line) -> list[Line]:
    """What led to an event, the first cause first."""
    chain: list[Line] = []
    while line.causation is not None and len(chain) < CHAIN_MAX:
        row = reader.row(f"{_LINES} WHERE id = :id", id=line.causation)
        if row is None:
            break
        line = _line(row)
        chain.insert(0, line)
    return chain


def consequences(reader: Reader, line: Line) -> list[tuple[int, Line]]:
    """What an event led to, each below its cause: how deep it stands, and the event."""
    found: list[tuple[int, Line]] = []

    def descend(cause: str, depth: int) -> None:
        sql = f"{_LINES} WHERE causation = :id ORDER BY position LIMIT :limit"
        if depth > CHAIN_MAX:
            return
        for row in reader.rows(sql, id=cause, limit=TREE_MAX - len(found)):
            if len(found) < TREE_MAX:
                found.append((depth, _line(row)))
                descend(row[1], depth + 1)

    descend(line.id, 1)
    return found


def position_at(reader: Reader, at: datetime) -> int:
    """The last position that was written by then; 0 before the first."""
    return _last(reader, lambda written: written <= _stamp(at))


def _last(reader: Reader, holds: Callable[[str], bool]) -> int:
    """The last position whose time is so, by halves: times never fall, so they need no index."""
    low = 0
    row = reader.row("SELECT max(position) FROM events")
    high = row[0] or 0 if row else 0
    while low < high:
        middle = (low + high + 1) // 2
        row = reader.row(
            "SELECT position, at FROM events WHERE position <= :middle"
            " ORDER BY position DESC LIMIT 1",
            middle=middle,
        )
        if row is None or (holds(row[1])):
            low = middle
        else:
            high = min(middle, row[0]) - 1
    return low


def time_of(reader: Reader, position: int) -> datetime | None:
    """When this position was written; for one in a gap, when the last before it was."""
    row = reader.row(
        "SELECT at FROM events WHERE position <= :position ORDER BY position DESC LIMIT 1",
        position=position,
    )
    return datetime.fromisoformat(row[0]) if row else None


def _line(row: tuple[Any, ...]) -> Line:
    position, id, at, *rest = row
    return Line(position, id, datetime.fromisoformat(at), *rest)


def _value(reader: Reader, name: str, value: Any) -> Any:
    if name == "since":
        return _last(reader, lambda written: written < _stamp(value))
    if name == "until":
        return position_at(reader, value)
    return _json(value) if isinstance(value, tuple) else value


def _json(value: Sequence[Any]) -> str:
    return msgspec.json.encode(value).decode()


def _stamp(at: datetime) -> str:
    """The stamp of a time in any zone."""
    try:
        at = at.astimezone(UTC)
    except OverflowError:  # the first or the last day of the calendar, in a zone that is beyond it
        at = at.replace(tzinfo=UTC)
    return stamp(at)
