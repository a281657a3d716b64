"""Recording what was put on the server."""

from collections.abc import Sequence
from typing import Any, Final

from commands.kernel import Command
from domain import deployments
from domain.kernel import Decider, Event


class RecordDeployment(Command, frozen=True, kw_only=True):
    """A version was put on the server, or that was tried."""

    deployment: str
    told: deployments.Deployment


def decide(state: deployments.Deployments, command: RecordDeployment) -> Sequence[Event]:
    """Choose the decision."""
    return deployments.record(state, command.deployment, command.told)


DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    RecordDeployment: Decider(
        initial=deployments.Deployments(),
        boundary=lambda command: deployments.boundary(command.deployment),
        evolve=deployments.evolve,
        decide=decide,
    ),
}
