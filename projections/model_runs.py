"""Runs of models: what was asked for, what became of it, and of each model in it."""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from domain import model_runs
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table, stamp

RUNS: Final = Table(
    name="model_runs",
    columns={
        "job": "INTEGER NOT NULL",
        "status": "TEXT NOT NULL",  # queued, running, success, failed, cancelled, interrupted
        "asked": "TEXT NOT NULL",  # ModelsRunRequested as JSON, with what was added
        "requested_at": "TEXT NOT NULL",
        "requested_by": "TEXT NOT NULL",
        "started_at": "TEXT",
        "ended_at": "TEXT",
        "models": "INTEGER",
        "tests": "INTEGER",
        "failed": "TEXT NOT NULL",  # JSON array of names
        "error": "TEXT",
        "error_file": "TEXT",
        "error_line": "INTEGER",
        "snapshot": "INTEGER",
        "schedule_job": "INTEGER",  # whose run asked for it
    },
    key=("job",),
    indexes=("status", "schedule_job WHERE schedule_job IS NOT NULL"),
)
CAUSES: Final = Table(
    name="model_run_causes",
    columns={"sync": "INTEGER NOT NULL", "job": "INTEGER NOT NULL"},
    key=("sync", "job"),
)
RESULTS: Final = Table(
    name="model_results",
    columns={
        "position": "INTEGER NOT NULL",
        "job": "INTEGER NOT NULL",
        "model": "TEXT NOT NULL",
        "status": "TEXT NOT NULL",  # running, success, error, skipped
        "rows": "INTEGER",
        "duration_s": "REAL",
        "message": "TEXT",
        "file": "TEXT",
        "line": "INTEGER",
        "at": "TEXT NOT NULL",
    },
    key=("position",),
    grows="position",
    indexes=("job", "model"),
)
INTERRUPTED: Final = "The server stopped while models were being built."

_json: Final = msgspec.json.Encoder().encode
_request: Final = msgspec.json.Decoder(model_runs.ModelsRunRequested)
_names: Final = msgspec.json.Decoder(tuple[str, ...])


def _requested(rows: Rows, e: model_runs.ModelsRunRequested, r: Recorded) -> None:
    rows.put(
        RUNS,
        job=r.position,
        status="queued",
        asked=_json(e).decode(),
        requested_at=stamp(r.at),
        requested_by=r.actor,
        failed="[]",
        schedule_job=e.schedule_job,
        **dict.fromkeys(
            (
                "started_at",
                "ended_at",
                "models",
                "tests",
                "error",
                "error_file",
                "error_line",
                "snapshot",
            )
        ),
    )
    for sync in e.syncs:
        rows.put(CAUSES, sync=sync, job=r.position)


def _extended(rows: Rows, e: model_runs.ModelsRunExtended, _: Recorded) -> None:
    row = rows.get(RUNS, e.job)
    if row is None:
        return
    more = model_runs.extended(_request.decode(row["asked"]), e)
    rows.change(RUNS, e.job, asked=_json(more).decode())
    rows.put(CAUSES, sync=e.sync, job=e.job)


def _started(rows: Rows, e: model_runs.ModelsRunStarted, r: Recorded) -> None:
    rows.change(RUNS, e.job, status="running", started_at=stamp(r.at))


def _built(rows: Rows, e: model_runs.ModelsBuilt, r: Recorded) -> None:
    rows.change(
        RUNS,
        e.job,
        status="success",
        ended_at=stamp(r.at),
        models=e.models,
        tests=e.tests,
        snapshot=e.snapshot,
    )


def _failed(rows: Rows, e: model_runs.ModelsRunFailed, r: Recorded) -> None:
    rows.change(
        RUNS,
        e.job,
        status="failed",
        ended_at=stamp(r.at),
        failed=_json(e.failed).decode(),
        error=e.reason,
        error_file=e.file,
        error_line=e.line,
        snapshot=e.snapshot,
    )


def _cancelled(rows: Rows, e: model_runs.ModelsRunCancelled, r: Recorded) -> None:
    rows.change(RUNS, e.job, status="cancelled", ended_at=stamp(r.at))


def _interrupted(rows: Rows, e: model_runs.ModelsRunInterrupted, r: Recorded) -> None:
    rows.change(RUNS, e.job, status="interrupted", ended_at=stamp(r.at), error=INTERRUPTED)


def _model_started(rows: Rows, e: model_runs.ModelStarted, r: Recorded) -> None:
    rows.put(
        RESULTS,
        position=r.position,
        job=e.job,
        model=e.model,
        status="running",
        at=stamp(r.at),
        **dict.fromkeys(("rows", "duration_s", "message", "file", "line")),
    )


def _model_completed(rows: Rows, e: model_runs.ModelCompleted, r: Recorded) -> None:
    rows.put(
        RESULTS,
        position=r.position,
        job=e.job,
        model=e.model,
        status=e.status,
        rows=e.rows,
        duration_s=e.duration_s,
        message=e.message,
        file=e.file,
        line=e.line,
        at=stamp(r.at),
    )


PROJECTION: Final = Projection(
    name="model_runs",
    tables=(RUNS, CAUSES, RESULTS),
    on={
        model_runs.ModelsRunRequested: _requested,
        model_runs.ModelsRunExtended: _extended,
        model_runs.ModelsRunStarted: _started,
        model_runs.ModelsBuilt: _built,
        model_runs.ModelsRunFailed: _failed,
        model_runs.ModelsRunCancelled: _cancelled,
        model_runs.ModelsRunInterrupted: _interrupted,
        model_runs.ModelStarted: _model_started,
        model_runs.ModelCompleted: _model_completed,
    },
)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One job."""

    job: int
    status: str
    asked: model_runs.ModelsRunRequested
    requested_at: datetime
    requested_by: str
    started_at: datetime | None
    ended_at: datetime | None
    models: int | None
    tests: int | None
    failed: tuple[str, ...]
    error: str | None
    error_file: str | None
    error_line: int | None
    snapshot: int | None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one model in a run."""

    model: str
    status: str
    rows: int | None
    duration_s: float | None
    message: str | None
    file: str | None
    line: int | None


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """When one model was built in a run; it is still being built without an end."""

    model: str
    status: str
    began: datetime
    ended: datetime | None
    rows: int | None
    duration_s: float | None
    message: str | None


_SELECT: Final = (
    "SELECT job, status, asked, requested_at, requested_by, started_at, ended_at, models, tests,"
    " failed, error, error_file, error_line, snapshot FROM model_runs"
)


def one(reader: Reader, job: int) -> Run | None:
    """One job, or None."""
    row = reader.row(f"{_SELECT} WHERE job = :job", job=job)
    return None if row is None else _run(row)


def newest(reader: Reader, limit: int) -> list[Run]:
    """The newest jobs first."""
    rows = reader.rows(f"{_SELECT} ORDER BY job DESC LIMIT :limit", limit=limit)
    return [_run(row) for row in rows]


def of_sync(reader: Reader, sync: int) -> list[Run]:
    """What a sync led to, oldest first."""
    sql = f"{_SELECT} JOIN model_run_causes USING (job) WHERE sync = :sync ORDER BY job"
    return [_run(row) for row in reader.rows(sql, sync=sync)]


def of_schedule(reader: Reader, schedule_job: int) -> Run | None:
    """What a run of a schedule asked for, or None."""
    row = reader.row(f"{_SELECT} WHERE schedule_job = :job ORDER BY job", job=schedule_job)
    return None if row is None else _run(row)


def unended(reader: Reader) -> list[Run]:
    """All jobs that are queued or running, oldest first."""
    sql = f"{_SELECT} WHERE status IN ('queued', 'running') ORDER BY job"
    return [_run(row) for row in reader.rows(sql)]


def results(reader: Reader, job: int) -> list[Result]:
    """What became of each model, in the order in which they were begun."""
    sql = (
        "SELECT model, status, rows, duration_s, message, file, line FROM model_results"
        " WHERE job = :job ORDER BY position"
    )
    found: dict[str, Result] = {}
    for row in reader.rows(sql, job=job):
        result = Result(**dict(zip(Result.__struct_fields__, row, strict=True)))
        found[result.model] = result
    return list(found.values())


def of_model(reader: Reader, model: str, limit: int) -> list[tuple[str, float | None]]:
    """How the newest builds of a model ended, and how long each took; the oldest first."""
    rows = reader.rows(
        "SELECT status, duration_s FROM model_results"
        " WHERE model = :model AND status != 'running' ORDER BY position DESC LIMIT :limit",
        model=model,
        limit=limit,
    )
    return [(status, took_s) for status, took_s in reversed(rows)]


def spans(reader: Reader, job: int) -> list[Span]:
    """When each model was built, in the order in which they were begun.

    What is told of a model's end has how long it took; when it was told to begin is less exact.
    """
    sql = (
        'SELECT model, status, at, "rows", duration_s, message FROM model_results'
        " WHERE job = :job ORDER BY position"
    )
    found: dict[str, Span] = {}
    for model, status, told, rows, duration_s, message in reader.rows(sql, job=job):
        at = datetime.fromisoformat(told)
        running = status == "running"
        found[model] = Span(
            model=model,
            status=status,
            began=at - timedelta(seconds=duration_s or 0.0),
            ended=None if running else at,
            rows=rows,
            duration_s=duration_s,
            message=message,
        )
    return sorted(found.values(), key=lambda span: (span.began, span.model))


def _run(row: tuple[Any, ...]) -> Run:
    values = dict(zip(Run.__struct_fields__, row, strict=True))
    values["asked"] = _request.decode(values["asked"])
    values["failed"] = _names.decode(values["failed"])
    return msgspec.convert(values, Run, strict=False)
