"""Where the columns of a model's table come from, as the code that built it says.

Lineage decides what is masked, so it errs on one side alone: a column names every column that it
may come from. Where the code cannot be followed, it names whole tables; where not even these are
known, the table is opaque, and may hold anything.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

ORIGINS_MAX: Final = 5_000  # of one table; then whole tables are named instead of their columns


class Origin(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A column that something comes from; without a name, all columns of the table."""

    schema: str
    table: str
    column: str = ""


class Derived(msgspec.Struct, frozen=True, kw_only=True):
    """A column, and what its values may come from."""

    column: str
    origins: tuple[Origin, ...] = ()


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """All columns of a table. `adds`: its earlier rows stay, whatever code made them."""

    schema: str
    table: str
    columns: tuple[Derived, ...] = ()
    opaque: bool = False
    adds: bool = False


def bounded(lineage: Lineage) -> Lineage:
    """The same within bounds: it names whole tables where it would name too many columns."""
    if sum(len(column.origins) for column in lineage.columns) <= ORIGINS_MAX:
        return lineage
    columns = tuple(
        Derived(column=each.column, origins=_tables(each.origins)) for each in lineage.columns
    )
    if sum(len(column.origins) for column in columns) <= ORIGINS_MAX:
        return msgspec.structs.replace(lineage, columns=columns)
    names = tuple(Derived(column=each.column) for each in columns)
    return msgspec.structs.replace(lineage, columns=names, opaque=True)


def merged(one: Lineage, other: Lineage) -> Lineage:
    """What may come from either."""
    origins: dict[str, set[Origin]] = {}
    for each in (*one.columns, *other.columns):
        origins.setdefault(each.column, set()).update(each.origins)
    columns = tuple(
        Derived(column=name, origins=tuple(sorted(found))) for name, found in origins.items()
    )
    both = msgspec.structs.replace(other, columns=columns, opaque=one.opaque or other.opaque)
    return bounded(both)


def _tables(origins: Iterable[Origin]) -> tuple[Origin, ...]:
    return tuple(sorted({Origin(schema=each.schema, table=each.table) for each in origins}))
