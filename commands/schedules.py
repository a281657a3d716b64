"""Taking what the configuration says about schedules."""

from collections.abc import Sequence
from typing import Any, Final

from commands.kernel import Command
from domain import schedules
from domain.kernel import Decider, Event


class ApplySchedules(Command, frozen=True, kw_only=True):
    """schedules.yml reads like this now."""

    schedules: tuple[schedules.Schedule, ...]


def decide(state: schedules.Schedules, command: ApplySchedules) -> Sequence[Event]:
    """Choose the decision."""
    return schedules.apply(state, command.schedules)


_DECIDER: Final = Decider(
    initial=schedules.Schedules(),
    boundary=lambda _: schedules.boundary(),
    evolve=schedules.evolve,
    decide=decide,
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {ApplySchedules: _DECIDER}
