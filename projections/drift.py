"""How the columns of sources changed, and which of the changes wait for somebody to accept them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from domain import drift, sources
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table, stamp

CHANGES: Final = Table(
    name="drift_changes",
    columns={
        "position": "INTEGER NOT NULL",
        "number": "INTEGER NOT NULL",  # among those of one publication
        "source": "TEXT NOT NULL",
        "table_name": "TEXT NOT NULL",
        "change": "TEXT NOT NULL",  # domain.drift.Change as JSON
        "at": "TEXT NOT NULL",
    },
    key=("position", "number"),
    grows="position",
    indexes=("source",),
)
PENDING: Final = Table(
    name="drift_pending",
    columns={
        "source": "TEXT NOT NULL",
        "changes": "TEXT NOT NULL",  # JSON array of domain.drift.Change
        "at": "TEXT NOT NULL",  # since when some of them are pending
    },
    key=("source",),
    few=True,
)
READ: Final = ("drift_changes",)  # by `counts`
IDS_PER_POSITION: Final = 10_000  # a change is known by position * this + its number

_json: Final = msgspec.json.Encoder().encode
_change: Final = msgspec.json.Decoder(drift.Change)
_changes: Final = msgspec.json.Decoder(tuple[drift.Change, ...])


def _detected(rows: Rows, e: drift.DriftDetected, r: Recorded) -> None:
    for number, change in enumerate(e.changes):
        rows.put(
            CHANGES,
            position=r.position,
            number=number,
            source=e.source,
            table_name=change.table,
            change=_json(change).decode(),
            at=stamp(r.at),
        )
    if not e.pending:
        rows.remove(PENDING, source=e.source)
        return
    before = rows.get(PENDING, e.source)
    at = stamp(r.at) if before is None else before["at"]
    rows.put(PENDING, source=e.source, changes=_json(e.pending).decode(), at=at)


def _settled(rows: Rows, e: drift.DriftAccepted | sources.SourceRemoved, _: Recorded) -> None:
    rows.remove(PENDING, source=e.source)


PROJECTION: Final = Projection(
    name="drift",
    tables=(CHANGES, PENDING),
    on={
        drift.DriftDetected: _detected,
        drift.DriftAccepted: _settled,
        sources.SourceRemoved: _settled,
    },
)


class DriftChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change, and when it was found."""

    id: int
    source: str
    change: drift.Change
    at: datetime


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """What of a source waits to be accepted; its dependent models are held back."""

    source: str
    changes: tuple[drift.Change, ...]
    at: datetime


def newest(
    reader: Reader, limit: int, *, source: str | None = None, table: str | None = None
) -> list[DriftChange]:
    """The changes that were found, newest first."""
    found = reader.rows(
        "SELECT position, number, source, change, at FROM drift_changes"
        " WHERE (:source IS NULL OR source = :source)"
        " AND (:table IS NULL OR table_name = :table)"
        " ORDER BY position DESC, number LIMIT :limit",
        source=source,
        table=table,
        limit=limit,
    )
    return [
        DriftChange(
            id=position * IDS_PER_POSITION + number,
            source=name,
            change=_change.decode(change),
            at=datetime.fromisoformat(at),
        )
        for position, number, name, change, at in found
    ]


def counts(reader: Reader) -> Mapping[str, int]:
    """How many changes were found, by source."""
    return reader.kept(READ, _counts) or {}


def _counts(reader: Reader) -> dict[str, int]:
    return dict(reader.rows("SELECT source, count(*) FROM drift_changes GROUP BY source"))


def pending(reader: Reader) -> dict[str, Pending]:
    """What waits to be accepted, by source."""
    found = reader.rows("SELECT source, changes, at FROM drift_pending ORDER BY source")
    return {row[0]: _pending(row) for row in found}


def held(reader: Reader) -> frozenset[str]:
    """The sources whose dependent models are not to be built."""
    return frozenset(name for (name,) in reader.rows("SELECT source FROM drift_pending"))


def _pending(row: tuple[Any, ...]) -> Pending:
    source, changes, at = row
    return Pending(source=source, changes=_changes.decode(changes), at=datetime.fromisoformat(at))
