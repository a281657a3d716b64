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
    yield f"CREATE TABLE {table.name} ({body}, PRIMARY KEY ({key})) STRICT, WITHOUT ROWID"
    if table.grows is not None:
        return
    past, names = f"{table.name}_past", ", ".join((*table.columns, "since"))
    old = ", ".join(f"OLD.{name}" for name in (*table.columns, "since"))
    yield f"CREATE TABLE {past} ({body}, until INTEGER NOT NULL) STRICT"
    yield (
        f"CREATE TRIGGER {table.name}_changed BEFORE UPDATE ON {table.name}"  # noqa: S608 - constants
        f" WHEN OLD.since < NEW.since BEGIN"
        f" INSERT INTO {past} ({names}, until) VALUES ({old}, NEW.since); END"
    )


def indexes(table: Table) -> Iterator[str]:
    """The statements that make its indexes: no apply function needs them, so they come last.

    Sorting a whole table once is several times cheaper than keeping its indexes row by row.
    """
    for number, index in enumerate(table.indexes):
        yield f"CREATE INDEX {table.name}_{number} ON {table.name} ({index})"
    if table.grows is not None:
        return
    past = f"{table.name}_past"
    yield f"CREATE INDEX {past}_key ON {past} ({', '.join(table.key)}, until)"
    for number, index in enumerate(table.indexes):
        yield f"CREATE INDEX {past}_{number} ON {past} ({index})"


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


def put(table: Table) -> str:
    """Insert a row, or replace the one with its key (never OR REPLACE: it fires no trigger)."""
    names = [*table.columns, *(() if table.grows else ("since",))]
    marks = ", ".join(f":{name}" for name in names)
    sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
    if table.grows is None:
        changes = ", ".join(f"{n} = excluded.{n}" for n in names if n not in table.key)
        values = [name for name in table.columns if name not in table.key]
        differs = " OR ".join(f"{table.name}.{n} IS NOT excluded.{n}" for n in values) or "0"
        sql += f" ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {changes} WHERE {differs}"
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
