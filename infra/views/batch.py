"""The rows that a batch of events works on: read once, changed in memory, written at its end.

Here the past is made: a row that changes or goes is kept as it was, from the position that made it
until the one that ended it. Many events to one row cost one write of it, and of each version.
"""

import contextlib
import functools
import operator
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from infra import many
from infra.views import schema
from projections.engine import Projection, Table, Told, Unapplicable

ROWS_CACHED_MAX: Final = 20_000  # over all tables; the ones not used of late are forgotten

_insert: Final = functools.cache(schema.insert)
_upsert: Final = functools.cache(schema.upsert)
_keep: Final = functools.cache(schema.keep)
_delete: Final = functools.cache(schema.delete)
_select: Final = functools.cache(schema.select)

Values = tuple[Any, ...]
Key = tuple[Any, ...]


class _Row(msgspec.Struct):
    values: Values | None  # None: there is no such row
    since: int
    told: Mapping[str, Any] | None = None  # the values by name, for those who have asked


class _Work:
    """What is known of one table, and what is to be written."""

    def __init__(self, table: Table, *, whole: bool) -> None:
        self.table = table
        self.pick = _picker(tuple(table.columns))
        self.key = _picker(table.key)
        self.places = {name: place for place, name in enumerate(table.columns)}
        self.rows: dict[Key, _Row] = {}
        self.older: dict[Key, _Row] = {}  # not used since the last time that many were known
        self.whole = whole  # all rows that there are, are known: others need not be looked for
        self.added: set[Key] = set()  # rows that were not there before the batch
        self.dirty: set[Key] = set()  # further ones that have changed
        self.ended: list[Values] = []  # values, since, until
        self.grown: list[Values] = []

    def age(self) -> None:
        """Forget the rows that were not used of late."""
        rows = self.rows
        if any(row.values is not None and key not in rows for key, row in self.older.items()):
            self.whole = False
        self.older, self.rows = self.rows, {}


class Batch:
    """The `Rows` port over a connection. `since` is the position that is being applied."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._tables: dict[str, _Work] = {}
        self._written: set[str] = set()  # names of tables, in the open transaction
        self.since = 0

    # the Rows port

    def put(self, table: Table, **values: Any) -> None:
        """As the port says."""
        work = self._tables.get(table.name) or self._work(table)
        if table.grows is not None:
            work.grown.append(work.pick(values))
            if len(work.grown) == many.ROWS_A_STATEMENT:
                self._grow(work)  # while they are in the processor's cache
        else:
            key = work.key(values)
            self._set(work, key, work.rows.get(key) or self._row(work, key), work.pick(values))

    def add(self, table: Table, **values: Any) -> None:
        """As the port says."""
        work = self._tables.get(table.name) or self._work(table)
        key = work.key(values)
        if key in work.rows:
            self.put(table, **values)
        else:
            work.rows[key] = _Row(work.pick(values), self.since)
            work.added.add(key)

    def change(self, table: Table, key: Key | str | int, **values: Any) -> bool:
        """As the port says."""
        work = self._tables.get(table.name) or self._work(table)
        whole = key if isinstance(key, tuple) else (key,)
        row = work.rows.get(whole) or self._row(work, whole)
        if row.values is None:
            return False
        changed, places = list(row.values), work.places
        for name, value in values.items():
            changed[places[name]] = value
        self._set(work, whole, row, tuple(changed))
        return True

    def remove(self, table: Table, *keys: Key, **match: Any) -> None:
        """As the port says."""
        work = self._tables.get(table.name) or self._work(table)
        for key in keys or self._matching(work, match):
            if work.whole and key not in work.rows and key not in work.older:
                continue  # as mostly: what is done with is removed, whether or not it was there
            row = self._row(work, key)
            if row.values is not None:
                self._set(work, key, row, None)

    def clear(self, table: Table) -> None:
        """As the port says."""
        work = self._tables.get(table.name) or self._work(table)
        for key in self._matching(work, {}):
            self._set(work, key, self._row(work, key), None)

    def get(self, table: Table, key: Key | str | int) -> Mapping[str, Any] | None:
        """As the port says."""
        work = self._tables.get(table.name) or self._work(table)
        whole = key if isinstance(key, tuple) else (key,)
        row = work.rows.get(whole) or self._row(work, whole)
        if row.values is None:
            return None
        if row.told is None:
            row.told = dict(zip(table.columns, row.values, strict=True))
        return row.told

    # a batch

    def index(self, projection: Projection) -> Callable[[int, str, Told, str | None], None]:
        """What takes each event, in this transaction, for a projection that has a row of every one.

        It raises Unapplicable.
        """
        (table,), make = projection.tables, projection.row
        if make is None:
            raise ValueError(f"{projection.name} has no row of every event")
        work = self._tables.get(table.name) or self._work(table)

        def add(position: int, kind: str, told: Told, named: str | None) -> None:
            grown = work.grown
            try:
                grown.append(make(position, kind, told, named))
            except Exception as error:
                raise Unapplicable.by(error, position, projection.name) from error
            if len(grown) == many.ROWS_A_STATEMENT:
                self._grow(work)

        return add

    def write(self) -> set[str]:
        """Write all that has changed, within the open transaction; answers the tables' names.

        Raises Unapplicable.
        """
        for work in self._tables.values():
            self._write(work)
        if sum(len(work.rows) for work in self._tables.values()) > ROWS_CACHED_MAX // 2:
            for work in self._tables.values():
                work.age()
        written, self._written = self._written, set()
        return written

    def forget(self) -> None:
        """Forget all rows, written or not."""
        self._written.clear()
        self._tables.clear()

    def _work(self, table: Table) -> _Work:
        work = self._tables.get(table.name)
        if work is None:
            work = self._tables[table.name] = _Work(table, whole=self._empty(table))
        return work

    def _empty(self, table: Table) -> bool:
        if table.grows is not None:
            return False  # nothing is ever looked for there
        return self._database.execute(f"SELECT 1 FROM {table.name} LIMIT 1").fetchone() is None  # noqa: S608 - constants

    def _matching(self, work: _Work, match: Mapping[str, Any]) -> Sequence[Key]:
        """The keys of the rows whose columns have these values; of a whole key, that key.

        Without values, of all rows.
        """
        table = work.table
        if tuple(match) == table.key:
            return (tuple(match.values()),)
        self._write(work)
        found = self._database.execute(_select(table, tuple(match)), tuple(match.values()))
        return [work.key(dict(zip(table.columns, values, strict=False))) for values in found]

    def _row(self, work: _Work, key: Key) -> _Row:
        row = work.rows.get(key) or work.older.get(key)
        if row is None:
            if work.whole:
                return _Row(None, 0)
            table = work.table
            found = self._database.execute(_select(table, table.key), key).fetchone()
            row = _Row(None, 0) if found is None else _Row(found[:-1], found[-1])
        work.rows[key] = row
        return row

    def _set(self, work: _Work, key: Key, row: _Row, values: Values | None) -> None:
        if row.values == values:
            return
        work.rows[key] = row
        if row.values is not None and row.since < self.since:
            work.ended.append((*row.values, row.since, self.since))
            if len(work.ended) == many.ROWS_A_STATEMENT:
                self._end(work)
        row.values, row.since, row.told = values, self.since, None
        work.dirty.add(key)

    def _write(self, work: _Work) -> None:
        table = work.table
        if work.added or work.dirty:
            self._written.add(table.name)
        if work.grown:
            self._grow(work)
        if work.ended:
            self._end(work)
        if work.added:
            rows = [work.rows[key] for key in work.added]
            new = [(*row.values, row.since) for row in rows if row.values is not None]
            many.execute(self._database, _insert(table), new)
            work.dirty -= work.added
            work.added.clear()
        if work.dirty:
            known = [(key, work.rows[key]) for key in work.dirty]
            there = [(*row.values, row.since) for _, row in known if row.values is not None]
            gone = [key for key, row in known if row.values is None]
            many.execute(self._database, _upsert(table), there)
            many.execute(self._database, _delete(table), gone)
            work.dirty.clear()

    def _end(self, work: _Work) -> None:
        """Write the rows that have ended; what ended them is written, too, at the end."""
        many.execute(self._database, _keep(work.table), work.ended)
        work.ended.clear()

    def _grow(self, work: _Work) -> None:
        """Write the rows of a table that only grows; of one at fault, its position is told."""
        try:
            many.execute(self._database, _insert(work.table), work.grown)
        except sqlite3.IntegrityError as error:
            raise Unapplicable(_at_fault(work), work.table.name, str(error)) from error
        self._written.add(work.table.name)
        work.grown.clear()


def _at_fault(work: _Work) -> int:
    """The position of the first row that does not fit those before it.

    Tried in a table of its own: a statement that failed may have written a part of its rows.
    """
    place, statement = work.places[work.table.grows or ""], _insert(work.table)
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        for definition in schema.create(work.table):
            database.execute(definition)
        for row in work.grown:
            try:
                database.execute(statement, row)
            except sqlite3.IntegrityError:
                return int(row[place])
    return int(work.grown[0][place])  # all fit: they are in the file already


def _picker(names: tuple[str, ...]) -> Callable[[dict[str, Any]], Values]:
    """The values of these names, in their order."""
    pick = operator.itemgetter(*names)
    return pick if len(names) > 1 else lambda values: (pick(values),)
