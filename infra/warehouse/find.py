"""What a load published, found by its commit: the warehouse's own word on how it ended."""

import duckdb

from commands import ports
from domain.datasets import Table
from infra.warehouse import tables
from infra.warehouse.attach import LAKE
from infra.warehouse.commit import extra_info, newest_snapshot
from infra.warehouse.quoting import identifier
from infra.workers.desk import Desk

RUN = "_dango_run"

# One row for each snapshot that upkeep has not expired, the newest first. The catalogue's table
# itself: the function `snapshots()` takes every list of changes apart, six times as long.
COMMIT_SQL = (
    f"SELECT snapshot_id FROM __ducklake_metadata_{LAKE}.ducklake_snapshot_changes"  # noqa: S608 - ours
    " WHERE commit_extra_info = ? ORDER BY snapshot_id DESC LIMIT 1"
)

# The tables of a schema as of a snapshot.
TABLES_SQL = (
    f"SELECT t.table_name FROM __ducklake_metadata_{LAKE}.ducklake_table t"  # noqa: S608 - ours
    f" JOIN __ducklake_metadata_{LAKE}.ducklake_schema s USING (schema_id)"
    " WHERE s.schema_name = $schema"
    " AND t.begin_snapshot <= $at AND (t.end_snapshot IS NULL OR t.end_snapshot > $at)"
    " AND s.begin_snapshot <= $at AND (s.end_snapshot IS NULL OR s.end_snapshot > $at)"
    " ORDER BY t.table_name"
)


def find(
    connection: duckdb.DuckDBPyConnection, desk: Desk, target: ports.Target
) -> ports.Published | None:
    """Give what the commit of this load made of its tables; None when it made none.

    Under the write lease: the worker of a load that was killed in the midst of its commit holds it
    until it is gone, and afterwards nothing can change any more. A PostgreSQL catalogue has no
    lease: there a COMMIT that is on its way when its worker is killed can come too late to be seen.
    """
    with desk.lease():
        snapshot = commit_of(connection, target.job, target.source)
    if snapshot is None:
        return None
    # A table whose name begins with _ holds nothing that came in.
    found = tuple(
        tables.table(connection, target.schema, name, snapshot=snapshot)
        for name in tables_at(connection, target.schema, snapshot)
        if not name.startswith("_")
    )
    rows = sum(_loaded(connection, table, target.job, snapshot) for table in found)
    return ports.Published(rows=rows, tables=found, snapshot=snapshot)


def commit_of(connection: duckdb.DuckDBPyConnection, job: int, source: str) -> int | None:
    """Give the snapshot that a job made of a source; None when it made none, or it has expired."""
    row = connection.execute(COMMIT_SQL, [extra_info(job, source)]).fetchone()
    return None if row is None else int(row[0])


def tables_at(
    connection: duckdb.DuckDBPyConnection, schema: str, snapshot: int | None
) -> tuple[str, ...]:
    """List the tables of a schema as of a snapshot; None is now."""
    at = newest_snapshot(connection) if snapshot is None else snapshot
    rows = connection.execute(TABLES_SQL, {"schema": schema, "at": at}).fetchall()
    return tuple(name for (name,) in rows)


def _loaded(connection: duckdb.DuckDBPyConnection, table: Table, job: int, snapshot: int) -> int:
    """Count the rows that this job brought."""
    if RUN not in {column.name for column in table.columns}:
        return table.row_count
    sql = f"{LAKE}.{identifier(table.schema)}.{identifier(table.name)}"
    row = connection.execute(
        f"SELECT count(*) FROM {sql} AT (VERSION => {int(snapshot)}) WHERE {RUN} = ?",  # noqa: S608 - quoted
        [job],
    ).fetchone()
    return 0 if row is None else int(row[0])
