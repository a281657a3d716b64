"""The sources and what is known of each: configuration, tables, last runs, freshness."""

import functools
from datetime import datetime
from typing import Any, Final

import msgspec

from domain import inputs, model_runs, sources, syncs
from domain.datasets import Column, Format
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table, stamp

SOURCES: Final = Table(
    name="sources",
    columns={
        "name": "TEXT NOT NULL",
        "config": "TEXT NOT NULL",  # domain.sources.Source as JSON
    },
    key=("name",),
    few=True,
)
# What changes at each run is apart from what seldom does: each change keeps the row before it. That
# it waits or runs, since when and for which job, is told by the runs.
STATES: Final = Table(
    name="source_states",
    columns={
        "name": "TEXT NOT NULL",
        "born": "INTEGER NOT NULL",  # the position of its registration; older runs are not its own
        "status": "TEXT NOT NULL",  # not_synced, synced, partial, failed: how the last run left it
        "row_counts": "TEXT NOT NULL",  # JSON: of each table, in the order of its schema
        "synced_at": "TEXT",  # when its data was last published
        "last_status": "TEXT",
        "last_duration_s": "REAL",
        "error": "TEXT",
    },
    key=("name",),
    few=True,
)
SCHEMAS: Final = Table(
    name="source_schemas",
    columns={
        "name": "TEXT NOT NULL",
        "tables": "TEXT NOT NULL",  # JSON array of _TableSchema
    },
    key=("name",),
    few=True,
)
FORMATS: Final = Table(
    name="source_formats",
    columns={
        "name": "TEXT NOT NULL",
        "formats": "TEXT NOT NULL",  # JSON object of domain.datasets.Format, by table
    },
    key=("name",),
    few=True,
)
REFUSALS: Final = Table(
    name="refused_files",
    columns={
        "file": "TEXT NOT NULL",
        "reason": "TEXT NOT NULL",
        "line": "INTEGER",
        "at": "TEXT NOT NULL",
    },
    key=("file",),
    few=True,
)
PUBLICATIONS: Final = Table(
    name="publications",
    columns={"position": "INTEGER NOT NULL", "snapshot": "INTEGER NOT NULL"},
    key=("position",),
    grows="position",
    indexes=("snapshot",),
)

_json: Final = msgspec.json.Encoder().encode
_source: Final = msgspec.json.Decoder(sources.Source)
_counts: Final = msgspec.json.Decoder(list[int])


class _TableSchema(msgspec.Struct, frozen=True):
    schema: str
    name: str
    columns: tuple[Column, ...]


_formats: Final = msgspec.json.Decoder(dict[str, Format])
_schemas: Final = msgspec.json.Decoder(list[_TableSchema])


def _text(value: Any) -> str:
    return _json(value).decode()


def _registered(rows: Rows, e: sources.SourceRegistered, r: Recorded) -> None:
    rows.put(SOURCES, name=e.source, config=_text(e.config))
    rows.put(
        STATES,
        name=e.source,
        born=r.position,
        status="not_synced",
        row_counts="[]",
        synced_at=None,
        last_status=None,
        last_duration_s=None,
        error=None,
    )


def _reconfigured(rows: Rows, e: sources.SourceReconfigured, _: Recorded) -> None:
    rows.put(SOURCES, name=e.source, config=_text(e.config))


def _removed(rows: Rows, e: sources.SourceRemoved, _: Recorded) -> None:
    for table in (SOURCES, STATES, SCHEMAS, FORMATS):
        rows.remove(table, name=e.source)


def _completed(rows: Rows, e: syncs.SyncCompleted, r: Recorded) -> None:
    rows.put(PUBLICATIONS, position=r.position, snapshot=e.snapshot)
    there = rows.change(
        STATES,
        e.source,
        status="partial" if e.refused_count else "synced",
        row_counts=_text([table.row_count for table in e.tables]),
        synced_at=stamp(r.at),
        last_status="success",
        last_duration_s=e.duration_s,
        error=syncs.left_out(e),
    )
    if not there:
        return  # it was taken out of the configuration while its sync was running
    schemas = [_TableSchema(table.schema, table.name, table.columns) for table in e.tables]
    rows.put(SCHEMAS, name=e.source, tables=_text(schemas))


def _format_found(rows: Rows, e: inputs.FileFormatFound, _: Recorded) -> None:
    before = rows.get(FORMATS, e.source)
    known = {} if before is None else _formats.decode(before["formats"])
    rows.put(FORMATS, name=e.source, formats=_text({**known, e.table: e.found}))


def _built(rows: Rows, e: model_runs.ModelCompleted, r: Recorded) -> None:
    if e.snapshot is not None:
        rows.put(PUBLICATIONS, position=r.position, snapshot=e.snapshot)


def _failed(rows: Rows, e: syncs.SyncFailed, _: Recorded) -> None:
    rows.change(
        STATES,
        e.source,
        status="failed",
        last_status="failed",
        last_duration_s=e.duration_s,
        error=e.reason,
    )


def _stopped(rows: Rows, e: syncs.SyncCancelled | syncs.SyncInterrupted, _: Recorded) -> None:
    row = rows.get(STATES, e.source)
    if row is None:
        return
    last = "cancelled" if isinstance(e, syncs.SyncCancelled) else "interrupted"
    status = "not_synced" if row["synced_at"] is None else "synced"
    rows.change(STATES, e.source, status=status, last_status=last, last_duration_s=None)


def _refused(rows: Rows, e: sources.ConfigurationRefused, r: Recorded) -> None:
    rows.put(REFUSALS, file=e.file, reason=e.reason, line=e.line, at=stamp(r.at))


def _accepted(rows: Rows, e: sources.ConfigurationAccepted, _: Recorded) -> None:
    rows.remove(REFUSALS, file=e.file)


PROJECTION: Final = Projection(
    name="sources",
    tables=(SOURCES, STATES, SCHEMAS, FORMATS, REFUSALS, PUBLICATIONS),
    on={
        sources.SourceRegistered: _registered,
        sources.SourceReconfigured: _reconfigured,
        sources.SourceRemoved: _removed,
        sources.ConfigurationRefused: _refused,
        sources.ConfigurationAccepted: _accepted,
        syncs.SyncCompleted: _completed,
        inputs.FileFormatFound: _format_found,
        syncs.SyncFailed: _failed,
        syncs.SyncCancelled: _stopped,
        syncs.SyncInterrupted: _stopped,
        model_runs.ModelCompleted: _built,
    },
)


class SourceTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table that a source filled."""

    schema: str
    name: str
    row_count: int
    columns: tuple[Column, ...]


class SourceHealth(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A source as it stands.

    The same row gives the same object: what is made of it is known by it.
    """

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


BUSY: Final = frozenset({"queued", "syncing"})  # states of a source that has an open run
ROWS_KEPT_MAX: Final = 1_000  # as they are read; few change from one look to the next
READ: Final = (
    *("sources", "source_states", "source_schemas", "model_faults", "attention_marks"),
    *("runs", "run_starts", "run_ends"),
)
# The newest job of a source that waits or runs makes its status.
_SELECT: Final = """
SELECT config,
  CASE
    WHEN job IS NULL THEN status
    WHEN EXISTS (SELECT 1 FROM run_ends e WHERE e.job = s.job AND e.source = s.name) THEN status
    WHEN EXISTS (SELECT 1 FROM run_starts b WHERE b.job = s.job AND b.source = s.name)
      THEN 'syncing'
    ELSE 'queued'
  END,
  job, row_counts, synced_at,
  (SELECT b.started_at FROM runs r JOIN run_starts b ON b.job = r.job AND b.source = r.source
    WHERE r.source = s.name AND r.job > s.born ORDER BY r.job DESC, b.position DESC LIMIT 1),
  last_status, last_duration_s, error, tables,
  (SELECT min(model) FROM model_faults f WHERE f.source = s.name),
  EXISTS (SELECT 1 FROM attention_marks a WHERE a.source = s.name AND a.kind = 'stale')
FROM (SELECT *, (SELECT max(r.job) FROM runs r WHERE r.source = name AND r.job > born) AS job
  FROM source_states) s
JOIN sources USING (name) LEFT JOIN source_schemas USING (name)
"""


def every(reader: Reader) -> tuple[SourceHealth, ...]:
    """All sources, by name; kept until one of them changes."""
    return reader.kept(READ, _every) or ()


def _every(reader: Reader) -> tuple[SourceHealth, ...]:
    return tuple(_health(row) for row in reader.rows(f"{_SELECT} ORDER BY name"))


def one(reader: Reader, name: str) -> SourceHealth | None:
    """One source, or None."""
    row = reader.row(f"{_SELECT} WHERE name = :name", name=name)
    return None if row is None else _health(row)


@functools.lru_cache(maxsize=ROWS_KEPT_MAX)
def _health(row: tuple[Any, ...]) -> SourceHealth:
    config, status, job, row_counts, synced_at, last_at, *rest = row
    last_status, duration, error, tables, fault, stale = rest
    counts = _counts.decode(row_counts)
    schemas = _schemas.decode(tables) if tables else []
    rows = sum(counts) if synced_at else None
    if status == "synced" and rows == 0:
        status = "empty"
    elif status in ("synced", "partial") and fault is not None:
        told = f"The data is there, but model '{fault}' or a test of it failed."
        status, error = "partial", f"{error} {told}" if status == "partial" else told
    if stale and status in ("synced", "empty"):
        status = "stale"
    return SourceHealth(
        config=_source.decode(config),
        status=status,
        job=job,
        row_count=rows,
        synced_at=datetime.fromisoformat(synced_at) if synced_at else None,
        last_at=datetime.fromisoformat(last_at) if last_at else None,
        last_status=last_status,
        last_duration_s=duration,
        error=error,
        tables=tuple(
            SourceTable(schema=t.schema, name=t.name, row_count=count, columns=t.columns)
            for t, count in zip(schemas, counts, strict=True)
        ),
    )


def formats(reader: Reader, name: str) -> dict[str, Format]:
    """What was found out about the files of a source, by table."""
    row = reader.row("SELECT formats FROM source_formats WHERE name = :name", name=name)
    return _formats.decode(row[0]) if row else {}


def refusal(reader: Reader) -> str | None:
    """What configuration file is refused, and where; None while all of them are in force."""
    row = reader.row("SELECT file, line, reason FROM refused_files ORDER BY file LIMIT 1")
    if row is None:
        return None
    file, line, reason = row
    place = "" if line is None else f" at line {line}"
    return f"{file} is refused{place} ({reason}); the last good one is in force."


def snapshot(reader: Reader) -> int | None:
    """The warehouse's newest commit that was published by then; None before the first.

    The newest, not the one that was told last: two loads can commit in one order and be recorded in
    the other.
    """
    row = reader.row("SELECT snapshot FROM publications ORDER BY snapshot DESC LIMIT 1")
    return int(row[0]) if row else None


def schemas(reader: Reader) -> dict[str, str]:
    """Whose each schema is: of the sources' configuration, and of the tables that they filled."""
    found: dict[str, str] = {}
    for health in every(reader):
        found.update({table.schema: health.config.name for table in health.tables})
        found[health.config.schema] = health.config.name
    return found
