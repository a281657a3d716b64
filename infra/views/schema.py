"""Tables of projections as SQL: the rows of now, the rows of the past, and any position between."""

from collections.abc import Iterable, Iterator
from typing import Final

from projections.engine import Table

SYSTEM: Final = "CREATE TABLE _state (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID"


def create(table: Table) -> Iterator[str]:
    """The statements that make a table, and its past where it has one."""
    columns = [f"{name} {kind}" for name, kind in table.columns.items()]
    key = ", ".join(table.key)
    if table.grows is None:
        columns.append("since INTEGER NOT NULL")
    body = ", ".join(columns)
    yield f"CREATE TABLE {table.name} ({body}, PRIMARY KEY ({key})) STRICT, WITHOUT ROWID"
    for number, index in enumerate(table.indexes):
        yield f"CREATE INDEX {table.name}_{number} ON {table.name} ({index})"
    if table.grows is not None:
        return
    past, names = f"{table.name}_past", ", ".join((*table.columns, "since"))
    old = ", ".join(f"OLD.{name}" for name in (*table.columns, "since"))
    yield f"CREATE TABLE {past} ({body}, until INTEGER NOT NULL) STRICT"
    yield f"CREATE INDEX {past}_key ON {past} ({key}, until)"
    yield (
        f"CREATE TRIGGER {table.name}_changed BEFORE UPDATE ON {table.name}"  # noqa: S608 - constants
        f" WHEN OLD.since < NEW.since BEGIN"
        f" INSERT INTO {past} ({names}, until) VALUES ({old}, NEW.since); END"
    )


def past_views(tables: Iterable[Table]) -> Iterator[str]:
    """Temporary views of the tables' own names, for the position in `temp._as_of`."""
    yield "CREATE TEMP TABLE _as_of (position INTEGER NOT NULL)"
    yield "INSERT INTO _as_of VALUES (0)"
    position = "(SELECT position FROM temp._as_of)"
    for table in tables:
        name = table.name
        if table.grows is not None:
            select = f"SELECT * FROM main.{name} WHERE {table.grows} <= {position}"  # noqa: S608
        else:
            names = ", ".join((*table.columns, "since"))
            select = (
                f"SELECT {names} FROM main.{name} WHERE since <= {position}"  # noqa: S608
                f" UNION ALL SELECT {names} FROM main.{name}_past"
                f" WHERE since <= {position} AND until > {position}"
            )
        yield f"CREATE TEMP VIEW {name} AS {select}"


def put(table: Table) -> str:
    """Insert a row, or replace the one with its key (never OR REPLACE: it fires no trigger)."""
    names = [*table.columns, *(() if table.grows else ("since",))]
    marks = ", ".join(f":{name}" for name in names)
    sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
    if table.grows is None:
        changes = ", ".join(f"{n} = excluded.{n}" for n in names if n not in table.key)
        sql += f" ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {changes}"
    return sql


def change(table: Table, names: Iterable[str]) -> str:
    """Change some columns of the row with a key, whose parts are :k0, :k1 and so on."""
    sets = ", ".join(f"{name} = :{name}" for name in (*names, "since"))
    return f"UPDATE {table.name} SET {sets} WHERE {_key(table)}"  # noqa: S608


def get(table: Table) -> str:
    """The row with a key, whose parts are :k0, :k1 and so on."""
    return f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE {_key(table)}"  # noqa: S608


def remove(table: Table, names: Iterable[str]) -> tuple[str, str]:
    """Two steps: mark the rows as ended at :since, so that the past keeps them; delete them."""
    where = " AND ".join(f"{name} = :{name}" for name in names)
    return (
        f"UPDATE {table.name} SET since = :since WHERE {where}",  # noqa: S608
        f"DELETE FROM {table.name} WHERE {where}",  # noqa: S608
    )


def _key(table: Table) -> str:
    return " AND ".join(f"{name} = :k{number}" for number, name in enumerate(table.key))
