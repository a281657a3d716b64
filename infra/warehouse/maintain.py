"""Upkeep: merge small files, expire old snapshots, remove files that nothing needs any more."""

from datetime import UTC, datetime, timedelta

import duckdb

from commands import ports
from infra.warehouse.attach import LAKE
from infra.warehouse.commit import Signature, commit, newest_snapshot, oldest_snapshot
from infra.warehouse.quoting import literal
from infra.warehouse.settings import Settings
from infra.workers.desk import Desk

TABLES_SQL = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ?"


def maintain(
    connection: duckdb.DuckDBPyConnection,
    desk: Desk,
    settings: Settings,
    task: ports.Maintain,
) -> ports.Maintained:
    """Do one round of upkeep. Each step is a short transaction of its own under the lease."""
    signature = Signature(author=task.author, message="maintenance", job=task.job)
    count = 0

    def call(statement: str) -> None:
        nonlocal count
        count = _count(connection.execute(f"CALL {statement}"))

    def step(phase: str, statement: str, *schemas: str) -> int:
        desk.progress(ports.Progress(phase=phase))
        commit(
            connection,
            desk.lease,
            settings,
            signature=signature,
            schemas=schemas,
            change=lambda: call(statement),
        )
        return count

    merged = 0
    for schema, table in connection.execute(TABLES_SQL, [LAKE]).fetchall():
        where = f"{literal(LAKE)}, {literal(table)}, schema => {literal(schema)}"
        bound = f"max_compacted_files => {settings.merge_files_max}"
        merged += step("merging", f"ducklake_merge_adjacent_files({where}, {bound})", schema)
    lake = literal(LAKE)
    retention_s = task.retention_days * 86_400
    expired = step("expiring", f"ducklake_expire_snapshots({lake}, {_older_than(retention_s)})")
    removed = step(
        "cleaning",
        f"ducklake_cleanup_old_files({lake}, {_older_than(settings.reader_grace_s)})",
    )
    removed += step(
        "cleaning",
        f"ducklake_delete_orphaned_files({lake}, {_older_than(settings.orphan_age_s)})",
    )
    return ports.Maintained(
        snapshot=newest_snapshot(connection),
        oldest_snapshot=oldest_snapshot(connection),
        files_merged=merged,
        snapshots_expired=expired,
        files_removed=removed,
    )


def _older_than(age_s: float) -> str:
    moment = datetime.now(UTC) - timedelta(seconds=age_s)
    return f"older_than => TIMESTAMPTZ {literal(moment.isoformat())}"


def _count(answer: duckdb.DuckDBPyConnection) -> int:
    """Sum up `files_processed` where the function has it, otherwise count its rows."""
    names = [column[0] for column in answer.description or ()]
    rows = answer.fetchall()
    if "files_processed" in names:
        return sum(int(row[names.index("files_processed")]) for row in rows)
    return len(rows)
