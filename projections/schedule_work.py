"""What runs of schedules led to: their syncs, and the models that follow from those."""

from typing import Final

import msgspec

from domain import model_runs, syncs
from domain.kernel import Recorded
from projections.engine import Rows, Table

RUNS: Final = Table(
    name="schedule_runs",
    columns={
        "job": "INTEGER NOT NULL",  # of a moment without a run: the position that tells of it
        "schedule": "TEXT NOT NULL",
        "manual": "INTEGER NOT NULL",
        "due_at": "TEXT NOT NULL",
        # due, running, skipped, missed, partial (loaded, but models failed), or how it ended
        "status": "TEXT NOT NULL",
        "started_at": "TEXT NOT NULL",
        "ended_at": "TEXT",
        "attempts": "INTEGER NOT NULL",
        "sources": "TEXT",  # JSON
        "rows": "INTEGER",
        "error": "TEXT",
        "duration_s": "REAL",
        "cancelling": "INTEGER NOT NULL",
        "models_error": "TEXT",  # why models failed that follow from its syncs
    },
    key=("job",),
    indexes=("schedule, job", "job WHERE ended_at IS NULL"),
)
SYNCS: Final = Table(
    name="schedule_syncs",
    columns={
        "sync": "INTEGER NOT NULL",
        "source": "TEXT NOT NULL",
        "job": "INTEGER NOT NULL",  # the run that led to it
        "status": "TEXT NOT NULL",
        "again": "INTEGER NOT NULL",  # it failed, and another one follows by itself
        "rows": "INTEGER",
        "error": "TEXT",
    },
    key=("sync", "source"),
    indexes=("job, sync",),
)
MODELS: Final = Table(
    name="schedule_models",
    columns={
        "models": "INTEGER NOT NULL",  # a run of models
        "jobs": "TEXT NOT NULL",  # JSON array of the runs whose syncs it follows from
    },
    key=("models",),
)
MODELS_FAILED: Final = "Loaded, but models failed: {}"

_encode: Final = msgspec.json.Encoder().encode
_jobs: Final = msgspec.json.Decoder(tuple[int, ...])


def requested(rows: Rows, e: syncs.SyncRequested, r: Recorded) -> None:
    if e.schedule_job is not None:
        for source in dict.fromkeys(e.sources):
            rows.put(
                SYNCS,
                sync=r.position,
                source=source,
                job=e.schedule_job,
                status="queued",
                again=0,
                rows=None,
                error=None,
            )


def syncing(rows: Rows, e: syncs.SyncStarted, _: Recorded) -> None:
    rows.change(SYNCS, (e.job, e.source), status="running")


def synced(rows: Rows, e: syncs.SyncCompleted, _: Recorded) -> None:
    rows.change(SYNCS, (e.job, e.source), status="success", rows=e.rows)


def failed(rows: Rows, e: syncs.SyncFailed, _: Recorded) -> None:
    again = int(syncs.pause_s(e) is not None)
    rows.change(SYNCS, (e.job, e.source), status="failed", again=again, error=e.reason)


def stopped(rows: Rows, e: syncs.SyncCancelled, _: Recorded) -> None:
    rows.change(SYNCS, (e.job, e.source), status="cancelled")


def interrupted(rows: Rows, e: syncs.SyncInterrupted, _: Recorded) -> None:
    again = int(e.retry < syncs.RETRIES_MAX)
    rows.change(SYNCS, (e.job, e.source), status="interrupted", again=again)


def followed(rows: Rows, e: model_runs.ModelsRunRequested, r: Recorded) -> None:
    for sync in e.syncs:
        for source in e.sources:
            _follows(rows, r.position, (sync, source))


def extended(rows: Rows, e: model_runs.ModelsRunExtended, _: Recorded) -> None:
    _follows(rows, e.job, (e.sync, e.source))


def _follows(rows: Rows, models: int, sync: tuple[int, str]) -> None:
    found, row = rows.get(SYNCS, sync), rows.get(MODELS, models)
    if found is not None:
        known = () if row is None else _jobs.decode(row["jobs"])
        jobs = tuple(dict.fromkeys((*known, found["job"])))
        rows.put(MODELS, models=models, jobs=_encode(jobs).decode())


def models_failed(rows: Rows, e: model_runs.ModelsRunFailed, _: Recorded) -> None:
    """A run whose sources are loaded stays one that ended well; what failed is said beside it."""
    row = rows.get(MODELS, e.job)
    for job in () if row is None else _jobs.decode(row["jobs"]):
        told, run = MODELS_FAILED.format(e.reason), rows.get(RUNS, job)
        rows.change(RUNS, job, models_error=told)
        if run is not None and run["status"] == "success":
            rows.change(RUNS, job, status="partial", error=told)
