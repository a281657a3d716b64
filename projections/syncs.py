"""Jobs and their runs: what was asked for, what became of it."""

from datetime import datetime
from typing import Any, Final

import msgspec

from domain import syncs
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table

RUNS: Final = Table(
    name="runs",
    columns={
        "job": "INTEGER NOT NULL",
        "source": "TEXT NOT NULL",
        "status": "TEXT NOT NULL",  # queued, running, success, failed, cancelled, interrupted
        "full_refresh": "INTEGER NOT NULL",
        "start_date": "TEXT",
        "requested_at": "TEXT NOT NULL",
        "requested_by": "TEXT NOT NULL",
        "started_at": "TEXT",
        "schema_name": "TEXT",  # where it may write, from its start on
        "table_name": "TEXT",
        "ended_at": "TEXT",
        "rows": "INTEGER",
        "total_rows": "INTEGER",
        "snapshot": "INTEGER",
        "error": "TEXT",
        "error_file": "TEXT",
        "error_line": "INTEGER",
    },
    key=("job", "source"),
    indexes=("source, job", "status"),
)


def _requested(rows: Rows, e: syncs.SyncRequested, r: Recorded) -> None:
    for source in e.sources:
        rows.put(
            RUNS,
            job=r.position,
            source=source,
            status="queued",
            full_refresh=int(e.full_refresh),
            start_date=e.start_date,
            requested_at=r.at.isoformat(),
            requested_by=r.actor,
            started_at=None,
            schema_name=None,
            table_name=None,
            ended_at=None,
            rows=None,
            total_rows=None,
            snapshot=None,
            error=None,
            error_file=None,
            error_line=None,
        )


def _started(rows: Rows, e: syncs.SyncStarted, r: Recorded) -> None:
    rows.change(
        RUNS,
        (e.job, e.source),
        status="running",
        started_at=r.at.isoformat(),
        schema_name=e.schema,
        table_name=e.table,
    )


def _completed(rows: Rows, e: syncs.SyncCompleted, r: Recorded) -> None:
    rows.change(
        RUNS,
        (e.job, e.source),
        status="success",
        ended_at=r.at.isoformat(),
        rows=e.rows,
        total_rows=sum(table.row_count for table in e.tables),
        snapshot=e.snapshot,
    )


def _failed(rows: Rows, e: syncs.SyncFailed, r: Recorded) -> None:
    rows.change(
        RUNS,
        (e.job, e.source),
        status="failed",
        ended_at=r.at.isoformat(),
        error=e.reason,
        error_file=e.file,
        error_line=e.line,
    )


def _cancelled(rows: Rows, e: syncs.SyncCancelled, r: Recorded) -> None:
    rows.change(RUNS, (e.job, e.source), status="cancelled", ended_at=r.at.isoformat())


def _interrupted(rows: Rows, e: syncs.SyncInterrupted, r: Recorded) -> None:
    rows.change(
        RUNS,
        (e.job, e.source),
        status="interrupted",
        ended_at=r.at.isoformat(),
        error="The server stopped while the sync was running.",
    )


PROJECTION: Final = Projection(
    name="syncs",
    tables=(RUNS,),
    on={
        syncs.SyncRequested: _requested,
        syncs.SyncStarted: _started,
        syncs.SyncCompleted: _completed,
        syncs.SyncFailed: _failed,
        syncs.SyncCancelled: _cancelled,
        syncs.SyncInterrupted: _interrupted,
    },
)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One source's part of a job."""

    job: int
    source: str
    status: str
    full_refresh: bool
    start_date: str | None
    requested_at: datetime
    requested_by: str
    started_at: datetime | None
    schema_name: str | None
    table_name: str | None
    ended_at: datetime | None
    rows: int | None
    total_rows: int | None
    snapshot: int | None
    error: str | None
    error_file: str | None
    error_line: int | None


_COLUMNS: Final = ", ".join(RUNS.columns)
_SELECT: Final = f"SELECT {_COLUMNS} FROM runs"  # noqa: S608 - built of constants


def of_job(reader: Reader, job: int) -> list[Run]:
    """The runs of a job, by source; empty when there is no such job."""
    return [
        _run(row) for row in reader.rows(f"{_SELECT} WHERE job = :job ORDER BY source", job=job)
    ]


def of_source(reader: Reader, source: str, limit: int) -> list[Run]:
    """The runs of a source, newest first."""
    sql = f"{_SELECT} WHERE source = :source ORDER BY job DESC LIMIT :limit"
    return [_run(row) for row in reader.rows(sql, source=source, limit=limit)]


def unended(reader: Reader) -> list[Run]:
    """All runs that are queued or running, oldest first."""
    sql = f"{_SELECT} WHERE status IN ('queued', 'running') ORDER BY job, source"
    return [_run(row) for row in reader.rows(sql)]


def job_status(runs: list[Run]) -> str:
    """One word for all runs of a job: the worst of those that ended, once all have."""
    states = {run.status for run in runs}
    if "running" in states or (states & {"queued"} and states != {"queued"}):
        return "running"
    for state in ("queued", "failed", "interrupted", "cancelled"):
        if state in states:
            return state
    return "success"


def _run(row: tuple[Any, ...]) -> Run:
    return msgspec.convert(dict(zip(RUNS.columns, row, strict=True)), Run, strict=False)
