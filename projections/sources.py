"""The sources and what is known of each: configuration, tables, last runs, freshness."""

from datetime import datetime
from typing import Any, Final

import msgspec

from domain import sources, syncs
from domain.datasets import Column
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table

SOURCES: Final = Table(
    name="sources",
    columns={
        "name": "TEXT NOT NULL",
        "config": "TEXT NOT NULL",  # domain.sources.Source as JSON
        "status": "TEXT NOT NULL",  # not_synced, queued, syncing, synced, failed
        "job": "INTEGER",  # the open run's, or the last one's
        "rows": "INTEGER",  # over all tables
        "synced_at": "TEXT",  # when its data was last published
        "last_at": "TEXT",  # the last attempt's start
        "last_status": "TEXT",
        "last_duration_s": "REAL",
        "error": "TEXT",
    },
    key=("name",),
)
TABLES: Final = Table(
    name="source_tables",
    columns={
        "source": "TEXT NOT NULL",
        "schema_name": "TEXT NOT NULL",
        "name": "TEXT NOT NULL",
        "rows": "INTEGER NOT NULL",
        "columns": "TEXT NOT NULL",  # JSON array of Column
        "snapshot": "INTEGER NOT NULL",
    },
    key=("source", "schema_name", "name"),
)

PUBLICATIONS: Final = Table(
    name="publications",
    columns={"position": "INTEGER NOT NULL", "snapshot": "INTEGER NOT NULL"},
    key=("position",),
    grows="position",
)

_json: Final = msgspec.json.Encoder().encode
_source: Final = msgspec.json.Decoder(sources.Source)
_columns: Final = msgspec.json.Decoder(tuple[Column, ...])


def _text(value: Any) -> str:
    return _json(value).decode()


def _registered(rows: Rows, e: sources.SourceRegistered, _: Recorded) -> None:
    # Tables of a source that was removed and came back are in the warehouse still.
    rows.put(
        SOURCES,
        name=e.source,
        config=_text(e.config),
        status="not_synced",
        job=None,
        rows=None,
        synced_at=None,
        last_at=None,
        last_status=None,
        last_duration_s=None,
        error=None,
    )


def _reconfigured(rows: Rows, e: sources.SourceReconfigured, _: Recorded) -> None:
    rows.change(SOURCES, e.source, config=_text(e.config))


def _removed(rows: Rows, e: sources.SourceRemoved, _: Recorded) -> None:
    rows.remove(SOURCES, name=e.source)
    rows.remove(TABLES, source=e.source)


def _requested(rows: Rows, e: syncs.SyncRequested, r: Recorded) -> None:
    for name in e.sources:
        rows.change(SOURCES, name, status="queued", job=r.position)


def _started(rows: Rows, e: syncs.SyncStarted, r: Recorded) -> None:
    rows.change(SOURCES, e.source, status="syncing", last_at=r.at.isoformat())


def _completed(rows: Rows, e: syncs.SyncCompleted, r: Recorded) -> None:
    rows.change(
        SOURCES,
        e.source,
        status="synced",
        rows=sum(table.row_count for table in e.tables),
        synced_at=r.at.isoformat(),
        last_status="success",
        last_duration_s=e.duration_s,
        error=None,
    )
    rows.put(PUBLICATIONS, position=r.position, snapshot=e.snapshot)
    rows.remove(TABLES, source=e.source)
    for table in e.tables:
        rows.put(
            TABLES,
            source=e.source,
            schema_name=table.schema,
            name=table.name,
            rows=table.row_count,
            columns=_text(table.columns),
            snapshot=e.snapshot,
        )


def _failed(rows: Rows, e: syncs.SyncFailed, _: Recorded) -> None:
    rows.change(
        SOURCES,
        e.source,
        status="failed",
        last_status="failed",
        last_duration_s=e.duration_s,
        error=e.reason,
    )


def _stopped(rows: Rows, e: syncs.SyncCancelled | syncs.SyncInterrupted, _: Recorded) -> None:
    row = rows.get(SOURCES, e.source)
    if row is None:
        return
    last = "cancelled" if isinstance(e, syncs.SyncCancelled) else "interrupted"
    status = "not_synced" if row["synced_at"] is None else "synced"
    rows.change(SOURCES, e.source, status=status, last_status=last, last_duration_s=None)


PROJECTION: Final = Projection(
    name="sources",
    tables=(SOURCES, TABLES, PUBLICATIONS),
    on={
        sources.SourceRegistered: _registered,
        sources.SourceReconfigured: _reconfigured,
        sources.SourceRemoved: _removed,
        syncs.SyncRequested: _requested,
        syncs.SyncStarted: _started,
        syncs.SyncCompleted: _completed,
        syncs.SyncFailed: _failed,
        syncs.SyncCancelled: _stopped,
        syncs.SyncInterrupted: _stopped,
    },
)


class SourceTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table that a source filled."""

    schema: str
    name: str
    row_count: int
    columns: tuple[Column, ...]


class SourceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A source as it stands."""

    config: sources.Source
    status: str
    job: int | None
    row_count: int | None
    synced_at: datetime | None
    last_at: datetime | None
    last_status: str | None
    last_duration_s: float | None
    error: str | None
    tables: tuple[SourceTable, ...] = ()


def snapshot(reader: Reader) -> int | None:
    """The warehouse's newest commit that was published by then; None before the first."""
    row = reader.row("SELECT snapshot FROM publications ORDER BY position DESC LIMIT 1")
    return int(row[0]) if row else None


_COLUMNS: Final = (
    "config, status, job, rows, synced_at, last_at, last_status, last_duration_s, error, name"
)


def every(reader: Reader) -> list[SourceHealth]:
    """All sources, by name."""
    tables: dict[str, list[SourceTable]] = {}
    for source, table in _tables(reader.rows(f"{_TABLES} ORDER BY schema_name, name")):
        tables.setdefault(source, []).append(table)
    rows = reader.rows(f"SELECT {_COLUMNS} FROM sources ORDER BY name")  # noqa: S608 - constants
    return [_health(row, tables.get(row[9], ())) for row in rows]


def one(reader: Reader, name: str) -> SourceHealth | None:
    """One source, or None."""
    row = reader.row(f"SELECT {_COLUMNS} FROM sources WHERE name = :name", name=name)  # noqa: S608
    if row is None:
        return None
    found = reader.rows(f"{_TABLES} WHERE source = :name ORDER BY schema_name, name", name=name)
    return _health(row, [table for _, table in _tables(found)])


_TABLES: Final = "SELECT source, schema_name, name, rows, columns FROM source_tables"


def _tables(rows: list[tuple[Any, ...]]) -> list[tuple[str, SourceTable]]:
    return [
        (
            source,
            SourceTable(schema=schema, name=name, row_count=n, columns=_columns.decode(columns)),
        )
        for source, schema, name, n, columns in rows
    ]


def _health(row: tuple[Any, ...], tables: Any) -> SourceHealth:
    config, status, job, rows, synced_at, last_at, last_status, duration, error, _ = row
    return SourceHealth(
        config=_source.decode(config),
        status="empty" if status == "synced" and rows == 0 else status,
        job=job,
        row_count=rows,
        synced_at=datetime.fromisoformat(synced_at) if synced_at else None,
        last_at=datetime.fromisoformat(last_at) if last_at else None,
        last_status=last_status,
        last_duration_s=duration,
        error=error,
        tables=tuple(tables),
    )
