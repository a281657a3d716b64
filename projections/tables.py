"""The published tables by the names that people give them: of sources, and of models."""

from datetime import datetime

import msgspec

from domain.datasets import Column
from projections import models, sources
from projections.engine import Reader


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A table of a source or of a model, as it was published last."""

    owner: str  # the source's name, or the model's
    schema: str
    name: str
    row_count: int | None
    columns: tuple[Column, ...]
    descriptions: dict[str, str]  # of columns
    at: datetime | None


def find(reader: Reader, owner: str, table: str) -> Published | None:
    """A table of a source, or of a schema of models; None when nothing of it is published."""
    health = sources.one(reader, owner)
    if health is not None:
        for each in health.tables:
            if each.name == table:
                return Published(
                    owner=owner,
                    schema=each.schema,
                    name=each.name,
                    row_count=each.row_count,
                    columns=each.columns,
                    descriptions=models.of_columns(
                        models.described_as(reader, each.schema, each.name), each.columns
                    ),
                    at=health.synced_at,
                )
        return None
    name = models.of_relation(reader, owner, table)
    state = None if name is None else models.one(reader, name)
    return None if state is None else of_model(state)


def of_model(state: models.ModelState) -> Published | None:
    """The table of a model; None before its first run."""
    if not state.columns:
        return None
    return Published(
        owner=state.config.name,
        schema=state.config.schema,
        name=state.config.relation,
        row_count=state.rows,
        columns=state.columns,
        descriptions={each.name: each.description for each in state.config.columns},
        at=state.at,
    )
