"""The rows that a batch of events works on: read once, changed in memory, written at its end.

Here the past is made: a row that changes or goes is kept as it was, from the position that made it
until the one that ended it. Many events to one row cost one write of it, and of each version.
"""

import contextlib
import functools
import operator
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from infra import many
from infra.views import schema
from projections.engine import Projection, Table, Told, Unapplicable, indexed

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


class _Work:
    """What is known of one table, and what is to be written."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.pick = _picker(tuple(table.columns))
        self.key = _picker(table.key)
        self.places = {name: place for place, name in enumerate(table.columns)}
        self.rows: dict[Key, _Row] = {}
        self.older: dict[Key, _Row] = {}  # not used since the last time that many were known
        self.added: set[Key] = set()  # rows that were not there before the batch
        self.dirty: set[Key] = set()  # further ones that have changed
        self.ended: list[Values] = []  # values, since, until
        self.grown: list[Values] = []


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

    def change(self, table: Table, key: Key | str | int, **values: Any) -> None:
        """As the port says."""
        work, whole = self._tables.get(table.name) or self._work(table), _whole(key)
        row = work.rows.get(whole) or self._row(work, whole)
        if row.values is not None:
            changed, places = list(row.values), work.places
            for name, value in values.items():
                changed[places[name]] = value
            self._set(work, whole, row, tuple(changed))

    def remove(self, table: Table, **match: Any) -> None:
        """As the port says."""
        work = self._tables.get(table.name) or self._work(table)
        if tuple(match) == table.key:
            keys: Iterable[Key] = (tuple(match.values()),)
        else:
            self._write(work)
            found = self._database.execute(_select(table, tuple(match)), tuple(match.values()))
            places = [work.places[name] for name in table.key]
            keys = [tuple([values[place] for place in places]) for values in found]
        for key in keys:
            row = self._row(work, key)
            if row.values is not None:
                self._set(work, key, row, None)

    def get(self, table: Table, key: Key | str | int) -> dict[str, Any] | None:
        """As the port says."""
        row = self._row(self._work(table), _whole(key))
        return None if row.values is None else dict(zip(table.columns, row.values, strict=True))

    # a batch

    def index(
        self, projection: Projection, events: Iterable[tuple[int, str, Told, Sequence[str]]]
    ) -> None:
        """The rows of a projection that has one of every event. Raises Unapplicable."""
        (table,) = projection.tables
        self._work(table).grown.extend(indexed(projection, events))

    def write(self) -> set[str]:
        """Write all that has changed, within the open transaction; answers the tables' names.

        Raises Unapplicable.
        """
        for work in self._tables.values():
            self._write(work)
        if sum(len(work.rows) for work in self._tables.values()) > ROWS_CACHED_MAX // 2:
            for work in self._tables.values():
                work.older, work.rows = work.rows, {}
        written, self._written = self._written, set()
        return written

    def forget(self) -> None:
        """Forget all rows, written or not."""
        self._written.clear()
        self._tables.clear()

    def _work(self, table: Table) -> _Work:
        work = self._tables.get(table.name)
        if work is None:
            work = self._tables[table.name] = _Work(table)
        return work

    def _row(self, work: _Work, key: Key) -> _Row:
        row = work.rows.get(key) or work.older.get(key)
        if row is None:
            table = work.table
            found = self._database.execute(_select(table, table.key), key).fetchone()
            row = _Row(None, 0) if found is None else _Row(found[:-1], found[-1])
        work.rows[key] = row
        return row

    def _set(self, work: _Work, key: Key, row: _Row, values: Values | None) -> None:
        if row.values == values:
            return
        if row.values is not None and row.since < self.since:
            work.ended.append((*row.values, row.since, self.since))
        row.values, row.since = values, self.since
        work.dirty.add(key)

    def _write(self, work: _Work) -> None:
        table = work.table
        if work.grown or work.added or work.dirty:
            self._written.add(table.name)
        if work.grown:
            self._grow(work)
        if work.ended:
            many.insert(self._database, _keep(table), work.ended)
            work.ended.clear()
        if work.added:
            rows = [work.rows[key] for key in work.added]
            new = [(*row.values, row.since) for row in rows if row.values is not None]
            many.insert(self._database, _insert(table), new)
            work.dirty -= work.added
            work.added.clear()
        if work.dirty:
            known = [(key, work.rows[key]) for key in work.dirty]
            there = [(*row.values, row.since) for _, row in known if row.values is not None]
            gone = [key for key, row in known if row.values is None]
            many.insert(self._database, _upsert(table), there)
            self._database.executemany(_delete(table), gone)
            work.dirty.clear()

    def _grow(self, work: _Work) -> None:
        """Write the rows of a table that only grows; of one at fault, its position is told."""
        try:
            many.insert(self._database, _insert(work.table), work.grown)
        except sqlite3.IntegrityError as error:
            raise Unapplicable(_at_fault(work), work.table.name, str(error)) from error
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


def _whole(key: Key | str | int) -> Key:
    return key if isinstance(key, tuple) else (key,)
