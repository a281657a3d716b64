"""The warehouse in a notebook, read-only.

    import dango_notebook as dango

    dango.sql("SELECT count(*) FROM raw_orders.orders")
    dango.connect(as_of=41)  # a snapshot of the warehouse, or a time

A connection sees the warehouse as it stood when it was opened and what is committed later; with
`as_of`, as it stood then. It stands alone: a notebook's own modules may have any name.
"""

import json
import os
from datetime import datetime
from typing import Any

import duckdb

VARIABLE = "DANGO_NOTEBOOK_WAREHOUSE"
LAKE = "lake"
_NO_WAREHOUSE = "There is no warehouse to read here: this is no notebook of a Dango server."

_connection: duckdb.DuckDBPyConnection | None = None


def connect(as_of: int | datetime | str | None = None) -> duckdb.DuckDBPyConnection:
    """Open the warehouse for reading: now, or as of a snapshot (int) or a time.

    Raises LookupError when the warehouse has no snapshot of then.
    """
    told = json.loads(os.environ.get(VARIABLE) or "{}")
    if "refused" in told or not told:
        raise RuntimeError(told.get("refused", _NO_WAREHOUSE))
    connection = duckdb.connect(config=told["options"])
    for path in told["extensions"]:
        connection.execute("LOAD '" + path.replace("'", "''") + "'")
    connection.execute("SET GLOBAL allow_unsigned_extensions = false")
    connection.execute("SET TimeZone = 'UTC'")
    snapshot = as_of
    if as_of is not None and not isinstance(as_of, int):
        connection.execute(told["attach"])
        snapshot = _snapshot(connection, as_of)
        connection.execute(f"DETACH {LAKE}")
    connection.execute(_attach(told["attach"], snapshot))
    connection.execute(f"USE {LAKE}")
    return connection


def sql(statement: str, as_of: int | datetime | str | None = None) -> Any:
    """Give the result of a statement as a relation, which notebooks show as a table."""
    global _connection  # noqa: PLW0603 - one for all cells, opened when it is first asked
    if as_of is not None:
        return connect(as_of).sql(statement)
    if _connection is None:
        _connection = connect()
    return _connection.sql(statement)


def tables() -> Any:
    """List the tables and views that there are."""
    return sql(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_catalog = current_database() AND NOT starts_with(table_schema, '_dango')"
        " ORDER BY ALL"
    )


def _attach(statement: str, snapshot: Any) -> str:
    if snapshot is None:
        return statement
    return f"{statement.removesuffix(')')}, SNAPSHOT_VERSION {int(snapshot)})"


def _snapshot(connection: duckdb.DuckDBPyConnection, at: datetime | str) -> int:
    """The newest snapshot that was there at a time."""
    row = connection.execute(
        f"SELECT max(snapshot_id) FROM ducklake_snapshots('{LAKE}')"  # noqa: S608 - a constant
        " WHERE snapshot_time <= CAST(? AS TIMESTAMPTZ)",
        [at],
    ).fetchone()
    if row is None or row[0] is None:
        raise LookupError(f"The warehouse has no snapshot of {at}.")
    return int(row[0])
