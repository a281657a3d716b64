"""Tables of projections as SQL: the rows of now, the rows of the past, and any position between."""

from collections.abc import Iterable, Iterator
from typing import Final

from projections.engine import Table

SYSTEM: Final = "CREATE TABLE _state (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID"


def create(table: Table) -> Iterator[str]:
    """The statements that make a table, and its past where it has one; `indexes` come apart."""
    columns = [f"{name} {kind}" for name, kind in table.columns.items()]
    key = ", ".join(table.key)
    if table.grows is None:
        columns.append("since INTEGER NOT NULL")
    body = ", ".join(columns)
    # A number that is the whole key is SQLite's own rowid: the cheapest to append behind.
    numbered = [table.columns[name] for name in table.key] == ["INTEGER NOT NULL"]
    kind = "STRICT" if numbered else "STRICT, WITHOUT ROWID"
    yield f"CREATE TABLE {table.name} ({body}, PRIMARY KEY ({key})) {kind}"
    if table.grows is not None:
        return
    yield f"CREATE TABLE {table.name}_past ({body}, until INTEGER NOT NULL) STRICT"


def indexes(table: Table) -> Iterator[str]:
    """The statements that make its indexes: no apply function needs them, so they come last.

    Sorting a whole table once is several times cheaper than keeping its indexes row by row.
    """
    for number, index in enumerate(table.indexes):
        yield f"CREATE INDEX {table.name}_{number} ON {table.name} {_indexed(index)}"
    if table.grows is not None:
        return
    past = f"{table.name}_past"
    yield f"CREATE INDEX {past}_key ON {past} ({', '.join(table.key)}, until)"
    for number, index in enumerate(table.indexes):
        yield f"CREATE INDEX {past}_{number} ON {past} {_indexed(index)}"


def _indexed(index: str) -> str:
    columns, where, condition = index.partition(" WHERE ")
    return f"({columns}){where}{condition}"


def past_views(tables: Iterable[Table]) -> Iterator[str]:
    """Temporary views of the tables' own names, for the position in `temp._as_of`."""
    yield "CREATE TEMP TABLE _as_of (position INTEGER NOT NULL)"
    yield "INSERT INTO _as_of VALUES (0)"
    for table in tables:
        yield f"CREATE TEMP VIEW {table.name} AS {_as_of(table)}"


def _as_of(table: Table) -> str:
    position = "(SELECT position FROM temp._as_of)"
    name, past = f"main.{table.name}", f"main.{table.name}_past"
    if table.grows is not None:
        return f"SELECT * FROM {name} WHERE {table.grows} <= {position}"  # noqa: S608 - constants
    names = ", ".join((*table.columns, "since"))
    now = f"SELECT {names} FROM {name} WHERE since <= {position}"  # noqa: S608 - constants
    if not table.few:
        return (
            f"{now} UNION ALL SELECT {names} FROM {past}"  # noqa: S608 - constants
            f" WHERE since <= {position} AND until > {position}"
        )
    # The keys one after the other by index, and of each the version that ended next after then.
    (key,) = table.key
    return (
        f"{now} UNION ALL SELECT {', '.join(f'p.{n}' for n in (*table.columns, 'since'))} FROM ("  # noqa: S608 - constants
        f"WITH RECURSIVE keys (k) AS (SELECT min({key}) FROM {past} UNION ALL"
        f" SELECT (SELECT min({key}) FROM {past} WHERE {key} > k) FROM keys WHERE k IS NOT NULL)"
        f" SELECT k FROM keys WHERE k IS NOT NULL) JOIN {past} p ON p.rowid = (SELECT rowid"
        f" FROM {past} v WHERE v.{key} = k AND v.until > {position} ORDER BY v.until LIMIT 1)"
        f" WHERE p.since <= {position}"
    )


def insert(table: Table) -> str:
    """Insert a row, by position of its columns."""
    count = len(table.columns) + (table.grows is None)
    return f"INSERT INTO {table.name} VALUES ({_marks(count)})"  # noqa: S608 - constants


def upsert(table: Table) -> str:
    """Insert a row with its `since`, or replace the one with its key."""
    names = (*table.columns, "since")
    changes = ", ".join(f"{n} = excluded.{n}" for n in names if n not in table.key)
    return (
        f"INSERT INTO {table.name} VALUES ({_marks(len(names))})"  # noqa: S608 - constants
        f" ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {changes}"
    )


def keep(table: Table) -> str:
    """Insert a row that has ended, with `since` and `until`."""
    return f"INSERT INTO {table.name}_past VALUES ({_marks(len(table.columns) + 2)})"  # noqa: S608


def delete(table: Table) -> str:
    """Delete the row with a key, whose columns are never NULL."""
    # Of `(a, b) IN (VALUES …)` alone SQLite makes a walk through the whole table.
    columns = ", ".join(f"column{number}" for number, _ in enumerate(table.key, 1))
    values = f"SELECT {columns} FROM (VALUES ({_marks(len(table.key))}))"  # noqa: S608 - constants
    return f"DELETE FROM {table.name} WHERE ({', '.join(table.key)}) IN ({values})"  # noqa: S608


def select(table: Table, by: Iterable[str]) -> str:
    """The rows, with `since`, whose columns have given values; all, when none is named."""
    where = _key(by) or "TRUE"
    return f"SELECT {', '.join((*table.columns, 'since'))} FROM {table.name} WHERE {where}"  # noqa: S608


def _key(names: Iterable[str]) -> str:
    return " AND ".join(f"{name} IS ?" for name in names)


def _marks(count: int) -> str:
    return ", ".join("?" * count)
