"""The runs of schedules: due, started, retried, ended in exactly one way; or skipped, or missed.

A run is a job, known by the log position of its ScheduleDue. Invariants: a schedule has at most one
run that has not ended, so what is due meanwhile is skipped; no moment of a time table is answered
twice, and none is passed over in silence. The log is the clock's memory: how far a time table was
followed is the last moment that an event tells of.

    due -> started -> success | failed | timeout | cancelled | interrupted
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Final

import msgspec

from domain import schedules
from domain.kernel import Boundary, Event, Recorded, Refused, about
from domain.schedules import Schedule, ScheduleMissing

PAUSES_S: Final = (30, 120, 300)  # before a work that failed for a passing reason is tried again
COUNTED_MAX: Final = 1_000  # moments that were passed by while no server ran; more are as many
LOOKS_BACK: Final = (timedelta(hours=2), timedelta(days=2), timedelta(days=40))
STATUSES: Final = ("success", "failed", "timeout", "cancelled", "interrupted")


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _RunEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "scheduler.view"
    schedule: str

    def stream(self) -> str:
        return schedules.tag(self.schedule)


class ScheduleDue(_RunEvent, frozen=True, kw_only=True, tag="schedule_due"):
    """A schedule is to run. Its position is the job's id."""

    due_at: datetime
    manual: bool = False  # somebody wants it now; its time table goes on as if nobody had
    passed: int = 0  # earlier moments that were passed by while no server ran
    full_refresh: bool = False
    start_date: str | None = None
    end_date: str | None = None


class ScheduleRunSkipped(_RunEvent, frozen=True, kw_only=True, tag="schedule_run_skipped"):
    """A moment came while the run before it had not ended."""

    due_at: datetime
    job: int  # that run


class ScheduleRunMissed(_RunEvent, frozen=True, kw_only=True, tag="schedule_run_missed"):
    """Moments were noticed too late, as misfire_grace_time has it: nothing runs for them."""

    due_at: datetime  # the last of them
    count: int


class ScheduleRunStarted(_RunEvent, frozen=True, kw_only=True, tag="schedule_run_started"):
    """Work on a run began."""

    job: int


class ScheduleRunRetried(_RunEvent, frozen=True, kw_only=True, tag="schedule_run_retried"):
    """Work failed for a reason that may pass, and is tried again after a pause."""

    job: int
    attempt: int  # counts from 1
    wait_s: int
    source: str | None = None  # whose sync it is


class ScheduleCancelRequested(
    _RunEvent, frozen=True, kw_only=True, tag="schedule_cancel_requested"
):
    """What a run is at is to be stopped."""

    job: int


class ScheduleRunFinished(_RunEvent, frozen=True, kw_only=True, tag="schedule_run_finished"):
    """A run ended; `status` is success, failed, timeout, cancelled or interrupted."""

    job: int
    status: str
    sources: tuple[str, ...] = ()
    rows: int | None = None
    error: str | None = None
    duration_s: float = 0.0


EVENTS: Final[tuple[type[Event], ...]] = (
    ScheduleDue,
    ScheduleRunSkipped,
    ScheduleRunMissed,
    ScheduleRunStarted,
    ScheduleRunRetried,
    ScheduleCancelRequested,
    ScheduleRunFinished,
)


class Run(msgspec.Struct, frozen=True):
    """A run that has not ended."""

    job: int
    started: bool = False
    cancelling: bool = False
    retried: frozenset[tuple[str | None, int]] = frozenset()  # source and attempt


class Line(msgspec.Struct, frozen=True):
    """One schedule: how far its time table was followed, and the run that has not ended."""

    config: Schedule | None = None
    followed_to: datetime | None = None
    run: Run | None = None


class ScheduleRuns(msgspec.Struct, frozen=True):
    """The schedules that the boundary tells of."""

    lines: Mapping[str, Line] = {}

    def line(self, name: str) -> Line:
        """What is known of one."""
        return self.lines.get(name, _NEW)

    def open(self, name: str, job: int) -> Run | None:
        """The open run of this schedule, if it is this job."""
        run = self.line(name).run
        return run if run is not None and run.job == job else None


_NEW: Final = Line()


def evolve(state: ScheduleRuns, recorded: Recorded) -> ScheduleRuns:
    """Fold one event."""
    event = recorded.event
    if not isinstance(event, (*schedules.EVENTS, *EVENTS)):
        return state
    name: str = event.schedule  # type: ignore[attr-defined]  # all of these have it
    before = state.line(name)
    if isinstance(event, schedules.EVENTS):
        after = _configured(before, recorded)
    else:
        after = _run(before, recorded)
    return ScheduleRuns({**state.lines, name: after})


def _configured(line: Line, recorded: Recorded) -> Line:
    """A time table is followed from when it came into force, never before."""
    replace, event = msgspec.structs.replace, recorded.event
    if isinstance(event, schedules.ScheduleRemoved):
        return replace(line, config=None, followed_to=None)
    known = {} if line.config is None else {line.config.name: line.config}
    config = next(iter(schedules.told(known, event).values()), line.config)
    return replace(line, config=config, followed_to=recorded.at)


def _run(line: Line, recorded: Recorded) -> Line:
    replace = msgspec.structs.replace
    match recorded.event:
        case ScheduleDue(manual=manual, due_at=at):
            followed = line.followed_to if manual else at
            return replace(line, followed_to=followed, run=Run(recorded.position))
        case ScheduleRunSkipped(due_at=at) | ScheduleRunMissed(due_at=at):
            return replace(line, followed_to=at)
        case ScheduleRunFinished(job=job) if line.run is not None and line.run.job == job:
            return replace(line, run=None)
        case (
            ScheduleRunStarted(job=job)
            | ScheduleCancelRequested(job=job)
            | ScheduleRunRetried(job=job)
        ) if line.run is not None and line.run.job == job:
            return replace(line, run=_changed(line.run, recorded.event))
        case _:
            return line


def _changed(run: Run, event: Event) -> Run:
    match event:
        case ScheduleRunStarted():
            return msgspec.structs.replace(run, started=True)
        case ScheduleCancelRequested():
            return msgspec.structs.replace(run, cancelling=True)
        case ScheduleRunRetried(source=source, attempt=attempt):
            return msgspec.structs.replace(run, retried=run.retried | {(source, attempt)})
        case _:
            return run


def boundary(name: str) -> Boundary:
    """All that happened to one schedule."""
    return about(schedules.tag(name))


def tick(state: ScheduleRuns, name: str, at: datetime) -> list[Event]:
    """What the clock means for a schedule: nothing before its next moment."""
    line = state.line(name)
    if line.config is None or not line.config.enabled or line.followed_to is None:
        return []
    first = line.config.next_after(line.followed_to)
    if first is None or first > at:
        return []
    last, count = _passed(line.config, first, at)
    grace = line.config.misfire_grace_s
    if grace is not None and (at - last).total_seconds() > grace:
        return [ScheduleRunMissed(schedule=name, due_at=last, count=count)]
    if line.run is not None:
        return [ScheduleRunSkipped(schedule=name, due_at=last, job=line.run.job)]
    return [ScheduleDue(schedule=name, due_at=last, passed=count - 1)]


def _passed(config: Schedule, first: datetime, at: datetime) -> tuple[datetime, int]:
    """The last moment up to now, and how many there are since the first."""
    last, count = first, 1
    while (found := config.next_after(last)) is not None and found <= at:
        if count == COUNTED_MAX:
            return _last(config, last, at), count
        last, count = found, count + 1
    return last, count


def _last(config: Schedule, known: datetime, at: datetime) -> datetime:
    """The last moment up to now, however many lie before it."""
    found = None
    for span in LOOKS_BACK:
        found = config.next_after(max(at - span, known))
        if found is not None and found <= at:
            break
    last = known
    while found is not None and found <= at:
        last, found = found, config.next_after(found)
    return last


def trigger(state: ScheduleRuns, wanted: ScheduleDue) -> list[Event]:
    """Run a schedule now, enabled or not. Raises ScheduleMissing, ScheduleRunning."""
    line = state.line(wanted.schedule)
    if line.config is None:
        raise ScheduleMissing(wanted.schedule)
    if line.run is not None:
        raise ScheduleRunning(wanted.schedule, line.run.job)
    return [wanted]


def start(state: ScheduleRuns, name: str, job: int) -> list[Event]:
    """Begin work on a run, once."""
    run = state.open(name, job)
    if run is None or run.started or run.cancelling:
        return []
    return [ScheduleRunStarted(schedule=name, job=job)]


def retry(state: ScheduleRuns, told: ScheduleRunRetried) -> list[Event]:
    """Tell that work is tried again; each attempt once."""
    run = state.open(told.schedule, told.job)
    if run is None or (told.source, told.attempt) in run.retried:
        return []
    return [told]


def finish(state: ScheduleRuns, ending: ScheduleRunFinished) -> list[Event]:
    """End a run, once."""
    return [] if state.open(ending.schedule, ending.job) is None else [ending]


def cancel(state: ScheduleRuns, name: str, job: int) -> list[Event]:
    """Stop a run. Raises ScheduleRunEnded."""
    run = state.open(name, job)
    if run is None:
        raise ScheduleRunEnded(job)
    return [] if run.cancelling else [ScheduleCancelRequested(schedule=name, job=job)]


class ScheduleRunning(Refused):
    """The schedule has a run that has not ended."""

    def __init__(self, schedule: str, job: int) -> None:
        super().__init__(f"Schedule '{schedule}' is running already (job {job}).", job_id=job)


class ScheduleRunEnded(Refused):
    """There is nothing to cancel."""

    def __init__(self, job: int) -> None:
        super().__init__(f"Job {job} has ended already.", job_id=job)
