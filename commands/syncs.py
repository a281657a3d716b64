"""The intents around a sync."""

from collections.abc import Sequence
from typing import Any, Final, assert_never

import msgspec

from commands.kernel import Command
from domain import drift, inputs, syncs
from domain.datasets import Table
from domain.kernel import Boundary, Decider, Event, Recorded


class RequestSync(Command, frozen=True, kw_only=True):
    """Sync these sources, as one job."""

    sources: tuple[str, ...]
    full_refresh: bool = False
    start_date: str | None = None
    end_date: str | None = None
    allow_empty: bool = False
    retry: int = 0
    retry_of: int | None = None
    wait_s: int = 0
    rollback_of: int | None = None
    schedule: str | None = None
    schedule_job: int | None = None
    models: bool = True


class StartSync(Command, frozen=True, kw_only=True):
    """A worker is at hand for this run; it may write to this table, and to no other schema."""

    source: str
    job: int
    schema: str = ""
    table: str = ""


class CompleteSync(Command, frozen=True, kw_only=True):
    """The run's data is published. None: only a process that died knew it."""

    source: str
    job: int
    rows: int
    tables: tuple[Table, ...]
    account: inputs.Account | None = None
    snapshot: int
    duration_s: float | None = None


class FailSync(Command, frozen=True, kw_only=True):
    """The run cannot be finished."""

    source: str
    job: int
    reason: str
    file: str | None = None
    line: int | None = None
    duration_s: float = 0.0
    transient: bool = False


class CancelSync(Command, frozen=True, kw_only=True):
    """Stop what of this job has not ended."""

    sources: tuple[str, ...]
    job: int


class ConfirmCancel(Command, frozen=True, kw_only=True):
    """The worker of a run is gone, as was wanted."""

    source: str
    job: int


class InterruptSync(Command, frozen=True, kw_only=True):
    """The process that ran it died."""

    source: str
    job: int


SyncCommand = (
    RequestSync | StartSync | CompleteSync | FailSync | CancelSync | ConfirmCancel | InterruptSync
)


def boundary(command: SyncCommand) -> Boundary:
    """All that happened to the sources that the command names, or to the schema."""
    if isinstance(command, RequestSync | CancelSync):
        return syncs.boundary(command.sources)
    if isinstance(command, StartSync):
        return syncs.boundary((command.source,), command.schema)
    return syncs.boundary((command.source,))


def decide(state: syncs.Syncs, command: SyncCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case RequestSync():
            return syncs.request(state, syncs.SyncRequested(**_fields(command)))
        case StartSync():
            return syncs.start(state, syncs.SyncStarted(**_fields(command)))
        case CompleteSync():
            fields = {k: v for k, v in _fields(command).items() if k != "account"}
            return syncs.complete(state, syncs.SyncCompleted(**fields), command.account)
        case FailSync():
            return syncs.end(state, syncs.SyncFailed(**_fields(command)))
        case CancelSync():
            return syncs.cancel(state, command.sources, command.job)
        case ConfirmCancel():
            return syncs.end(state, syncs.SyncCancelled(source=command.source, job=command.job))
        case InterruptSync():
            return syncs.interrupt(state, command.source, command.job)
        case _:
            assert_never(command)


class Publishing(msgspec.Struct, frozen=True):
    """What counts when data is published: the run, and what the columns were before."""

    runs: syncs.Syncs = syncs.Syncs()
    drifts: drift.Drifts = drift.Drifts()


def evolve(state: Publishing, recorded: Recorded) -> Publishing:
    """Fold one event."""
    return Publishing(syncs.evolve(state.runs, recorded), drift.evolve(state.drifts, recorded))


def complete(state: Publishing, command: CompleteSync) -> Sequence[Event]:
    """End a run, and tell with it what drifted: who hears of the ending knows what is held back."""
    events = decide(state.runs, command)
    told = [event for event in events if isinstance(event, inputs.ColumnsDrifted)]
    for event in events:
        if isinstance(event, syncs.SyncCompleted):
            return [*drift.detect(state.drifts, event, told), *events]
    return events


def _fields(command: Command) -> dict[str, Any]:
    """The fields of a command that has the same ones as its event."""
    return {name: getattr(command, name) for name in command.__struct_fields__}


_DECIDER: Final = Decider(
    initial=syncs.Syncs(), boundary=boundary, evolve=syncs.evolve, decide=decide
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    RequestSync: _DECIDER,
    StartSync: _DECIDER,
    CompleteSync: Decider(initial=Publishing(), boundary=boundary, evolve=evolve, decide=complete),
    FailSync: _DECIDER,
    CancelSync: _DECIDER,
    ConfirmCancel: _DECIDER,
    InterruptSync: _DECIDER,
}
