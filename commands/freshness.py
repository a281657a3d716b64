"""Looking at the clock for sources whose data grows old."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from commands.kernel import Command
from domain import freshness
from domain.kernel import Decider, Event


class LookAtFreshness(Command, frozen=True, kw_only=True):
    """It is this late now; the data of this source may be so many hours old."""

    source: str
    at: datetime
    after_hours: float


def decide(state: freshness.Freshness, command: LookAtFreshness) -> Sequence[Event]:
    """Choose the decision."""
    return freshness.look(state, command.source, now=command.at, after_hours=command.after_hours)


DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    LookAtFreshness: Decider(
        initial=freshness.Freshness(),
        boundary=lambda command: freshness.boundary(command.source),
        evolve=freshness.evolve,
        decide=decide,
    ),
}
