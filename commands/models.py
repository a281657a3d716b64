"""The intent around which models there are."""

from collections.abc import Sequence
from typing import Any, Final

from commands.kernel import Command
from domain import models
from domain.kernel import Decider, Event
from domain.models import Exposure, SourceTable


class ApplyModels(Command, frozen=True, kw_only=True):
    """The dbt project now reads like this."""

    models: tuple[models.Model, ...]
    exposures: tuple[Exposure, ...] = ()
    tables: tuple[SourceTable, ...] = ()  # of sources, that are described


def decide(state: models.Models, command: ApplyModels) -> Sequence[Event]:
    """Compare with what is known."""
    return models.apply(state, command.models, command.exposures, command.tables)


_DECIDER: Final = Decider(
    initial=models.Models(),
    boundary=lambda _: models.boundary(),
    evolve=models.evolve,
    decide=decide,
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {ApplyModels: _DECIDER}
