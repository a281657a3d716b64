"""/api/schedules: what is done when, and what became of it."""

from datetime import UTC, datetime
from typing import Final

import msgspec

from api import model_runs
from api.call import Call
from api.errors import invalid
from api.model_runs import CancelAnswer
from api.syncs import cancel_sync
from commands.schedule_runs import OUTPUT, CancelScheduleRun, TriggerSchedule
from domain.schedule_runs import STATUSES
from domain.schedules import Schedule, ScheduleMissing
from domain.syncs import SyncMissing
from projections import model_runs as built
from projections import schedules, sources
from projections.schedules import Line, Run

RECENT: Final = 20
PAGE: Final = 50
PAGE_MAX: Final = 200
DETAILS_RUNS: Final = 10
OFFSET_MAX: Final = 10_000_000
STATES: Final = frozenset({*STATUSES, "partial", "running", "skipped", "missed"})


class ScheduleRunView(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a schedule; `id` is its job. A moment that was skipped or missed is one too."""

    id: int
    schedule_name: str
    sources: tuple[str, ...] | None
    started_at: datetime
    ended_at: datetime | None
    status: str
    error: str | None
    duration_seconds: float | None
    rows_processed: int | None
    due_at: datetime
    manual: bool
    attempts: int


class ScheduleView(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule in the list; `source_errors` names sources that there are not."""

    name: str
    type: str
    cron: str
    sources: tuple[str, ...]
    script_path: str | None
    enabled: bool
    timezone: str
    next_run_time: datetime | None
    last_run: ScheduleRunView | None
    active_job: int | None
    source_errors: list[str] | None


class ScheduleDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All about a schedule; what is not set is left out."""

    name: str
    type: str
    cron: str
    sources: list[str]
    enabled: bool
    timezone: str
    notify_on: list[str]
    run_on: str
    next_run_time: datetime | None
    recent_history: list[ScheduleRunView]
    start_date: str | None = None
    misfire_grace_time: int | None = None
    timeout_minutes: int | None = None
    dbt_command: str | None = None
    script_path: str | None = None
    script_args: list[str] | None = None
    active_job: int | None = None


class HistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Runs of one schedule, newest first."""

    schedule_name: str
    items: list[ScheduleRunView]
    total: int
    limit: int
    offset: int


class ScheduleJobView(ScheduleRunView, frozen=True, kw_only=True):
    """One run; `output` is the end of what a script printed, for who has scheduler.manage."""

    output: str | None = None


class TriggerScheduleBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run of syncs may be told."""

    full_refresh: bool = False
    start_date: str | None = None
    end_date: str | None = None


class TriggerScheduleAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The run was asked for; `job_id` can be cancelled."""

    status: str
    name: str
    job_id: int


class Unscheduled(msgspec.Struct, frozen=True, kw_only=True):
    """The sources that no enabled schedule syncs."""

    sources: list[str]


async def list_schedules(call: Call) -> list[ScheduleView]:
    """List all schedules with their next and last runs."""
    now = call.views.now
    known = {health.config.name for health in sources.every(call.views)}
    return [_view(line, now, known) for line in schedules.every(call.views)]


async def schedule_details(call: Call, name: str) -> ScheduleDetails:
    """Tell all about one schedule."""
    config = schedules.one(call.views, name)
    if config is None:
        raise ScheduleMissing(name)
    found, _ = schedules.history(call.views, name, limit=DETAILS_RUNS)
    return ScheduleDetails(
        name=name,
        type=config.kind.value,
        cron=config.cron,
        sources=list(config.sources),
        enabled=config.enabled,
        timezone=config.timezone,
        notify_on=list(config.notify_on),
        run_on=config.run_on,
        next_run_time=_next(config, call.views.now),
        recent_history=[_run(run) for run in found],
        start_date=config.start_date,
        misfire_grace_time=config.misfire_grace_s,
        timeout_minutes=config.timeout_minutes,
        dbt_command=config.dbt_command,
        script_path=config.script_path,
        script_args=list(config.script_args) or None,
        active_job=next((run.job for run in found if run.ended_at is None), None),
    )


async def schedule_history(
    call: Call,
    name: str,
    *,
    status: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = PAGE,
    offset: int = 0,
) -> HistoryPage:
    """Page through the runs of one schedule, newest first."""
    if status is not None and status not in STATES:
        raise invalid("status", f"is one of {', '.join(sorted(STATES))}")
    if not 0 <= offset <= OFFSET_MAX:
        raise invalid("offset", f"must be from 0 to {OFFSET_MAX}")
    found, total = schedules.history(
        call.views,
        name,
        status=status,
        since=_utc("since", since),
        until=_utc("until", until),
        limit=_limit(limit),
        offset=offset,
    )
    items = [_run(run) for run in found]
    return HistoryPage(schedule_name=name, items=items, total=total, limit=limit, offset=offset)


async def recent_history(call: Call, *, limit: int = RECENT) -> list[ScheduleRunView]:
    """List the newest runs of all schedules."""
    found, _ = schedules.history(call.views, None, limit=_limit(limit))
    return [_run(run) for run in found]


async def trigger_schedule(
    call: Call, name: str, data: TriggerScheduleBody | None = None
) -> TriggerScheduleAnswer:
    """Run a schedule now, enabled or not."""
    body = data or TriggerScheduleBody()
    for path in ("start_date", "end_date"):
        _day(path, getattr(body, path))
    command = TriggerSchedule(
        schedule=name,
        at=call.platform.clock(),
        full_refresh=body.full_refresh,
        start_date=body.start_date,
        end_date=body.end_date,
    )
    outcome = await call.send(command)
    return TriggerScheduleAnswer(status="triggered", name=name, job_id=outcome.recorded[0].position)


async def cancel_job(call: Call, job_id: int) -> CancelAnswer:
    """Stop a job of any kind: what is queued at once, what is running by ending its worker."""
    found = schedules.run(call.views, job_id)
    if found is None and built.one(call.views, job_id) is not None:
        return await model_runs.cancel_run(call, job_id)
    if found is None:
        return await cancel_sync(call, job_id)
    await call.send(CancelScheduleRun(schedule=found.schedule, job=job_id))
    return CancelAnswer(status="cancelling", job_id=job_id)


async def job(call: Call, job_id: int) -> ScheduleJobView:
    """Tell about one run, and what its script printed."""
    found = schedules.run(call.views, job_id)
    if found is None:
        raise SyncMissing(job_id)
    output = None
    if call.caller.may("scheduler.manage"):
        kept = call.platform.secrets.read(OUTPUT, str(job_id))
        output = None if kept is None else kept.decode(errors="replace")
    return ScheduleJobView(**msgspec.structs.asdict(_run(found)), output=output)


async def unscheduled_sources(call: Call) -> Unscheduled:
    """List the sources that no enabled schedule syncs."""
    scheduled = {
        name
        for line in schedules.every(call.views)
        if line.config.enabled and line.config.kind.syncs
        for name in line.config.sources
    }
    every = [health.config.name for health in sources.every(call.views)]
    return Unscheduled(sources=[name for name in every if name not in scheduled])


def _view(line: Line, now: datetime, known: set[str]) -> ScheduleView:
    config, last = line.config, line.last
    errors = [f"Source '{name}' not found." for name in config.sources if name not in known]
    return ScheduleView(
        name=config.name,
        type=config.kind.value,
        cron=config.cron,
        sources=config.sources,
        script_path=config.script_path,
        enabled=config.enabled,
        timezone=config.timezone,
        next_run_time=_next(config, now),
        last_run=None if last is None else _run(last),
        active_job=last.job if last is not None and last.ended_at is None else None,
        source_errors=errors or None,
    )


def _next(config: Schedule, now: datetime) -> datetime | None:
    return config.next_after(now) if config.enabled else None


def _run(run: Run) -> ScheduleRunView:
    return ScheduleRunView(
        id=run.job,
        schedule_name=run.schedule,
        sources=run.sources or None,
        started_at=run.started_at,
        ended_at=run.ended_at,
        status="running" if run.ended_at is None else run.status,
        error=run.error,
        duration_seconds=run.duration_s,
        rows_processed=run.rows,
        due_at=run.due_at,
        manual=run.manual,
        attempts=run.attempts,
    )


def _limit(limit: int) -> int:
    if not 0 < limit <= PAGE_MAX:
        raise invalid("limit", f"must be from 1 to {PAGE_MAX}")
    return limit


def _utc(path: str, moment: datetime | None) -> datetime | None:
    """As the rows have it. Raises Denied, 422."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise invalid(path, "is a time without a zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise invalid(path, "is before or after all times") from None


def _day(path: str, text: str | None) -> None:
    try:
        if text is not None:
            datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise invalid(path, "is not a date like 2026-05-17") from None
