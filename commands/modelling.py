"""What commands need from outside to build models: the dbt project. `infra` has it."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from domain.datasets import Table
from domain.model_runs import Told
from domain.models import Exposure, Model, SourceTable


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """Build models of the dbt project; all, when nothing narrows it down."""

    job: int
    select: tuple[str, ...] = ()
    model: str | None = None
    cascade: bool = True
    full_refresh: bool = False
    sources: tuple[str, ...] = ()  # build what comes from these
    schemas: dict[str, str] = {}  # of each source of the platform, by its schema
    held: tuple[str, ...] = ()  # leave out what comes from these


class ProjectRead(msgspec.Struct, frozen=True, kw_only=True, tag="project_read"):
    """What the dbt project holds; told before anything is built."""

    models: tuple[Model, ...]
    exposures: tuple[Exposure, ...] = ()
    tables: tuple[SourceTable, ...] = ()  # of sources


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """A run that came to its end, well (no `reason`) or not."""

    models: int
    tests: int
    snapshot: int
    failed: tuple[str, ...] = ()
    reason: str | None = None
    file: str | None = None
    line: int | None = None


OnBuilding = Callable[[ProjectRead | Told], None]


class Modelling(Protocol):
    """The dbt project as the commands see it. Cancelling an awaiting task kills its worker."""

    async def lay_out(self, source: str, description: str, tables: tuple[Table, ...]) -> None:
        """Write what dbt must know of a source: its definition, a staging model for each table.

        Files that somebody has edited are left alone. Raises WorkFailed.
        """
        ...

    async def take_out(self, source: str) -> None:
        """Remove what was written for a source that is no more, unless something reads it.

        Raises WorkFailed.
        """
        ...

    async def build(self, build: Build, on_building: OnBuilding) -> Built:
        """Build models, one after the other, each published by itself."""
        ...

    async def names(self, model: str) -> bool:
        """Whether a model of this name may be in the project; far cheaper than to read it."""
        ...

    async def read(self, schemas: dict[str, str]) -> ProjectRead:
        """Read which models there are, and what reads them."""
        ...

    async def document(self) -> None:
        """Make the documentation anew."""
        ...

    async def documented(self) -> bool:
        """Whether the documentation is as new as the last run."""
        ...
