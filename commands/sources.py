"""Taking what the configuration says about sources."""

from collections.abc import Sequence
from typing import Any, Final, assert_never

from commands.kernel import Command
from domain import sources
from domain.kernel import Decider, Event


class ApplySources(Command, frozen=True, kw_only=True):
    """sources.yml reads like this now."""

    sources: tuple[sources.Source, ...]


class RefuseConfiguration(Command, frozen=True, kw_only=True):
    """A configuration file cannot be read."""

    file: str
    reason: str
    line: int | None = None
    column: int | None = None


SourceCommand = ApplySources | RefuseConfiguration


def decide(state: sources.Sources, command: SourceCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case ApplySources():
            return sources.apply(state, command.sources)
        case RefuseConfiguration():
            refusal = sources.ConfigurationRefused(
                file=command.file, reason=command.reason, line=command.line, column=command.column
            )
            return sources.refuse(state, refusal)
        case _:
            assert_never(command)


_DECIDER: Final = Decider(
    initial=sources.Sources(),
    boundary=lambda _: sources.boundary(),
    evolve=sources.evolve,
    decide=decide,
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    ApplySources: _DECIDER,
    RefuseConfiguration: _DECIDER,
}
