"""What a statement can name: the tables of the warehouse with their columns, as text and as SQL."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from domain.datasets import Column
from projections import models, sources
from projections.engine import Reader

TABLES_MAX: Final = 2_000
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What DuckDB takes for a word of the language wherever a name may stand.
_RESERVED: Final = """
all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by
case cast check collate collation column columns concurrently constraint create cross default
deferrable desc describe distinct do else end except false fetch for foreign freeze from full
generated glob group having ilike in initially inner intersect into is isnull join lambda lateral
leading left like limit map natural not notnull null offset on only or order outer overlaps pivot
pivot_longer pivot_wider placing positional primary qualify references returning right select
semi show similar some struct summarize symmetric table tablesample then to trailing true
try_cast union unique unpack unpivot using variadic verbose when where window with"""
RESERVED: Final = frozenset(_RESERVED.split())


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A column: its name, the name as SQL, its type."""

    name: str
    sql: str
    type: str


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table; `schema` and `table` are its names as SQL, and `sql` both of them."""

    name: str
    schema: str
    table: str
    sql: str
    columns: tuple[Named, ...]


def tables(reader: Reader) -> tuple[Table, ...]:
    """Models first, then what came in."""
    built = [
        _table(state.config.schema, state.config.relation or state.config.name, state.columns)
        for state in models.every(reader)
        if state.columns
    ]
    loaded = [
        _table(table.schema, table.name, table.columns)
        for health in sources.every(reader)
        for table in health.tables
    ]
    return tuple(sorted(built, key=lambda t: t.name) + loaded)[:TABLES_MAX]


def quoted(name: str) -> str:
    """A name as it stands in a statement: in quotes only where it must be."""
    if _PLAIN.fullmatch(name) and name.lower() not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def _table(schema: str, name: str, columns: Sequence[Column]) -> Table:
    return Table(
        name=f"{schema}.{name}",
        schema=quoted(schema),
        table=quoted(name),
        sql=f"{quoted(schema)}.{quoted(name)}",
        columns=tuple(Named(name=c.name, sql=quoted(c.name), type=c.type) for c in columns),
    )
