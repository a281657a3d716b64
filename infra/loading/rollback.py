"""Bringing a source's tables, its rejects and its state back to what they were before a run.

What that was stands in the snapshot before the run's own. Nothing of history goes: the way back is
a commit like any other, and can be undone the same way.
"""

from datetime import UTC, datetime

import duckdb

from commands import ports
from infra.loading import state
from infra.loading.conform import Conformer
from infra.loading.publish import signed, told, undone
from infra.loading.settings import LoadSettings
from infra.loading.staged import Staged, discard
from infra.warehouse import tables
from infra.warehouse.attach import LAKE
from infra.warehouse.commit import commit
from infra.warehouse.find import commit_of, tables_at
from infra.warehouse.quoting import identifier
from infra.warehouse.settings import OWN
from infra.workers.desk import Desk


def roll_back(
    connection: duckdb.DuckDBPyConnection,
    load: ports.Load,
    settings: LoadSettings,
    desk: Desk,
) -> ports.Loaded:
    """Undo the run `load.rollback_of` and all that came after it. Raises WorkRefused."""
    run = load.rollback_of or 0
    made = commit_of(connection, run, load.source)
    if made is None:
        reason = f"Run {run} of '{load.source}' changed nothing, or is too long ago to be undone."
        raise ports.WorkRefused(reason, run=run)
    at = made - 1
    _refuse_expired(connection, at)
    now = tables_at(connection, load.schema, None)
    then = tables_at(connection, load.schema, at)
    copier = Conformer(connection, load, settings, datetime.now(UTC))
    paths = _staged(connection, load, settings, desk, copier=copier, at=at)
    columns = {
        name: tables.table(connection, load.schema, name, snapshot=at).columns for name in then
    }
    before, after = state.read(connection, load.source), state.read(connection, load.source, at=at)

    def change() -> None:
        for name in now:
            if name not in then:
                sql = f"{LAKE}.{identifier(load.schema)}.{identifier(name)}"
                connection.execute(f"DROP TABLE IF EXISTS {sql}")
        for name, (path, rows) in paths.items():
            full = tables.Name(schema=load.schema, table=name)
            tables.replace(connection, full, columns[name], [path] if rows else ())
        state.write(connection, load.source, before=before, after=after)

    with undone(Staged(), copier, ports.WorkFailed):
        signature = signed(load, f"roll {load.source} back to before job {run}")
        snapshot = commit(
            connection,
            desk.lease,
            settings.warehouse,
            signature=signature,
            schemas=(load.schema, OWN),
            change=change,
        )
    discard([path for path, rows in paths.values() if not rows])
    return ports.Loaded(rows=0, tables=told(connection, load, None), files=(), snapshot=snapshot)


def _staged(
    connection: duckdb.DuckDBPyConnection,
    load: ports.Load,
    settings: LoadSettings,
    desk: Desk,
    *,
    copier: Conformer,
    at: int,
) -> dict[str, tuple[str, int]]:
    """Copy the rows of then to new files; path and number of rows by table."""
    then = tables_at(connection, load.schema, at)
    paths: dict[str, tuple[str, int]] = {}
    with undone(Staged(), copier, BaseException):
        for number, name in enumerate(then):
            here = ports.Progress(phase="reading", done=number, total=len(then), unit="tables")
            desk.progress(here)
            sql = f"{LAKE}.{identifier(load.schema)}.{identifier(name)} AT (VERSION => {at})"
            full = tables.Name(schema=load.schema, table=name)
            paths[name] = copier.copy(full, f"SELECT * FROM {sql}")  # noqa: S608 - quoted
        tables.sync(settings.warehouse, [path for path, _ in paths.values()])
    return paths


def _refuse_expired(connection: duckdb.DuckDBPyConnection, snapshot: int) -> None:
    sql = f"SELECT 1 FROM {LAKE}.snapshots() WHERE snapshot_id = ?"  # noqa: S608 - ours
    if connection.execute(sql, [snapshot]).fetchone() is None:
        reason = f"The warehouse has no snapshot {snapshot} any more: maintenance has removed it."
        raise ports.WorkRefused(reason, snapshot=snapshot)
