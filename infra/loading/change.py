"""What a commit is going to do to one table."""

from datetime import datetime

import msgspec

from domain.datasets import Column, Drift, Retyped
from infra.loading.staged import LINEAGE
from infra.warehouse import tables

VALID = (
    Column(name="_dango_valid_from", type="TIMESTAMP WITH TIME ZONE"),
    Column(name="_dango_valid_to", type="TIMESTAMP WITH TIME ZONE"),
)
OWN = frozenset(column.name for column in (*LINEAGE, *VALID))


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one table. `columns` are all that it has afterwards."""

    name: tables.Name
    write: str
    columns: tuple[Column, ...]
    before: tuple[Column, ...] = ()  # empty: there is no such table yet
    paths: tuple[str, ...] = ()
    rows: int = 0  # in them
    keys: tuple[str, ...] = ()
    gone_files: tuple[str, ...] = ()
    owners: str = ""
    rewritten: str | None = None  # the rows of before in their new types
    at: datetime | None = None  # when versions of `scd2` begin and end
    missing: tuple[str, ...] = ()  # columns that the input does not have

    @property
    def added(self) -> tuple[Column, ...]:
        """Columns that the table did not have."""
        old = {column.name for column in self.before}
        return tuple(column for column in self.columns if column.name not in old)

    @property
    def drift(self) -> Drift | None:
        """What a person should hear of; a new table is none of it."""
        if not self.before or not self.rows:
            return None
        retyped = tuple(
            Retyped(name=old.name, before=old.type, after=new.type) for old, new in self.retyped
        )
        if not (self.added or self.missing or retyped):
            return None
        table = self.name.table
        return Drift(table=table, added=self.added, missing=self.missing, retyped=retyped)

    @property
    def retyped(self) -> tuple[tuple[Column, Column], ...]:
        """Columns that get another type: before and after."""
        new = {column.name: column for column in self.columns}
        pairs = ((old, new[old.name]) for old in self.before if old.name in new)
        return tuple((old, now) for old, now in pairs if old != now)
