"""The files for what a commit is going to do to one table, made before the write lease.

A run has its schema for itself, so what is read here still holds when the commit is made. Staged
rows are rewritten only where they are not yet what the table takes: other types or spellings,
several rows of one key, rows that the table has already.
"""

from collections.abc import Sequence
from datetime import datetime

import duckdb
import msgspec

from commands import ports
from domain.datasets import Column
from infra.loading import staged as staging
from infra.loading import types
from infra.loading.change import OWN, VALID, Change
from infra.loading.settings import LoadSettings
from infra.loading.staged import LINEAGE, StagedTable
from infra.warehouse import tables
from infra.warehouse.quoting import identifier, literal

LITERALS_MAX = 50  # so many names are compared with each row; more of them are joined


class Conformer:
    """Makes the changes of one load."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        load: ports.Load,
        settings: LoadSettings,
        at: datetime,
    ) -> None:
        self._connection, self._load, self._settings, self._at = connection, load, settings, at
        self.made: list[str] = []  # files to be removed when the load fails

    def change(self, table: StagedTable) -> Change:
        """Raises WorkRefused when the rows do not fit the table, or would empty it."""
        name = tables.Name(schema=self._load.schema, table=table.name)
        before = tables.columns(self._connection, name)
        _check(table)
        self._refuse_emptying(name, table, before)
        if table.fresh:
            before = ()
        if table.write == "replace":
            columns = (*table.columns, *LINEAGE) if table.columns else before
            return Change(
                name=name,
                write="replace",
                columns=columns,
                before=before,
                paths=table.paths if table.rows else (),
                rows=table.rows,
                missing=_missing(before, table),
            )
        own = (*VALID, *LINEAGE) if table.write == "scd2" else LINEAGE
        if before and table.write == "scd2" and not {v.name for v in VALID} <= _names(before):
            reason = f"{name.schema}.{name.table} has no versions: sync it with full refresh once."
            raise ports.WorkRefused(reason)
        columns = self._columns(name, table, before, own)
        change = Change(
            name=name,
            write=table.write,
            columns=columns,
            before=before,
            keys=_spelled(table.keys, columns),
            gone_files=table.gone_files,
            owners=table.owners,
            at=self._at,
            missing=_missing(before, table),
        )
        if any(not types.promotes(old.type, new.type) for old, new in change.retyped):
            change = msgspec.structs.replace(change, rewritten=self._rewrite(change))
        return self._rows(change, table) if table.rows else change

    # columns

    def _columns(
        self,
        name: tables.Name,
        table: StagedTable,
        before: tuple[Column, ...],
        own: tuple[Column, ...],
    ) -> tuple[Column, ...]:
        """The table's columns afterwards: those of before, then new ones, then our own."""
        if not before:
            return (*table.columns, *own)
        incoming = {column.name.lower(): column for column in table.columns}
        found = []
        for old in before:
            new = incoming.pop(old.name.lower(), None)
            spelled = old.type
            if new is not None and old.name not in OWN and table.rows:
                spelled = self._wider(name, table, old, new)
            found.append(Column(name=old.name, type=spelled))
        # The catalogue puts a new column behind the others.
        return (*found, *incoming.values())

    def _wider(self, name: tables.Name, table: StagedTable, old: Column, new: Column) -> str:
        if old.type == new.type:
            return old.type
        # Of a column without values nobody knows the type: text stands in for it.
        if not self._filled(staging.read_sql(table.paths), new):
            return old.type
        if not self._filled(name.sql, old):
            return new.type
        found = types.wider(old.type, new.type)
        if found != "DOUBLE":
            return found
        sources = {old.type: (name.sql, old), new.type: (staging.read_sql(table.paths), new)}
        for spelled in ("BIGINT", "INTEGER"):
            if spelled in sources and self._largest(*sources[spelled]) >= types.EXACT_MAX:
                return types.TEXT
        return found

    def _filled(self, source: str, column: Column) -> bool:
        sql = f"SELECT 1 FROM {source} WHERE {identifier(column.name)} IS NOT NULL LIMIT 1"  # noqa: S608 - quoted
        return self._connection.execute(sql).fetchone() is not None

    def _largest(self, source: str, column: Column) -> int:
        sql = f"SELECT max(abs({identifier(column.name)}::HUGEINT)) FROM {source}"  # noqa: S608 - quoted
        row = self._connection.execute(sql).fetchone()
        return int(row[0]) if row and row[0] is not None else 0

    # rows

    def _rewrite(self, change: Change) -> str:
        old = {column.name for column in change.before}
        listed = ", ".join(
            (_cast(column.name, column.type) if column.name in old else f"NULL::{column.type}")
            + f" AS {identifier(column.name)}"
            for column in change.columns
        )
        return self.copy(change.name, f"SELECT {listed} FROM {change.name.sql}")[0]  # noqa: S608 - quoted

    def _rows(self, change: Change, table: StagedTable) -> Change:
        as_they_are = {(c.name, c.type) for c in (*table.columns, *LINEAGE)}
        fits = all(
            (c.name, c.type) in as_they_are
            for c in change.columns
            if c.name in _names(table.columns)
        )
        spelled = _names(table.columns) <= _names(change.columns)
        if fits and spelled and not change.keys and change.write == "append":
            return msgspec.structs.replace(change, paths=table.paths, rows=table.rows)
        select = self._select(change, table)
        path, rows = self.copy(change.name, select)
        staging.discard(table.paths)
        return msgspec.structs.replace(change, paths=(path,), rows=rows)

    def _select(self, change: Change, table: StagedTable) -> str:
        """The rows in the table's columns; with keys one of each, and only what is new."""
        incoming = {column.name.lower(): column for column in (*table.columns, *LINEAGE)}
        listed = []
        for column in change.columns:
            if column.name == VALID[0].name and change.at is not None:
                listed.append(f"{literal(change.at.isoformat())}::{column.type} AS {column.name}")
            elif (new := incoming.get(column.name.lower())) is None:
                listed.append(f"NULL::{column.type} AS {identifier(column.name)}")
            else:
                cast = _cast(new.name, column.type, new.type)
                listed.append(f"{cast} AS {identifier(column.name)}")
        source = staging.read_sql(table.paths)
        if not change.keys:
            return f"SELECT {', '.join(listed)} FROM {source}"  # noqa: S608 - quoted
        listed += ["filename AS _dango_path", "file_row_number AS _dango_row"]
        rows = f"SELECT {', '.join(listed)} FROM {source}"  # noqa: S608 - quoted
        keys = ", ".join(identifier(key) for key in change.keys)
        # The last row of a key counts, where only the first is kept the first.
        order = "" if change.write == "append" else " DESC"
        places = f"list_position([{', '.join(map(literal, table.paths))}], _dango_path)"
        last = (
            f"SELECT * FROM ({rows}) QUALIFY row_number() OVER (PARTITION BY {keys}"  # noqa: S608 - quoted
            f" ORDER BY _dango_file{order}, {places}{order}, _dango_row{order}) = 1"
        )
        one = f"SELECT * EXCLUDE (_dango_path, _dango_row) FROM ({last})"  # noqa: S608 - quoted
        return one + self._only_new(change) if change.before else one

    @staticmethod
    def _only_new(change: Change) -> str:
        """The condition that the table has no such row yet: by key alone, or as a whole."""
        told = change.keys
        if change.write != "append":
            told = tuple(column.name for column in change.columns if column.name not in OWN)
        old = {column.name: column for column in change.before}
        source = change.name.sql
        listed = ", ".join(
            (_cast(name, column.type, old[name].type) if name in old else f"NULL::{column.type}")
            + f" AS {identifier(name)}"
            for name, column in ((c.name, c) for c in change.columns)
            if name in told
        )
        now = " WHERE _dango_valid_to IS NULL" if change.write == "scd2" else ""
        same = " AND ".join(
            f"new_row.{identifier(name)} IS NOT DISTINCT FROM old_row.{identifier(name)}"
            for name in told
        )
        # A name of our own for the rows: a column may be called anything.
        return (
            f" AS new_row WHERE NOT EXISTS (SELECT 1 FROM (SELECT {listed} FROM {source}{now})"  # noqa: S608 - quoted
            f" AS old_row WHERE {same})"
        )

    def copy(self, name: tables.Name, select: str) -> tuple[str, int]:
        """Write rows to a new file of the table; the number of them beside its path."""
        path = tables.staged_path(self._settings.warehouse, name)
        self.made.append(path)
        row = self._connection.execute(
            f"COPY ({select}) TO {literal(path)} (FORMAT parquet)"
        ).fetchone()
        return path, 0 if row is None else int(row[0])

    # what is refused

    def _refuse_emptying(
        self, name: tables.Name, table: StagedTable, before: tuple[Column, ...]
    ) -> None:
        if table.rows or table.follows or self._load.allow_empty or not before:
            return
        if table.write != "replace" and not table.gone_files:
            return
        had = tables.row_count(self._connection, name)
        if not had or (table.write != "replace" and self._left(name, table.gone_files)):
            return
        reason = (
            f"{table.empty}, and {name.schema}.{name.table} has {had} rows:"
            " it is left as it is. Allow empty loads for this source if it is to be emptied."
        )
        raise ports.WorkRefused(reason, rows_before=had)

    def _left(self, name: tables.Name, gone: Sequence[str]) -> bool:
        """Whether any row stays when the rows of these files go."""
        sql = f"SELECT 1 FROM {name.sql} WHERE ({gone_sql(gone)}) IS NOT TRUE LIMIT 1"  # noqa: S608 - quoted
        return self._connection.execute(sql).fetchone() is not None


def gone_sql(gone: Sequence[str]) -> str:
    """Give the condition that a row is from one of the files."""
    listed = ", ".join(map(literal, gone))
    if len(gone) <= LITERALS_MAX:
        return f"_dango_file IN ({listed})"
    return f"_dango_file IN (SELECT unnest([{listed}]))"


def _check(table: StagedTable) -> None:
    if table.write not in ("replace", "append", "merge", "scd2"):
        raise ValueError(f"no way of writing: {table.write}")
    if table.write in ("merge", "scd2") and not table.keys:
        raise ports.WorkRefused(f"Table '{table.name}' needs a primary key to be merged.")
    there = {column.name.lower() for column in table.columns}
    for key in table.keys if table.rows else ():
        if key.lower() not in there:
            reason = f"The primary key '{key}' is not a column of '{table.name}'."
            raise ports.WorkRefused(reason, column=key)


def _missing(before: Sequence[Column], table: StagedTable) -> tuple[str, ...]:
    there = {column.name.lower() for column in table.columns}
    names = [column.name for column in before if column.name not in OWN]
    return tuple(name for name in names if name.lower() not in there) if table.rows else ()


def _spelled(keys: Sequence[str], columns: Sequence[Column]) -> tuple[str, ...]:
    names = {column.name.lower(): column.name for column in columns}
    return tuple(names[key.lower()] for key in keys if key.lower() in names)


def _names(columns: Sequence[Column]) -> set[str]:
    return {column.name for column in columns}


def _cast(name: str, wanted: str, has: str | None = None) -> str:
    if wanted == has:
        return identifier(name)
    if wanted == types.JSON:
        return f"to_json({identifier(name)})"
    return f"{identifier(name)}::{wanted}"
