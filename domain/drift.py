"""How the columns of a source change from one publication to the next, and who is to agree.

What is new breaks nothing. What goes, or gets a type that does not hold all of its earlier values,
may break what is built on it: such a change is pending until somebody accepts it or it is undone,
and the source's dependent models are held back meanwhile. The first publication drifts from
nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Final, TypeVar

import msgspec

from domain import datasets, inputs, sources, syncs
from domain.kernel import Boundary, Clause, Event, Recorded, Refused, about

T = TypeVar("T")

ALL: Final = "drift"  # the tag of everything that changes what is held back
WHOLE: Final = "TABLE"  # stands for the type where a whole table came or went
OWN: Final = "_dango_"  # how the names of columns begin that no input has
# Each type holds all values of those before it.
_WIDTHS: Final = (
    ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
    ("UTINYINT", "SMALLINT"),
    ("USMALLINT", "INTEGER"),
    ("UINTEGER", "BIGINT"),
    ("UBIGINT", "HUGEINT"),
    ("FLOAT", "DOUBLE"),
)
_DECIMAL: Final = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")

Key = tuple[str, str, str | None]  # schema, table, column; no column: the table itself


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one column, by its type before and after; None where there is none.

    Without a column, what became of the table. A column that the input lacks, while the table keeps
    what it has of it, has gone too.
    """

    schema: str
    table: str
    column: str | None = None
    before: str | None = None
    after: str | None = None

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.schema, self.table, self.column

    @property
    def kind(self) -> str:
        """column_added, column_removed, type_changed, table_added, table_removed."""
        what = "table" if self.column is None else "column"
        if self.before is None:
            return f"{what}_added"
        return f"{what}_removed" if self.after is None else "type_changed"

    @property
    def breaking(self) -> bool:
        """Whether something that is built on it may not work any more."""
        if self.before is None:
            return False
        return self.after is None or not widens(self.before, self.after)


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _DriftEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "governance.view"
    source: str

    def stream(self) -> str:
        return f"source:{self.source}"

    def labels(self) -> tuple[str, ...]:
        return (ALL,)


class DriftDetected(_DriftEvent, frozen=True, kw_only=True, tag="drift_detected"):
    """A publication has other columns than the one before it."""

    job: int
    changes: tuple[Change, ...]
    pending: tuple[Change, ...] = ()  # all breaking ones that nobody has accepted, these included


class DriftAccepted(_DriftEvent, frozen=True, kw_only=True, tag="drift_accepted"):
    """Somebody agrees to what was pending; dependent models are held back no more."""

    changes: tuple[Change, ...]


EVENTS: Final[tuple[type[Event], ...]] = (DriftDetected, DriftAccepted)

Shape = Mapping[Key, str]  # types of columns, WHOLE of tables


class Drifts(msgspec.Struct, frozen=True):
    """By source: what its last publication looked like, what went, what is pending."""

    known: frozenset[str] = frozenset()
    seen: Mapping[str, Shape] = {}
    gone: Mapping[str, frozenset[Key]] = {}
    pending: Mapping[str, tuple[Change, ...]] = {}
    accepted: frozenset[str] = frozenset()


def evolve(state: Drifts, recorded: Recorded) -> Drifts:
    """Fold one event."""
    replace = msgspec.structs.replace
    match recorded.event:
        case sources.SourceRegistered(source=name):
            return replace(state, known=state.known | {name})
        case sources.SourceRemoved(source=name):
            return _forget(state, name)
        case syncs.SyncCompleted(source=name, tables=tables):
            return replace(state, seen={**state.seen, name: _shape(tables)})
        case DriftDetected(source=name, changes=changes, pending=pending):
            gone = set(state.gone.get(name, ()))
            gone.difference_update(change.key for change in changes if change.after is not None)
            gone.update(change.key for change in changes if change.after is None)
            return replace(
                state,
                gone={**state.gone, name: frozenset(gone)},
                pending={**_without(state.pending, name), **({name: pending} if pending else {})},
            )
        case DriftAccepted(source=name):
            return replace(
                state,
                pending=_without(state.pending, name),
                accepted=state.accepted | {name},
            )
        case _:
            return state


def _forget(state: Drifts, source: str) -> Drifts:
    """What a source of the same name brings later drifts from nothing."""
    return Drifts(
        known=state.known - {source},
        seen=_without(state.seen, source),
        gone=_without(state.gone, source),
        pending=_without(state.pending, source),
        accepted=state.accepted - {source},
    )


def _without(known: Mapping[str, T], source: str) -> dict[str, T]:
    return {name: value for name, value in known.items() if name != source}


def boundary(source: str) -> Boundary:
    """All that happened to this source."""
    return about(f"source:{source}")


def holding() -> Boundary:
    """What decides which sources are held back, for the decisions of others."""
    there = (sources.SourceRegistered, sources.SourceRemoved)
    return (Clause(EVENTS, (ALL,)), Clause(there, (sources.ALL,)))


def held(state: Drifts) -> frozenset[str]:
    """The sources whose dependent models are not to be built."""
    return frozenset(state.pending)


def detect(
    state: Drifts, published: syncs.SyncCompleted, told: Iterable[inputs.ColumnsDrifted] = ()
) -> list[Event]:
    """What is other than at the last publication; `told` is what the input itself lacks."""
    source = published.source
    before = state.seen.get(source)
    if before is None:
        return []
    after = _shape(published.tables)
    gone = state.gone.get(source, frozenset())  # what went is told once
    found: dict[Key, Change] = {}
    for change in (*_compared(before, after), *_lacking(after, published, told)):
        if change.after is not None or change.key not in gone:
            found.setdefault(change.key, change)
    if not found:
        return []
    changes = tuple(found.values())
    pending = _merged(state.pending.get(source, ()), changes)
    return [DriftDetected(source=source, job=published.job, changes=changes, pending=pending)]


def accept(state: Drifts, source: str) -> list[Event]:
    """Agree to all that is pending. Raises SourceMissing, NoDrift."""
    if source not in state.known:
        raise sources.SourceMissing(source)
    if pending := state.pending.get(source):
        return [DriftAccepted(source=source, changes=pending)]
    if source in state.accepted:
        return []
    raise NoDrift(source)


def widens(before: str, after: str) -> bool:
    """Whether a type holds every value of another one, of the same kind."""
    old, new = _DECIMAL.fullmatch(before), _DECIMAL.fullmatch(after)
    if old is not None and new is not None:
        whole = int(new[1]) - int(new[2]) >= int(old[1]) - int(old[2])
        return whole and int(new[2]) >= int(old[2])
    reached = {before}
    for _ in _WIDTHS:
        for chain in _WIDTHS:
            for name in reached & set(chain):
                reached |= set(chain[chain.index(name) :])
    return after in reached


def _shape(tables: Sequence[datasets.Table]) -> Shape:
    shape: dict[Key, str] = {}
    for table in tables:
        shape[table.schema, table.name, None] = WHOLE
        for column in table.columns:
            if not column.name.startswith(OWN):
                shape[table.schema, table.name, column.name] = column.type
    return shape


def _compared(before: Shape, after: Shape) -> Iterator[Change]:
    """What differs. Of a table that came or went, its columns are not told one by one."""
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        schema, table, column = key
        whole = schema, table, None
        if old != new and (column is None or (whole in before and whole in after)):
            yield Change(schema=schema, table=table, column=column, before=old, after=new)


def _lacking(
    after: Shape, published: syncs.SyncCompleted, told: Iterable[inputs.ColumnsDrifted]
) -> Iterator[Change]:
    """Columns that the table has, and what was read for it has not any more."""
    schemas = {table.name: table.schema for table in published.tables}
    for drift in (each.drift for each in told):
        schema = schemas.get(drift.table, "")
        for name in drift.missing:
            kind = after.get((schema, drift.table, name))
            if kind is not None:
                yield Change(schema=schema, table=drift.table, column=name, before=kind)


def _merged(pending: Sequence[Change], changes: Sequence[Change]) -> tuple[Change, ...]:
    """What is pending now: what was undone is no more, what changed twice is one change."""
    found = {change.key: change for change in pending}
    for change in changes:
        known = found.pop(change.key, None)
        if known is not None:
            change = msgspec.structs.replace(change, before=known.before)  # noqa: PLW2901 - since
        if change.before != change.after and change.breaking:
            found[change.key] = change
    return tuple(found.values())


class NoDrift(Refused):
    """Nothing is pending."""

    def __init__(self, source: str) -> None:
        super().__init__(f"No pending drift for '{source}'.")
