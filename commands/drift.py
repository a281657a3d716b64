"""The intents around drift: what a publication changed is found with its ending, in syncs."""

from typing import Any, Final

from commands.kernel import Command
from domain import drift
from domain.kernel import Decider


class AcceptDrift(Command, frozen=True, kw_only=True):
    """The changed columns of a source are as they should be."""

    source: str


DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    AcceptDrift: Decider(
        initial=drift.Drifts(),
        boundary=lambda command: drift.boundary(command.source),
        evolve=drift.evolve,
        decide=lambda state, command: drift.accept(state, command.source),
    ),
}
