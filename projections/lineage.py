"""Where the columns of models come from: by the code that built a table last, and by any before.

A table stays in the warehouse when its model is gone, and so does what is known of it here: what
is masked depends on it.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from domain import datasets, lineage, model_runs
from domain.kernel import Recorded
from domain.lineage import Derived, Lineage, Origin
from projections import models
from projections.engine import Projection, Reader, Rows, Table

LINEAGE: Final = Table(
    name="model_lineage",
    columns={
        "schema_name": "TEXT NOT NULL",
        "table_name": "TEXT NOT NULL",
        "model": "TEXT NOT NULL",  # that built it last
        "now": "TEXT NOT NULL",  # domain.lineage.Lineage as JSON
        "ever": "TEXT NOT NULL",  # the same of all that built it
    },
    key=("schema_name", "table_name"),
)
READ: Final = ("model_lineage",)
TABLES_KEPT_MAX: Final = 10_000  # as they are read from their rows
NAMES_KEPT_MAX: Final = 10_000  # in lower case

Key = tuple[str, str, str]  # schema, table, column
Place = tuple[str, str]  # schema, table
Reads = Mapping[str, Sequence[Key]]  # what one table makes of each column of another
Edges = Mapping[Place, Sequence[Reads]]

_json: Final = msgspec.json.Encoder().encode
_lineage: Final = msgspec.json.Decoder(Lineage)
_model: Final = msgspec.json.Decoder(models.Defined)


def _completed(rows: Rows, e: model_runs.ModelCompleted, _: Recorded) -> None:
    found = e.lineage or _unknown(rows, e)
    if e.status != "success" or found is None:
        return
    before = rows.get(LINEAGE, (found.schema, found.table))
    ever = found
    if before is not None:
        ever = lineage.merged(_lineage.decode(before["ever"]), found)
        if found.adds:
            found = lineage.merged(_lineage.decode(before["now"]), found)
    rows.put(
        LINEAGE,
        schema_name=found.schema,
        table_name=found.table,
        model=e.model,
        now=_json(found).decode(),
        ever=_json(ever).decode(),
    )


def _unknown(rows: Rows, e: model_runs.ModelCompleted) -> Lineage | None:
    """Of a table that was built before its lineage was told: it may hold anything."""
    row = rows.get(models.MODELS, e.model)
    if row is None:
        return None
    config = _model.decode(row["config"])
    columns = tuple(Derived(column=column.name) for column in e.columns)
    return Lineage(schema=config.schema, table=config.relation, columns=columns, opaque=True)


PROJECTION: Final = Projection(
    name="lineage", tables=(LINEAGE,), on={model_runs.ModelCompleted: _completed}
)


class TableOf(msgspec.Struct, frozen=True, kw_only=True):
    """A table that a model was built as, with its columns by name."""

    model: str
    schema: str
    table: str
    columns: Mapping[str, tuple[Origin, ...]]
    opaque: bool


def tables(reader: Reader, *, ever: bool = False) -> tuple[TableOf, ...]:
    """All tables of models, by schema and name."""
    return reader.kept(READ, _tables, ever) or ()


def one(reader: Reader, schema: str, table: str) -> TableOf | None:
    """One table of a model, as it was built last."""
    for each in tables(reader):
        if (each.schema, each.table) == (schema, table):
            return each
    return None


def reached(
    reader: Reader, masked: Iterable[Key], plain: Iterable[Key], *, ever: bool
) -> frozenset[Key]:
    """The columns of models that may come from masked ones, but for those that are `plain`.

    An opaque table may come from anything: as soon as something is masked, all of it is. What comes
    from the program's own bookkeeping (names of files, values of cursors) is masked always: nobody
    scans it, and nobody can ask it by itself.
    """
    stopped = frozenset(map(_fold, plain))
    edges = reader.kept(READ, _edges, ever) or {}
    found: set[Key] = set()
    waiting = [*masked]
    if waiting:
        waiting.append(ANYTHING)
    for (schema, table), parts in edges.items():
        if schema == datasets.BOOKKEEPING:
            waiting += [(schema, table, column) for part in parts for column in part]
    seen: set[Key] = set()
    while waiting:
        key = waiting.pop()
        schema, table, column = _fold(key)
        for origin in {(schema, table, column), (schema, table, "")} - seen:
            seen.add(origin)
            for derived in _derived(edges, origin):
                if _fold(derived) not in stopped and derived not in found:
                    found.add(derived)
                    waiting.append(derived)
    return frozenset(found)


def _derived(edges: Edges, origin: Key) -> Iterator[Key]:
    for part in edges.get(origin[:2], ()):
        yield from part.get(origin[2], ())


_NOW: Final = "SELECT model, now FROM model_lineage ORDER BY schema_name, table_name"
_EVER: Final = "SELECT model, ever FROM model_lineage ORDER BY schema_name, table_name"
ANYTHING: Final[Key] = ("", "", "*")  # what the columns of opaque tables come from


def _tables(reader: Reader, ever: bool) -> tuple[TableOf, ...]:  # noqa: FBT001 - a key of the answer
    return tuple(_table(model, told)[0] for model, told in reader.rows(_EVER if ever else _NOW))


def _edges(reader: Reader, ever: bool) -> Edges:  # noqa: FBT001 - a key of the answer
    """What comes from each column, and from each table as a whole."""
    edges: dict[Place, list[Reads]] = {}
    for model, told in reader.rows(_EVER if ever else _NOW):
        for place, part in _table(model, told)[1].items():
            edges.setdefault(place, []).append(part)
    return edges


@functools.lru_cache(maxsize=TABLES_KEPT_MAX)
def _table(model: str, text: str) -> tuple[TableOf, Mapping[Place, Reads]]:
    """A table, and what it reads of each other; few change from one look to the next.

    The columns of an opaque one come from anything.
    """
    found = _lineage.decode(text)
    read: dict[Place, dict[str, list[Key]]] = {}
    for each in found.columns:
        derived = found.schema, found.table, each.column
        sources = [_fold((o.schema, o.table, o.column)) for o in each.origins]
        for schema, name, column in [*sources, ANYTHING] if found.opaque else sources:
            read.setdefault((schema, name), {}).setdefault(column, []).append(derived)
    table = TableOf(
        model=model,
        schema=found.schema,
        table=found.table,
        columns={each.column: each.origins for each in found.columns},
        opaque=found.opaque,
    )
    return table, read


def _fold(key: Key) -> Key:
    """As the engine compares names: the ASCII letters alone have a case."""
    schema, table, column = key
    return _lower(schema), _lower(table), _lower(column)


@functools.lru_cache(maxsize=NAMES_KEPT_MAX)
def _lower(name: str) -> str:
    return name.encode().lower().decode()
