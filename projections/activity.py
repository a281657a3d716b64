"""The activity log: what happened to sources and the platform, in words."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from domain import syncs
from domain.kernel import Event, Recorded
from projections.engine import Apply, Projection, Reader, Rows, Table, stamp
from projections.sayings import WORDS

LEVELS: Final = ("info", "success", "warning", "error")
LOOKED_MAX: Final = 50_000  # events, the newest, among which a text is looked for
LOGS: Final = Table(
    name="logs",
    columns={
        "position": "INTEGER NOT NULL",
        "source": "TEXT NOT NULL",
        "at": "TEXT NOT NULL",
        "level": "TEXT NOT NULL",
        "message": "TEXT NOT NULL",
    },
    key=("position", "source"),
    grows="position",
    indexes=("source",),
)


def _log(rows: Rows, event: Event, r: Recorded) -> None:
    level, message = WORDS[type(event)](event)
    for source in _sources(event):
        rows.put(
            LOGS,
            position=r.position,
            source=source,
            at=stamp(r.at),
            level=level,
            message=message,
        )


def _sources(event: Event) -> tuple[str, ...]:
    if isinstance(event, syncs.SyncRequested):
        return event.sources
    return (getattr(event, "source", None) or "platform",)


_APPLY: Final[dict[type[Event], Apply]] = dict.fromkeys(WORDS, _log)
PROJECTION: Final = Projection(name="activity", tables=(LOGS,), on=_APPLY)


class Entry(msgspec.Struct, frozen=True):
    """One line of the activity log."""

    position: int
    timestamp: str
    level: str
    source: str
    message: str


def said(reader: Reader, positions: Sequence[int]) -> dict[int, Entry]:
    """What the log says at these positions; most events are not in it."""
    sql = (
        "SELECT position, at, level, source, message FROM logs"
        " WHERE position IN (SELECT value FROM json_each(:positions)) ORDER BY source DESC"
    )
    rows = reader.rows(sql, positions=msgspec.json.encode(positions).decode())
    return {row[0]: Entry(*row) for row in rows}


def _at(moment: datetime) -> str:
    """As the entries have it; a time before all times is the first one."""
    try:
        return stamp(moment.astimezone(UTC))
    except OverflowError:
        return stamp(moment.replace(tzinfo=UTC))


def newest(
    reader: Reader,
    limit: int,
    source: str | None = None,
    *,
    level: str | None = None,
    since: datetime | None = None,
    text: str | None = None,
) -> list[Entry]:
    """The newest entries first, of one source or of all, of one level or of all.

    Those that hold a text are looked for among the events of the last LOOKED_MAX positions.
    """
    given = {
        "source": source,
        "level": level,
        "at": None if since is None else _at(since),
        "text": text,
        "floor": None if text is None else reader.position - LOOKED_MAX,
    }
    values = {name: value for name, value in given.items() if value is not None}
    tests = {
        "source": "source = :source",
        "level": "level = :level",
        "at": "at >= :at",
        "text": "instr(lower(message), lower(:text))",
        "floor": "position > :floor",
    }
    where = " AND ".join(tests[name] for name in values)
    where = f"WHERE {where}" if where else ""
    sql = (
        f"SELECT position, at, level, source, message FROM logs {where}"  # noqa: S608 - constants
        " ORDER BY position DESC, source LIMIT :limit"
    )
    return [Entry(*row) for row in reader.rows(sql, limit=limit, **values)]
