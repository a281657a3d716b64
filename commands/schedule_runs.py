"""The intents around a schedule's runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, assert_never

from commands.kernel import Command, Forget, Keep
from domain import schedule_runs
from domain.kernel import Boundary, Decider, Event

OUTPUT: Final = "schedule_output"  # the vault's kind of what a script printed


class TickSchedule(Command, frozen=True, kw_only=True):
    """It is so late now."""

    schedule: str
    at: datetime


class TriggerSchedule(Command, frozen=True, kw_only=True):
    """Run a schedule now."""

    schedule: str
    at: datetime
    full_refresh: bool = False
    start_date: str | None = None
    end_date: str | None = None


class StartScheduleRun(Command, frozen=True, kw_only=True):
    """Work on a run begins."""

    schedule: str
    job: int


class RetryScheduleRun(Command, frozen=True, kw_only=True):
    """Work on a run is to be tried again, after a pause."""

    schedule: str
    job: int
    attempt: int
    wait_s: int
    source: str | None = None


class CancelScheduleRun(Command, frozen=True, kw_only=True):
    """Stop a run."""

    schedule: str
    job: int


class FinishScheduleRun(Command, frozen=True, kw_only=True):
    """A run has ended like this; what it printed is for the vault, for a while."""

    ending: schedule_runs.ScheduleRunFinished
    output: bytes | None = None
    output_until: datetime | None = None

    def vault(self) -> tuple[Keep | Forget, ...]:
        if self.output is None:
            return ()
        return (Keep(OUTPUT, str(self.ending.job), self.output, self.output_until),)


ScheduleRunCommand = (
    TickSchedule
    | TriggerSchedule
    | StartScheduleRun
    | RetryScheduleRun
    | CancelScheduleRun
    | FinishScheduleRun
)


def boundary(command: ScheduleRunCommand) -> Boundary:
    """All that happened to the schedule."""
    if isinstance(command, FinishScheduleRun):
        return schedule_runs.boundary(command.ending.schedule)
    return schedule_runs.boundary(command.schedule)


def decide(state: schedule_runs.ScheduleRuns, command: ScheduleRunCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case TickSchedule():
            return schedule_runs.tick(state, command.schedule, command.at)
        case TriggerSchedule():
            wanted = schedule_runs.ScheduleDue(
                schedule=command.schedule,
                due_at=command.at,
                manual=True,
                full_refresh=command.full_refresh,
                start_date=command.start_date,
                end_date=command.end_date,
            )
            return schedule_runs.trigger(state, wanted)
        case StartScheduleRun():
            return schedule_runs.start(state, command.schedule, command.job)
        case RetryScheduleRun():
            fields = {name: getattr(command, name) for name in command.__struct_fields__}
            return schedule_runs.retry(state, schedule_runs.ScheduleRunRetried(**fields))
        case CancelScheduleRun():
            return schedule_runs.cancel(state, command.schedule, command.job)
        case FinishScheduleRun():
            return schedule_runs.finish(state, command.ending)
        case _:
            assert_never(command)


_DECIDER: Final = Decider(
    initial=schedule_runs.ScheduleRuns(),
    boundary=boundary,
    evolve=schedule_runs.evolve,
    decide=decide,
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    TickSchedule: _DECIDER,
    TriggerSchedule: _DECIDER,
    StartScheduleRun: _DECIDER,
    RetryScheduleRun: _DECIDER,
    CancelScheduleRun: _DECIDER,
    FinishScheduleRun: _DECIDER,
}
