"""Which models the dbt project has, and what it says of sources, as its people wrote them.

The dbt project is the people's; this is what the platform read in it. A reading is compared with
what is known, and only what differs happened. Seeds and snapshots count as models: they are built
by the same runs, and other models read them.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final, TypeVar

import msgspec
from msgspec.structs import replace

from domain.kernel import Boundary, Event, Recorded, Refused, about

EXPOSURES_MAX: Final = 1_000  # that are told of; the others of a project are not
DESCRIBED_MAX: Final = 5_000  # tables of sources that are told of
CODE_CHARS_MAX: Final = 50_000  # of a model's code that an event holds
ALL: Final = "model-definitions"  # the tag of everything that changes which models there are


class ModelColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column that the project describes."""

    name: str
    description: str = ""
    data_type: str | None = None


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One model as the project defines it."""

    name: str
    unique_id: str  # dbt's own, such as model.shop.orders_by_day
    kind: str = "model"  # or seed, snapshot
    path: str = ""  # below the project's dbt folder
    layer: str = ""  # staging, intermediate, marts, or that of its schema
    materialization: str = ""
    database: str = ""
    schema: str = ""
    relation: str = ""  # the table's name, which an alias may make another one
    description: str = ""
    labels: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()  # unique ids
    sources: tuple[str, ...] = ()  # of the platform, from which its rows come, however far
    columns: tuple[ModelColumn, ...] = ()
    tests: tuple[str, ...] = ()
    checksum: str = ""  # of the code
    code: str = ""  # as it is written; the first part of what is too long


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """Something outside that reads models, as the project says: a dashboard, a notebook.

    Who owns it is left out: that is a person's name and address.
    """

    name: str
    unique_id: str  # dbt's own, such as exposure.shop.weekly_report
    type: str = ""  # dashboard, notebook, analysis, ml, application
    label: str = ""  # its name for people
    path: str = ""
    description: str = ""
    labels: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()  # unique ids


class SourceTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table of a source, as somebody described it in the dbt project.

    One of which nothing is said but which columns it has is left out: the platform knows these.
    """

    unique_id: str  # dbt's own, such as source.shop.orders.orders
    schema: str  # where it lies, as dbt reads it
    relation: str
    path: str = ""
    description: str = ""
    labels: tuple[str, ...] = ()
    columns: tuple[ModelColumn, ...] = ()  # those that are described

    @property
    def told(self) -> bool:
        """Whether anything is said of it."""
        return bool(self.description or self.labels or self.columns)


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _ModelEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "dbt.view"
    model: str

    def stream(self) -> str:
        return f"model:{self.model}"

    def labels(self) -> tuple[str, ...]:
        return (ALL,)


class ModelRegistered(_ModelEvent, frozen=True, kw_only=True, tag="model_registered"):
    """A model appeared in the dbt project."""

    config: Model


class ModelReconfigured(_ModelEvent, frozen=True, kw_only=True, tag="model_reconfigured"):
    """A model was changed; `changed` names the fields."""

    config: Model
    changed: tuple[str, ...]


class ModelRemoved(_ModelEvent, frozen=True, kw_only=True, tag="model_removed"):
    """A model is no longer in the dbt project. Its table stays in the warehouse."""


class ExposuresDeclared(Event, frozen=True, kw_only=True, tag="exposures_declared"):
    """The dbt project now names these as what reads its models, and no others."""

    permission: ClassVar[str] = "dbt.view"
    exposures: tuple[Exposure, ...]

    def stream(self) -> str:
        return "dbt:exposures"

    def labels(self) -> tuple[str, ...]:
        return (ALL,)


class _SourceTableEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "dbt.view"

    def stream(self) -> str:
        return "dbt:sources"

    def labels(self) -> tuple[str, ...]:
        return (ALL,)


class SourceTableDescribed(_SourceTableEvent, frozen=True, kw_only=True, tag="table_described"):
    """The dbt project now says this of a table of a source."""

    table: SourceTable


class SourceTableUndescribed(_SourceTableEvent, frozen=True, kw_only=True, tag="table_undescribed"):
    """The dbt project says nothing of it any more."""

    unique_id: str


EVENTS: Final[tuple[type[Event], ...]] = (
    ModelRegistered,
    ModelReconfigured,
    ModelRemoved,
    ExposuresDeclared,
    SourceTableDescribed,
    SourceTableUndescribed,
)


Known = TypeVar("Known")


class Models(msgspec.Struct, frozen=True):
    """What is known."""

    known: Mapping[str, Model] = {}
    exposures: tuple[Exposure, ...] = ()
    tables: Mapping[str, SourceTable] = {}  # by unique id


def evolve(state: Models, recorded: Recorded) -> Models:
    """Fold one event."""
    match recorded.event:
        case (
            ModelRegistered(model=name, config=config)
            | ModelReconfigured(model=name, config=config)
        ):
            return replace(state, known={**state.known, name: config})
        case ModelRemoved(model=name):
            return replace(state, known=_without(state.known, name))
        case ExposuresDeclared(exposures=exposures):
            return replace(state, exposures=exposures)
        case SourceTableDescribed(table=table):
            return replace(state, tables={**state.tables, table.unique_id: table})
        case SourceTableUndescribed(unique_id=unique_id):
            return replace(state, tables=_without(state.tables, unique_id))
        case _:
            return state


def _without(known: Mapping[str, Known], key: str) -> dict[str, Known]:
    return {each: value for each, value in known.items() if each != key}


def boundary() -> Boundary:
    """Everything about which models there are."""
    return about(ALL)


def apply(
    state: Models,
    wanted: Iterable[Model],
    exposures: Iterable[Exposure] = (),
    tables: Iterable[SourceTable] = (),
) -> list[Event]:
    """What happened, when the dbt project now reads `wanted`."""
    new = {model.name: model for model in wanted}
    events: list[Event] = [ModelRemoved(model=name) for name in state.known if name not in new]
    for name, model in new.items():
        before = state.known.get(name)
        if before is None:
            events.append(ModelRegistered(model=name, config=model))
        elif changed := _changed(before, model):
            events.append(ModelReconfigured(model=name, config=model, changed=changed))
    told = tuple(sorted(exposures, key=lambda each: each.unique_id)[:EXPOSURES_MAX])
    if told != state.exposures:
        events.append(ExposuresDeclared(exposures=told))
    return [*events, *_described(state, tables)]


def _described(state: Models, tables: Iterable[SourceTable]) -> list[Event]:
    """What is said of tables of sources now, and was not before."""
    first = sorted((each for each in tables if each.told), key=lambda each: each.unique_id)[
        :DESCRIBED_MAX
    ]
    new = {each.unique_id: each for each in first}
    gone = [key for key in sorted(state.tables) if key not in new]
    return [
        *(SourceTableUndescribed(unique_id=key) for key in gone),
        *(SourceTableDescribed(table=new[k]) for k in new if new[k] != state.tables.get(k)),
    ]


def _changed(before: Model, after: Model) -> tuple[str, ...]:
    return tuple(f for f in Model.__struct_fields__ if getattr(before, f) != getattr(after, f))


class ModelMissing(Refused):
    """No model has this name."""

    def __init__(self, model: str) -> None:
        super().__init__(f"Model '{model}' not found.")
