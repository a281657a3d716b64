"""The intents around the upkeep of the warehouse."""

from collections.abc import Sequence
from typing import Any, Final, assert_never

from commands.kernel import Command
from domain import upkeep
from domain.kernel import Decider, Event


class RequestMaintenance(Command, frozen=True, kw_only=True):
    """Maintain the warehouse."""


class StartMaintenance(Command, frozen=True, kw_only=True):
    """A worker is at hand for this job."""

    job: int


class EndMaintenance(Command, frozen=True, kw_only=True):
    """It has ended like this."""

    ending: upkeep.MaintenanceCompleted | upkeep.MaintenanceFailed


class AbandonMaintenance(Command, frozen=True, kw_only=True):
    """The process that was at it is gone."""


UpkeepCommand = RequestMaintenance | StartMaintenance | EndMaintenance | AbandonMaintenance


def decide(state: upkeep.Upkeep, command: UpkeepCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case RequestMaintenance():
            return upkeep.request(state)
        case StartMaintenance():
            return upkeep.start(state, command.job)
        case EndMaintenance():
            return upkeep.end(state, command.ending)
        case AbandonMaintenance():
            return upkeep.abandon(state)
        case _:
            assert_never(command)


_DECIDER: Final = Decider(
    initial=upkeep.Upkeep(),
    boundary=lambda _: upkeep.boundary(),
    evolve=upkeep.evolve,
    decide=decide,
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    RequestMaintenance: _DECIDER,
    StartMaintenance: _DECIDER,
    EndMaintenance: _DECIDER,
    AbandonMaintenance: _DECIDER,
}
