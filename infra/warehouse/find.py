"""What a load published, found by its commit: the warehouse's own word on how it ended."""

import duckdb

from commands import ports
from infra.warehouse import tables
from infra.warehouse.attach import LAKE
from infra.warehouse.commit import extra_info
from infra.workers.desk import Desk

# One row for each snapshot that upkeep has not expired, the newest first. The catalogue's table
# itself: the function `snapshots()` takes every list of changes apart, six times as long.
COMMIT_SQL = (
    f"SELECT snapshot_id FROM __ducklake_metadata_{LAKE}.ducklake_snapshot_changes"  # noqa: S608 - ours
    " WHERE commit_extra_info = ? ORDER BY snapshot_id DESC LIMIT 1"
)


def find(
    connection: duckdb.DuckDBPyConnection, desk: Desk, target: ports.Target
) -> ports.Published | None:
    """Give what the commit of this load made of its table; None when it made none.

    Under the write lease: the worker of a load that was killed in the midst of its commit holds it
    until it is gone, and afterwards nothing can change any more. A PostgreSQL catalogue has no
    lease: there a COMMIT that is on its way when its worker is killed can come too late to be seen.
    """
    with desk.lease():
        wanted = extra_info(target.job, target.source)
        row = connection.execute(COMMIT_SQL, [wanted]).fetchone()
    if row is None:
        return None
    snapshot = int(row[0])
    table = tables.table(connection, target.schema, target.table, snapshot=snapshot)
    return ports.Published(rows=table.row_count, tables=(table,), snapshot=snapshot)
