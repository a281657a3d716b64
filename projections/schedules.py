"""The schedules, how far their time tables were followed, and their runs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from domain import model_runs, schedule_runs, schedules, syncs
from domain.kernel import Recorded
from domain.schedules import Schedule
from projections import schedule_work as led
from projections.engine import Projection, Reader, Rows, Table, stamp
from projections.schedule_work import MODELS, RUNS, SYNCS

SCHEDULES: Final = Table(
    name="schedules",
    columns={
        "name": "TEXT NOT NULL",
        "config": "TEXT NOT NULL",  # domain.schedules.Schedule as JSON
    },
    key=("name",),
    few=True,
)
# What changes at each run is apart from what seldom does: each change keeps the row before it.
LINES: Final = Table(
    name="schedule_lines",
    columns={
        "name": "TEXT NOT NULL",
        "followed_to": "TEXT NOT NULL",
        "last_job": "INTEGER",  # of a run, not of a moment that was skipped or missed
    },
    key=("name",),
    few=True,
)
_encode: Final = msgspec.json.Encoder().encode
_schedule: Final = msgspec.json.Decoder(Schedule)
_names: Final = msgspec.json.Decoder(tuple[str, ...])


def _put(rows: Rows, config: Schedule, r: Recorded) -> None:
    rows.put(SCHEDULES, name=config.name, config=_encode(config).decode())
    line = rows.get(LINES, config.name)
    last = None if line is None else line["last_job"]
    rows.put(LINES, name=config.name, followed_to=stamp(r.at), last_job=last)


def _written(
    rows: Rows, e: schedules.ScheduleCreated | schedules.ScheduleChanged, r: Recorded
) -> None:
    _put(rows, e.config, r)


def _switched(
    rows: Rows, e: schedules.ScheduleEnabled | schedules.ScheduleDisabled, r: Recorded
) -> None:
    row = rows.get(SCHEDULES, e.schedule)
    if row is None:
        return
    enabled = isinstance(e, schedules.ScheduleEnabled)
    _put(rows, msgspec.structs.replace(_schedule.decode(row["config"]), enabled=enabled), r)


def _removed(rows: Rows, e: schedules.ScheduleRemoved, _: Recorded) -> None:
    for table in (SCHEDULES, LINES):
        rows.remove(table, name=e.schedule)


def _due(rows: Rows, e: schedule_runs.ScheduleDue, r: Recorded) -> None:
    _moment(rows, e.schedule, r, e.due_at, status="due", manual=e.manual)
    if not e.manual:
        rows.change(LINES, e.schedule, followed_to=stamp(e.due_at))
    rows.change(LINES, e.schedule, last_job=r.position)


def _skipped(rows: Rows, e: schedule_runs.ScheduleRunSkipped, r: Recorded) -> None:
    why = f"job {e.job} was still running"
    _moment(rows, e.schedule, r, e.due_at, status="skipped", error=why)
    rows.change(LINES, e.schedule, followed_to=stamp(e.due_at))


def _missed(rows: Rows, e: schedule_runs.ScheduleRunMissed, r: Recorded) -> None:
    why = "later than misfire_grace_time" + (f"; {e.count} moments" if e.count > 1 else "")
    _moment(rows, e.schedule, r, e.due_at, status="missed", error=why)
    rows.change(LINES, e.schedule, followed_to=stamp(e.due_at))


def _moment(
    rows: Rows,
    schedule: str,
    r: Recorded,
    due_at: datetime,
    *,
    status: str,
    manual: bool = False,
    error: str | None = None,
) -> None:
    row = rows.get(SCHEDULES, schedule)
    sources = None if row is None else _encode(_schedule.decode(row["config"]).sources).decode()
    rows.add(
        RUNS,
        job=r.position,
        schedule=schedule,
        manual=int(manual),
        due_at=stamp(due_at),
        status=status,
        started_at=stamp(r.at),
        ended_at=None if error is None else stamp(r.at),
        attempts=0,
        sources=sources,
        rows=None,
        error=error,
        duration_s=None,
        cancelling=0,
        models_error=None,
    )


def _started(rows: Rows, e: schedule_runs.ScheduleRunStarted, r: Recorded) -> None:
    rows.change(RUNS, e.job, status="running", started_at=stamp(r.at), attempts=1)


def _retried(rows: Rows, e: schedule_runs.ScheduleRunRetried, _: Recorded) -> None:
    row = rows.get(RUNS, e.job)
    if row is not None:
        rows.change(RUNS, e.job, attempts=max(row["attempts"], e.attempt + 1))


def _cancelling(rows: Rows, e: schedule_runs.ScheduleCancelRequested, _: Recorded) -> None:
    rows.change(RUNS, e.job, cancelling=1)


def _finished(rows: Rows, e: schedule_runs.ScheduleRunFinished, r: Recorded) -> None:
    row = rows.get(RUNS, e.job)
    failed = row["models_error"] if row is not None and e.status == "success" else None
    rows.change(
        RUNS,
        e.job,
        status=e.status if failed is None else "partial",
        ended_at=stamp(r.at),
        rows=e.rows,
        error=e.error if failed is None else failed,
        duration_s=e.duration_s,
    )


PROJECTION: Final = Projection(
    name="schedules",
    tables=(SCHEDULES, LINES, RUNS, SYNCS, MODELS),
    on={
        schedules.ScheduleCreated: _written,
        schedules.ScheduleChanged: _written,
        schedules.ScheduleEnabled: _switched,
        schedules.ScheduleDisabled: _switched,
        schedules.ScheduleRemoved: _removed,
        schedule_runs.ScheduleDue: _due,
        schedule_runs.ScheduleRunSkipped: _skipped,
        schedule_runs.ScheduleRunMissed: _missed,
        schedule_runs.ScheduleRunStarted: _started,
        schedule_runs.ScheduleRunRetried: _retried,
        schedule_runs.ScheduleCancelRequested: _cancelling,
        schedule_runs.ScheduleRunFinished: _finished,
        syncs.SyncRequested: led.requested,
        syncs.SyncStarted: led.syncing,
        syncs.SyncCompleted: led.synced,
        syncs.SyncFailed: led.failed,
        syncs.SyncCancelled: led.stopped,
        syncs.SyncInterrupted: led.interrupted,
        model_runs.ModelsRunRequested: led.followed,
        model_runs.ModelsRunExtended: led.extended,
        model_runs.ModelsRunFailed: led.models_failed,
    },
)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run, or a moment that was skipped or missed."""

    job: int
    schedule: str
    manual: bool
    due_at: datetime
    status: str
    started_at: datetime
    ended_at: datetime | None
    attempts: int
    sources: tuple[str, ...] | None
    rows: int | None
    error: str | None
    duration_s: float | None
    cancelling: bool


class Line(msgspec.Struct, frozen=True):
    """A schedule, how far its time table was followed, and its last run."""

    config: Schedule
    followed_to: datetime
    last: Run | None


READ: Final = (SCHEDULES.name, LINES.name, RUNS.name)
_COLUMNS: Final = ", ".join(f"r.{name}" for name in Run.__struct_fields__).replace(
    "r.rows", 'r."rows"'
)


def every(reader: Reader) -> list[Line]:
    """All schedules, by name; kept until one of them changes or runs."""
    return reader.kept(READ, _every) or []


def _every(reader: Reader) -> list[Line]:
    sql = (
        f"SELECT s.config, l.followed_to, {_COLUMNS} FROM schedules s"  # noqa: S608 - constants
        " JOIN schedule_lines l USING (name) LEFT JOIN schedule_runs r ON r.job = l.last_job"
        " ORDER BY s.name"
    )
    return [
        Line(_schedule.decode(config), datetime.fromisoformat(followed), _last(row))
        for config, followed, *row in reader.rows(sql)
    ]


def _last(row: Sequence[Any]) -> Run | None:
    return None if row[0] is None else _run(row)


def by_source(reader: Reader) -> Mapping[str, str]:
    """In words, when each source is synced that an enabled schedule names; the first of them."""
    return reader.kept(READ, _by_source) or {}


def _by_source(reader: Reader) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in every(reader):
        if line.config.enabled and line.config.kind.syncs:
            for name in line.config.sources:
                found.setdefault(name, line.config.display())
    return found


def one(reader: Reader, name: str) -> Schedule | None:
    """One schedule, or None."""
    row = reader.row("SELECT config FROM schedules WHERE name = :name", name=name)
    return None if row is None else _schedule.decode(row[0])


def run(reader: Reader, job: int) -> Run | None:
    """One run, or None."""
    sql = f"SELECT {_COLUMNS} FROM schedule_runs r WHERE r.job = :job"  # noqa: S608 - constants
    row = reader.row(sql, job=job)
    return None if row is None else _run(row)


def unended(reader: Reader) -> list[Run]:
    """The runs that have not ended, oldest first."""
    sql = f"SELECT {_COLUMNS} FROM schedule_runs r WHERE r.ended_at IS NULL ORDER BY r.job"  # noqa: S608 - constants
    return [_run(row) for row in reader.rows(sql)]


def history(
    reader: Reader,
    schedule: str | None,
    *,
    status: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int,
    offset: int = 0,
) -> tuple[list[Run], int]:
    """A page of the runs of one schedule or of all, newest first; and how many there are."""
    values: dict[str, Any] = {
        "schedule": schedule,
        "status": status,
        "since": None if since is None else stamp(since),
        "until": None if until is None else stamp(until),
    }
    values = {name: value for name, value in values.items() if value is not None}
    tests = {
        "schedule": "r.schedule = :schedule",
        "status": "r.status IN ('due', 'running')" if status == "running" else "r.status = :status",
        "since": "r.started_at >= :since",
        "until": "r.started_at <= :until",
    }
    where = " AND ".join(tests[name] for name in values)
    where = f"WHERE {where}" if where else ""
    if status == "running":
        values.pop("status")
    counted = reader.row(f"SELECT count(*) FROM schedule_runs r {where}", **values)  # noqa: S608 - constants
    sql = (
        f"SELECT {_COLUMNS} FROM schedule_runs r {where}"  # noqa: S608 - constants
        " ORDER BY r.job DESC LIMIT :limit OFFSET :offset"
    )
    found = [_run(row) for row in reader.rows(sql, limit=limit, offset=offset, **values)]
    return found, int(counted[0]) if counted else 0


class Sync(msgspec.Struct, frozen=True, kw_only=True):
    """The newest sync of one source that a run led to."""

    source: str
    sync: int
    status: str
    again: bool
    rows: int | None
    error: str | None


def syncs_of(reader: Reader, job: int) -> list[Sync]:
    """The newest sync of each source that a run led to."""
    found = reader.rows(
        'SELECT source, sync, status, again, "rows", error FROM schedule_syncs'
        " WHERE job = :job ORDER BY sync",
        job=job,
    )
    newest = {row[0]: row for row in found}
    return [
        Sync(source=source, sync=sync, status=status, again=bool(again), rows=rows, error=error)
        for source, sync, status, again, rows, error in newest.values()
    ]


def _run(row: Sequence[Any]) -> Run:
    values = dict(zip(Run.__struct_fields__, row, strict=True))
    if values["sources"] is not None:
        values["sources"] = _names.decode(values["sources"])
    return msgspec.convert(values, Run, strict=False)
