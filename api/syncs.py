"""Asking for syncs, looking how far they are, stopping them."""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec

from api import model_runs
from api.call import Call
from api.errors import invalid
from commands.ports import Progress
from commands.syncs import CancelSync, RequestSync
from domain.source_types.table import TYPES
from domain.syncs import SyncCancelRequested, SyncMissing
from projections import model_runs as built
from projections import sources, syncs

SOURCES_MAX: Final = 1_000
BACKFILL_DAYS_MAX: Final = 36_500
_SPAN: Final = re.compile(r"([0-9]{1,5})([dwm])", re.ASCII)
_DAYS: Final = {"d": 1, "w": 7, "m": 30}


class SyncBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a sync of one source may be told."""

    full_refresh: bool = False
    start_date: str | None = None
    end_date: str | None = None
    allow_empty_replace: bool | None = None


class SyncAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A sync was asked for; `job_id` is what its status and its cancelling are asked by."""

    success: bool
    message: str
    source_name: str
    started_at: datetime
    job_id: int


class TriggerBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which sources to sync as one job."""

    sources: list[str]
    full_refresh: bool = False
    backfill: str | None = None
    allow_empty_replace: bool | None = None


class TriggerAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The job."""

    job_id: int
    sources: list[str]
    status: str


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """One source of a job."""

    source: str
    status: str
    started_at: datetime | None
    ended_at: datetime | None
    rows: int | None
    snapshot: int | None
    error: str | None
    file: str | None
    line: int | None
    progress: Progress | None


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """A job: the fields of the reference, and each source's part beside them."""

    id: int
    schedule_name: str
    sources: list[str]
    started_at: datetime
    ended_at: datetime | None
    status: str
    error: str | None
    duration_seconds: float | None
    rows_processed: int | None
    requested_by: str
    runs: list[RunView]


async def sync_source(call: Call, source_name: str, data: SyncBody | None = None) -> SyncAnswer:
    """Trigger a sync of one source."""
    body = data or SyncBody()
    start, end = _date("start_date", body.start_date), _date("end_date", body.end_date)
    if start is not None and end is not None and start > end:
        raise invalid("end_date", "is before start_date")
    if (start or end) is not None:
        _ranged(call, (source_name,), "start_date" if start is not None else "end_date")
    outcome = await call.send(
        RequestSync(
            sources=(source_name,),
            full_refresh=body.full_refresh,
            start_date=body.start_date,
            end_date=body.end_date,
            allow_empty=bool(body.allow_empty_replace),
        )
    )
    request = outcome.recorded[0]
    return SyncAnswer(
        success=True,
        message=f"Sync started for {source_name}",
        source_name=source_name,
        started_at=request.at,
        job_id=request.position,
    )


async def trigger_sync(call: Call, data: TriggerBody) -> TriggerAnswer:
    """Trigger a sync of several sources as one job: all of them, or none."""
    names = tuple(dict.fromkeys(data.sources))
    if not names:
        raise invalid("sources", "names no source")
    if len(names) > SOURCES_MAX:
        raise invalid("sources", f"names more than {SOURCES_MAX} sources")
    start = None
    if data.backfill is not None:
        start = _before(call.platform.clock().date(), data.backfill)
        _ranged(call, names, "backfill")
    outcome = await call.send(
        RequestSync(
            sources=names,
            full_refresh=data.full_refresh,
            start_date=None if start is None else start.isoformat(),
            allow_empty=bool(data.allow_empty_replace),
        )
    )
    return TriggerAnswer(job_id=outcome.recorded[0].position, sources=list(names), status="started")


async def sync_status(call: Call, record_id: int) -> JobView:
    """Tell how far a job is."""
    runs = syncs.of_job(call.views, record_id)
    if not runs:
        raise SyncMissing(record_id)
    ends = [run.ended_at for run in runs if run.ended_at is not None]
    starts = [run.started_at for run in runs if run.started_at is not None]
    started_at = min(starts, default=runs[0].requested_at)
    ended_at = max(ends) if len(ends) == len(runs) else None
    rows = [run.rows for run in runs if run.rows is not None]
    status = syncs.job_status(runs)
    behind = [run.error for run in built.of_sync(call.views, record_id) if run.status == "failed"]
    errors = [f"{run.source}: {run.error}" for run in runs if run.error]
    errors += [f"models: {error}" for error in behind]
    return JobView(
        id=record_id,
        schedule_name=runs[0].schedule or "manual",
        sources=[run.source for run in runs],
        started_at=started_at,
        ended_at=ended_at,
        status="partial" if status == "success" and behind else status,
        error="; ".join(errors) or None,
        duration_seconds=_seconds(started_at, ended_at),
        rows_processed=sum(rows) if rows else None,
        requested_by=runs[0].requested_by,
        runs=[_run(call, run) for run in runs],
    )


async def cancel_sync(call: Call, job_id: int) -> model_runs.CancelAnswer:
    """Stop a job: what is queued at once, what is running by ending its worker."""
    runs = syncs.of_job(call.views, job_id)
    if not runs:
        raise SyncMissing(job_id)
    sent = await call.send(CancelSync(sources=tuple(run.source for run in runs), job=job_id))
    # A worker that runs is being ended; what only waited is ended already.
    ending = any(isinstance(each.event, SyncCancelRequested) for each in sent.recorded)
    return model_runs.CancelAnswer(status="cancelling" if ending else "cancelled", job_id=job_id)


def _run(call: Call, run: syncs.Run) -> RunView:
    live: Any = None if call.as_of is not None else call.platform.progress
    return RunView(
        source=run.source,
        status=run.status,
        started_at=run.started_at,
        ended_at=run.ended_at,
        rows=run.rows,
        snapshot=run.snapshot,
        error=run.error,
        file=run.error_file,
        line=run.error_line,
        progress=live.get((run.job, run.source)) if live and run.status == "running" else None,
    )


def _seconds(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else round((end - start).total_seconds(), 3)


def _ranged(call: Call, names: Sequence[str], path: str) -> None:
    """Whether these sources can be asked for a range of days. Raises Denied, 422."""
    for name in names:
        found = sources.one(call.views, name)
        kind = None if found is None else TYPES.get(found.config.type)
        if kind is not None and kind.kind == "files":
            raise invalid(path, "is not taken by sources of files: they are read whole")


def _before(today: date, text: str) -> date:
    """The day so long ago: `7d`, `2w`, `1m` for 30 days. Raises Denied, 422."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise invalid("backfill", "is not a span like 7d, 2w or 1m")
    days = int(found[1]) * _DAYS[found[2]]
    if not 0 < days <= BACKFILL_DAYS_MAX:
        raise invalid("backfill", f"is not between 1 and {BACKFILL_DAYS_MAX} days")
    return today - timedelta(days=days)


def _date(path: str, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise invalid(path, "is not a date like 2026-05-17") from None
