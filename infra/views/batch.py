"""The rows that a batch of events works on: read once, changed in memory, written at its end.

Here the past is made: a row that changes or goes is kept as it was, from the position that made it
until the one that ended it. Many events to one row cost one write of it, and of each version.
"""

import functools
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from infra.views import schema
from projections.engine import Table, Unapplicable

ROWS_CACHED_MAX: Final = 50_000  # over all tables; more are forgotten after a batch

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


class _Work(msgspec.Struct):
    """What is known of one table, and what is to be written."""

    rows: dict[Key, _Row] = {}
    dirty: set[Key] = set()
    ended: list[Values] = []  # values, since, until
    grown: list[Values] = []


class Batch:
    """The `Rows` port over a connection. `since` is the position that is being applied."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._tables: dict[Table, _Work] = {}
        self.since = 0

    # the Rows port

    def put(self, table: Table, **values: Any) -> None:
        """As the port says."""
        work = self._work(table)
        row = tuple([values[name] for name in table.columns])
        if table.grows is not None:
            work.grown.append(row)
        else:
            self._set(table, work, tuple([values[name] for name in table.key]), row)

    def change(self, table: Table, key: Sequence[Any] | str | int, **values: Any) -> None:
        """As the port says."""
        whole, work = _whole(key), self._work(table)
        row = self._row(table, work, whole)
        if row.values is not None:
            changed = tuple(
                [
                    values.get(name, value)
                    for name, value in zip(table.columns, row.values, strict=True)
                ]
            )
            self._set(table, work, whole, changed)

    def remove(self, table: Table, **match: Any) -> None:
        """As the port says."""
        work = self._work(table)
        if tuple(match) == table.key:
            keys: Iterable[Key] = (tuple(match.values()),)
        else:
            self._write(table, work)
            found = self._database.execute(_select(table, tuple(match)), tuple(match.values()))
            places = [list(table.columns).index(name) for name in table.key]
            keys = [tuple([values[place] for place in places]) for values in found]
        for key in keys:
            if self._row(table, work, key).values is not None:
                self._set(table, work, key, None)

    def get(self, table: Table, key: Sequence[Any] | str | int) -> dict[str, Any] | None:
        """As the port says."""
        row = self._row(table, self._work(table), _whole(key))
        return None if row.values is None else dict(zip(table.columns, row.values, strict=True))

    # the end of a batch

    def write(self) -> None:
        """Write all that has changed, within the open transaction. Raises Unapplicable."""
        for table, work in self._tables.items():
            self._write(table, work)
        if sum(len(work.rows) for work in self._tables.values()) > ROWS_CACHED_MAX:
            self.forget()

    def forget(self) -> None:
        """Forget all rows, written or not."""
        self._tables.clear()

    def _work(self, table: Table) -> _Work:
        work = self._tables.get(table)
        if work is None:
            work = self._tables[table] = _Work()
        return work

    def _row(self, table: Table, work: _Work, key: Key) -> _Row:
        row = work.rows.get(key)
        if row is None:
            found = self._database.execute(_select(table, table.key), key).fetchone()
            row = _Row(None, 0) if found is None else _Row(found[:-1], found[-1])
            work.rows[key] = row
        return row

    def _set(self, table: Table, work: _Work, key: Key, values: Values | None) -> None:
        row = self._row(table, work, key)
        if row.values == values:
            return
        if row.values is not None and row.since < self.since:
            work.ended.append((*row.values, row.since, self.since))
        row.values, row.since = values, self.since
        work.dirty.add(key)

    def _write(self, table: Table, work: _Work) -> None:
        if work.grown:
            self._grow(table, work)
        if work.ended:
            self._database.executemany(_keep(table), work.ended)
            work.ended.clear()
        if work.dirty:
            rows = [(key, work.rows[key]) for key in work.dirty]
            there = [(*row.values, row.since) for _, row in rows if row.values is not None]
            gone = [key for key, row in rows if row.values is None]
            self._database.executemany(_upsert(table), there)
            self._database.executemany(_delete(table), gone)
            work.dirty.clear()

    def _grow(self, table: Table, work: _Work) -> None:
        """Write the rows of a table that only grows; of one at fault, its position is told."""
        place, position = list(table.columns).index(table.grows or ""), 0

        def told() -> Iterator[Values]:
            nonlocal position
            for row in work.grown:
                position = row[place]
                yield row

        try:
            self._database.executemany(_insert(table), told())
        except sqlite3.IntegrityError as error:
            raise Unapplicable(position, table.name, str(error)) from error
        work.grown.clear()


def _whole(key: Sequence[Any] | str | int) -> Key:
    return (key,) if isinstance(key, str | int) else tuple(key)
