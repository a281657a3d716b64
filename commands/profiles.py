"""Putting on record that a table was counted through."""

from collections.abc import Sequence
from typing import Any, Final

from commands.kernel import Command
from domain import profiles
from domain.kernel import Boundary, Decider, Event


class RecordProfile(Command, frozen=True, kw_only=True):
    """A table was counted through."""

    profiled: profiles.TableProfiled


def boundary(command: RecordProfile) -> Boundary:
    """All about the table."""
    return profiles.boundary(command.profiled.schema, command.profiled.table)


def decide(state: profiles.Profiles, command: RecordProfile) -> Sequence[Event]:
    """Choose the decision."""
    return profiles.record(state, command.profiled)


_DECIDER: Final = Decider(
    initial=profiles.Profiles(), boundary=boundary, evolve=profiles.evolve, decide=decide
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {RecordProfile: _DECIDER}
