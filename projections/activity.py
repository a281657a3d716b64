"""The activity log: what happened to sources and the platform, in words."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from domain import initial_syncs, secrets, sources, syncs, upkeep, uploads
from domain.datasets import Drift
from domain.kernel import Event, Recorded
from projections.engine import Apply, Projection, Reader, Rows, Table, stamp

LEVELS: Final = ("info", "success", "warning", "error")
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
    indexes=("source, position",),
)

Words = Callable[[Any], tuple[str, str]]  # event -> level, message

WORDS: Final[Mapping[type[Event], Words]] = {
    sources.SourceRegistered: lambda e: ("info", f"Source {e.source} was added"),
    sources.SourceReconfigured: lambda e: (
        "info",
        f"Source {e.source} was changed: {', '.join(e.changed)}",
    ),
    sources.SourceRemoved: lambda e: ("info", f"Source {e.source} was removed"),
    sources.ConfigurationRefused: lambda e: (
        "error",
        f"{e.file} cannot be read{_place(e.line, e.column)}: {e.reason}",
    ),
    sources.ConfigurationAccepted: lambda e: ("info", f"{e.file} reads well again"),
    secrets.SecretSet: lambda e: ("info", f"Secret {e.variable} was set"),
    secrets.SecretRemoved: lambda e: ("warning", f"Secret {e.variable} was removed"),
    secrets.SecretsImported: lambda e: (
        "info",
        f"{len(e.variables)} secrets were taken over from {e.file}",
    ),
    syncs.SyncRequested: lambda e: ("info", f"Sync requested for {', '.join(e.sources)}"),
    syncs.SyncStarted: lambda e: ("info", f"Starting sync for {e.source}"),
    syncs.SyncCompleted: lambda e: (
        "warning" if e.refused_count else "success",
        f"Sync of {e.source} completed: {e.rows} rows{_took(e.duration_s)}"
        + (f", {e.refused_count} files refused" if e.refused_count else ""),
    ),
    syncs.ColumnsDrifted: lambda e: ("warning", _drifted(e.source, e.drift)),
    syncs.SourceRolledBack: lambda e: (
        "warning",
        f"{e.source} was rolled back to before job {e.undone}",
    ),
    syncs.SyncFailed: lambda e: ("error", f"Sync of {e.source} failed: {e.reason}"),
    syncs.SyncCancelRequested: lambda e: ("info", f"Cancelling sync of {e.source}"),
    syncs.SyncCancelled: lambda e: ("warning", f"Sync of {e.source} was cancelled"),
    syncs.SyncInterrupted: lambda e: (
        "warning",
        f"Sync of {e.source} was interrupted: the server stopped",
    ),
    syncs.FileFormatFound: lambda e: ("info", f"How the files of {e.table} are written was found"),
    initial_syncs.DeployTokenIssued: lambda _: ("info", "A deploy token was made"),
    initial_syncs.InitialSyncStarted: lambda e: (
        "info",
        f"Initial sync of {len(e.sources)} sources",
    ),
    initial_syncs.InitialSyncCancelled: lambda _: ("warning", "Initial sync was cancelled"),
    initial_syncs.InitialSourceSkipped: lambda e: ("warning", f"Source {e.source} was skipped"),
    uploads.CsvUploaded: lambda e: (
        "info",
        f"File {e.file} was uploaded for {e.source}: {e.size_bytes} bytes",
    ),
    uploads.CsvDeleted: lambda e: ("info", f"File {e.file} of {e.source} was deleted"),
    upkeep.MaintenanceStarted: lambda _: ("info", "Maintaining the warehouse"),
    upkeep.MaintenanceCompleted: lambda e: (
        "success",
        f"Warehouse maintained: {e.files_merged} files merged, {e.files_removed} removed",
    ),
    upkeep.MaintenanceFailed: lambda e: ("error", f"Warehouse maintenance failed: {e.reason}"),
}


def _drifted(source: str, drift: Drift) -> str:
    parts = (
        ("new", tuple(column.name for column in drift.added)),
        ("missing", drift.missing),
        ("of another type", tuple(column.name for column in drift.retyped)),
    )
    told = "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names)
    return f"Columns of {source} ({drift.table}) drifted: {told}"


def _took(duration_s: float | None) -> str:
    return "" if duration_s is None else f" in {duration_s:.1f} s"


def _place(line: int | None, column: int | None) -> str:
    return "" if line is None else f", line {line}, column {column}"


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
    return (getattr(event, "source", "platform"),)


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
) -> list[Entry]:
    """The newest entries first, of one source or of all, of one level or of all."""
    given = {
        "source": source,
        "level": level,
        "at": None if since is None else _at(since),
    }
    values = {name: value for name, value in given.items() if value is not None}
    tests = {"source": "source = :source", "level": "level = :level", "at": "at >= :at"}
    where = " AND ".join(tests[name] for name in values)
    where = f"WHERE {where}" if where else ""
    sql = (
        f"SELECT position, at, level, source, message FROM logs {where}"  # noqa: S608 - constants
        " ORDER BY position DESC, source LIMIT :limit"
    )
    return [Entry(*row) for row in reader.rows(sql, limit=limit, **values)]
