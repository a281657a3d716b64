"""The intents around the first sync of a deployment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, assert_never

from commands.kernel import Command
from domain import initial_syncs
from domain.kernel import Boundary, Decider, Event

DIGEST: Final = "deploy_token"  # the kind of digest that proves a token


class IssueDeployToken(Command, frozen=True, kw_only=True):
    """Make a token that begins one run."""

    proof: str
    expires_at: datetime | None = None


class StartInitialSync(Command, frozen=True, kw_only=True):
    """Sync all of these as one job; `proof` when a token asks for it."""

    sources: tuple[str, ...]
    proof: str | None = None


class SkipInitialSource(Command, frozen=True, kw_only=True):
    """Pass a source of the run over."""

    source: str
    job: int


class CancelInitialSync(Command, frozen=True, kw_only=True):
    """Stop the run."""

    sources: tuple[str, ...]
    job: int


InitialCommand = IssueDeployToken | StartInitialSync | SkipInitialSource | CancelInitialSync


def boundary(command: InitialCommand) -> Boundary:
    """What counts."""
    match command:
        case IssueDeployToken():
            return initial_syncs.boundary()
        case StartInitialSync() | CancelInitialSync():
            return initial_syncs.boundary(command.sources)
        case SkipInitialSource():
            return initial_syncs.boundary((command.source,))
        case _:
            assert_never(command)


def decide(state: initial_syncs.Initial, command: InitialCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case IssueDeployToken():
            issued = initial_syncs.DeployTokenIssued(
                proof=command.proof, expires_at=command.expires_at
            )
            return initial_syncs.issue(state, issued)
        case StartInitialSync():
            names = tuple(dict.fromkeys(command.sources))
            wanted = initial_syncs.InitialSyncStarted(sources=names, proof=command.proof)
            return initial_syncs.start(state, wanted)
        case SkipInitialSource():
            return initial_syncs.skip(state, command.source, command.job)
        case CancelInitialSync():
            return initial_syncs.cancel(state, command.sources, command.job)
        case _:
            assert_never(command)


_DECIDER: Final = Decider(
    initial=initial_syncs.Initial(),
    boundary=boundary,
    evolve=initial_syncs.evolve,
    decide=decide,
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    IssueDeployToken: _DECIDER,
    StartInitialSync: _DECIDER,
    SkipInitialSource: _DECIDER,
    CancelInitialSync: _DECIDER,
}
