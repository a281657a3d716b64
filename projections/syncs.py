"""Jobs and their runs: what was asked for, what became of it."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

import msgspec

from domain import syncs
from domain.datasets import RefusedFile
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table, stamp

# What happens to a run are three facts, each written once: what it is follows from which are there.
RUNS: Final = Table(
    name="runs",
    columns={
        "job": "INTEGER NOT NULL",
        "source": "TEXT NOT NULL",
        "full_refresh": "INTEGER NOT NULL",
        "start_date": "TEXT",
        "requested_at": "TEXT NOT NULL",
        "requested_by": "TEXT NOT NULL",
        "schedule": "TEXT",  # what asked for it, if one did
    },
    key=("job", "source"),
    grows="job",
    indexes=("source, job",),
)
STARTS: Final = Table(
    name="run_starts",
    columns={
        "position": "INTEGER NOT NULL",
        "job": "INTEGER NOT NULL",
        "source": "TEXT NOT NULL",
        "started_at": "TEXT NOT NULL",
        "schema_name": "TEXT",  # where it may write
        "table_name": "TEXT",
    },
    key=("job", "source", "position"),
    grows="position",
)
ENDS: Final = Table(
    name="run_ends",
    columns={
        "position": "INTEGER NOT NULL",
        "job": "INTEGER NOT NULL",
        "source": "TEXT NOT NULL",
        "status": "TEXT NOT NULL",  # success, failed, cancelled, interrupted
        "ended_at": "TEXT NOT NULL",
        "rows": "INTEGER",
        "total_rows": "INTEGER",
        "snapshot": "INTEGER",
        "error": "TEXT",
        "error_file": "TEXT",
        "error_line": "INTEGER",
    },
    key=("job", "source", "position"),
    grows="position",
)
OPEN: Final = Table(
    name="open_runs",
    columns={"job": "INTEGER NOT NULL", "source": "TEXT NOT NULL"},
    key=("job", "source"),
)
_Ended = syncs.SyncCompleted | syncs.SyncFailed | syncs.SyncCancelled | syncs.SyncInterrupted
INTERRUPTED: Final = "The server stopped while the sync was running."


def _requested(rows: Rows, e: syncs.SyncRequested, r: Recorded) -> None:
    for source in dict.fromkeys(e.sources):
        rows.put(
            RUNS,
            job=r.position,
            source=source,
            full_refresh=int(e.full_refresh),
            start_date=e.start_date,
            requested_at=stamp(r.at),
            requested_by=r.actor,
            schedule=e.schedule,
        )
        rows.add(OPEN, job=r.position, source=source)


def _started(rows: Rows, e: syncs.SyncStarted, r: Recorded) -> None:
    rows.put(
        STARTS,
        position=r.position,
        job=e.job,
        source=e.source,
        started_at=stamp(r.at),
        schema_name=e.schema,
        table_name=e.table,
    )


def _ended(
    rows: Rows,
    e: _Ended,
    r: Recorded,
    status: str,
    *,
    error: str | None = None,
    at: syncs.SyncFailed | RefusedFile | None = None,
) -> None:
    done = e if isinstance(e, syncs.SyncCompleted) else None
    rows.put(
        ENDS,
        position=r.position,
        job=e.job,
        source=e.source,
        status=status,
        ended_at=stamp(r.at),
        rows=done and done.rows,
        total_rows=done and sum([table.row_count for table in done.tables]),
        snapshot=done and done.snapshot,
        error=error,
        error_file=at and at.file,
        error_line=at and at.line,
    )
    rows.remove(OPEN, job=e.job, source=e.source)


def _completed(rows: Rows, e: syncs.SyncCompleted, r: Recorded) -> None:
    if e.refused:
        _ended(rows, e, r, "success", error=syncs.left_out(e), at=e.refused[0])
    else:
        _ended(rows, e, r, "success")


def _failed(rows: Rows, e: syncs.SyncFailed, r: Recorded) -> None:
    _ended(rows, e, r, "failed", error=e.reason, at=e)


def _cancelled(rows: Rows, e: syncs.SyncCancelled, r: Recorded) -> None:
    _ended(rows, e, r, "cancelled")


def _interrupted(rows: Rows, e: syncs.SyncInterrupted, r: Recorded) -> None:
    _ended(rows, e, r, "interrupted", error=INTERRUPTED)


PROJECTION: Final = Projection(
    name="syncs",
    tables=(RUNS, STARTS, ENDS, OPEN),
    on={
        syncs.SyncRequested: _requested,
        syncs.SyncStarted: _started,
        syncs.SyncCompleted: _completed,
        syncs.SyncFailed: _failed,
        syncs.SyncCancelled: _cancelled,
        syncs.SyncInterrupted: _interrupted,
    },
)


def published_at(reader: Reader, source: str, jobs: Iterable[int]) -> dict[int, datetime]:
    """When these jobs published what they had read of a source."""
    found = reader.rows(
        "SELECT job, max(ended_at) FROM run_ends WHERE source = :source AND status = 'success'"
        " AND job IN (SELECT value FROM json_each(:jobs)) GROUP BY job",
        source=source,
        jobs=msgspec.json.encode(sorted(set(jobs))).decode(),
    )
    return {job: datetime.fromisoformat(at) for job, at in found}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One source's part of a job."""

    job: int
    source: str
    status: str
    full_refresh: bool
    start_date: str | None
    requested_at: datetime
    requested_by: str
    schedule: str | None
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


_SELECT: Final = """
SELECT r.job, r.source,
       coalesce(e.status, iif(s.position IS NULL, 'queued', 'running')) AS status,
       r.full_refresh, r.start_date, r.requested_at, r.requested_by, r.schedule,
       s.started_at, s.schema_name, s.table_name,
       e.ended_at, e.rows, e.total_rows, e.snapshot, e.error, e.error_file, e.error_line
FROM runs r
LEFT JOIN run_starts s ON s.job = r.job AND s.source = r.source AND s.position = (
  SELECT max(position) FROM run_starts l WHERE l.job = r.job AND l.source = r.source)
LEFT JOIN run_ends e ON e.job = r.job AND e.source = r.source AND e.position = (
  SELECT max(position) FROM run_ends l WHERE l.job = r.job AND l.source = r.source)
"""


def of_job(reader: Reader, job: int) -> list[Run]:
    """The runs of a job, by source; empty when there is no such job."""
    return [
        _run(row) for row in reader.rows(f"{_SELECT} WHERE r.job = :job ORDER BY r.source", job=job)
    ]


def of_source(reader: Reader, source: str, limit: int) -> list[Run]:
    """The runs of a source, newest first."""
    sql = f"{_SELECT} WHERE r.source = :source ORDER BY r.job DESC LIMIT :limit"
    return [_run(row) for row in reader.rows(sql, source=source, limit=limit)]


class Day(msgspec.Struct, frozen=True):
    """How the runs of a source ended on one day, in UTC: its date, and how many each way."""

    day: date
    succeeded: int
    failed: int


def days(reader: Reader, source: str, since: date) -> list[Day]:
    """The days on which runs of a source ended, the oldest first."""
    sql = (
        "SELECT substr(e.ended_at, 1, 10) AS day, sum(e.status = 'success'),"
        " sum(e.status IN ('failed', 'interrupted'))"
        " FROM runs r JOIN run_ends e ON e.job = r.job AND e.source = r.source"
        " WHERE r.source = :source AND e.ended_at >= :since AND e.position = ("
        "SELECT max(position) FROM run_ends l WHERE l.job = r.job AND l.source = r.source)"
        " GROUP BY day ORDER BY day"
    )
    rows = reader.rows(sql, source=source, since=since.isoformat())
    return [Day(date.fromisoformat(day), good, bad) for day, good, bad in rows]


def unended(reader: Reader) -> list[Run]:
    """All runs that are queued or running, oldest first."""
    sql = f"{_SELECT} JOIN open_runs USING (job, source) ORDER BY r.job, r.source"
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
    return msgspec.convert(dict(zip(Run.__struct_fields__, row, strict=True)), Run, strict=False)
