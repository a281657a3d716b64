"""The intents around building models."""

from collections.abc import Sequence
from typing import Any, Final, assert_never

from commands.kernel import Command
from domain import model_runs
from domain.kernel import Boundary, Decider, Event


class RequestModels(Command, frozen=True, kw_only=True):
    """Build models: one with or without what reads it, those of selectors, or all."""

    select: tuple[str, ...] = ()
    model: str | None = None
    cascade: bool = True
    full_refresh: bool = False
    schedule: str | None = None  # whose run asks, and which one
    schedule_job: int | None = None


class FollowSync(Command, frozen=True, kw_only=True):
    """Build what comes from a source that was synced."""

    source: str
    sync: int


class StartModels(Command, frozen=True, kw_only=True):
    """A worker is at hand for this job."""

    job: int


class TellModel(Command, frozen=True, kw_only=True):
    """What became of one model."""

    told: model_runs.ModelStarted | model_runs.ModelCompleted | model_runs.ModelTested


class EndModels(Command, frozen=True, kw_only=True):
    """The run has ended like this."""

    ending: (
        model_runs.ModelsBuilt
        | model_runs.ModelsRunFailed
        | model_runs.ModelsRunCancelled
        | model_runs.ModelsRunInterrupted
    )


class CancelModels(Command, frozen=True, kw_only=True):
    """Stop this job."""

    job: int


ModelRunCommand = RequestModels | FollowSync | StartModels | TellModel | EndModels | CancelModels


def boundary(command: ModelRunCommand) -> Boundary:
    """All jobs, and what else the decision looks at."""
    match command:
        case RequestModels():
            return model_runs.boundary(model=command.model)
        case StartModels():
            return model_runs.boundary(holding=True)
        case TellModel():
            return model_runs.boundary(job=command.told.job)
        case _:
            return model_runs.boundary()


def decide(state: model_runs.ModelRuns, command: ModelRunCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case RequestModels():
            fields = {name: getattr(command, name) for name in command.__struct_fields__}
            return model_runs.request(state, model_runs.ModelsRunRequested(**fields))
        case FollowSync():
            return model_runs.follow(state, command.source, command.sync)
        case StartModels():
            return model_runs.start(state, command.job)
        case TellModel():
            return model_runs.tell(state, command.told)
        case EndModels():
            return model_runs.end(state, command.ending)
        case CancelModels():
            return model_runs.cancel(state, command.job)
        case _:
            assert_never(command)


_DECIDER: Final = Decider(
    initial=model_runs.ModelRuns(),
    boundary=boundary,
    evolve=model_runs.evolve,
    decide=decide,
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    RequestModels: _DECIDER,
    FollowSync: _DECIDER,
    StartModels: _DECIDER,
    TellModel: _DECIDER,
    EndModels: _DECIDER,
    CancelModels: _DECIDER,
}
