"""Sources that are databases: where, as whom, which tables, and what is new in each."""

from collections.abc import Iterator
from typing import Annotated, Final, Literal

import msgspec

from domain.source_types.block import Block
from domain.source_types.files import OUTSIDE, of_people
from domain.source_types.secret import SecretUrl

TABLES_MAX: Final = 2_000

Write = Literal["replace", "append", "merge"]


class DatabaseTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table or view. With a `cursor`, only what came since the last run is read."""

    name: str
    cursor: str | None = None  # a column that only grows
    primary_key: str | tuple[str, ...] = ()  # the database's own when empty
    write_disposition: Write | None = None  # merge with a cursor and a key, else append, replace
    initial_value: str | int | float | None = None  # of the cursor, for the first run
    columns: tuple[str, ...] = ()  # all when empty

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns of the primary key."""
        return (self.primary_key,) if isinstance(self.primary_key, str) else self.primary_key


class TablesBlock(Block, frozen=True, kw_only=True):
    """What all databases take."""

    tables: Annotated[tuple[str | DatabaseTable, ...], msgspec.Meta(max_length=TABLES_MAX)] = ()
    lookback_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 0
    notes: str | None = None

    def chosen(self) -> tuple[DatabaseTable, ...]:
        """The tables that are named; none means all."""
        return tuple(
            DatabaseTable(name=one) if isinstance(one, str) else one for one in self.tables
        )

    def faults(self) -> Iterator[tuple[str, str]]:
        """As the block says."""
        names: set[str] = set()
        for number, one in enumerate(self.chosen()):
            at = f".tables[{number}]"
            if one.name in names:
                yield f"{at}.name", "is there twice"
            names.add(one.name)
            if one.write_disposition == "append" and one.cursor is None:
                yield f"{at}.cursor", "is needed to append"
            if one.write_disposition == "replace" and one.cursor is not None:
                yield f"{at}.write_disposition", "must not be replace where only new rows are read"


class DatabaseBlock(TablesBlock, frozen=True, kw_only=True):
    """`postgres`, `mysql`, `sql_database`: a database that is reached over the network."""

    credentials: SecretUrl  # a SQLAlchemy URL
    schema: str | None = None


class SqliteBlock(TablesBlock, frozen=True, kw_only=True):
    """`sqlite`: a database file of the project."""

    path: str

    def faults(self) -> Iterator[tuple[str, str]]:
        """As the block says."""
        if not of_people(self.path):
            yield ".path", OUTSIDE
        yield from TablesBlock.faults(self)
