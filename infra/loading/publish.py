"""Making what was staged visible: all tables of a load, and its state, in one commit."""

import duckdb

from commands import ports
from domain.datasets import Table
from infra.loading import state
from infra.loading.settings import LoadSettings
from infra.loading.staged import LINEAGE, Staged, StagedTable, discard
from infra.warehouse import tables
from infra.warehouse.commit import Signature, commit, newest_snapshot
from infra.workers.desk import Desk


def publish(
    connection: duckdb.DuckDBPyConnection,
    load: ports.Load,
    settings: LoadSettings,
    desk: Desk,
    staged: Staged,
) -> ports.Loaded:
    """Publish what a stage gave, or nothing of it. Raises WorkFailed when nothing was committed."""
    try:
        return _publish(connection, load, settings, desk, staged)
    except ports.WorkFailed:
        # Nothing was committed. After any other error the files may be the table's already; those
        # that nobody refers to are maintenance's.
        discard(staged.paths)
        raise


def _publish(
    connection: duckdb.DuckDBPyConnection,
    load: ports.Load,
    settings: LoadSettings,
    desk: Desk,
    staged: Staged,
) -> ports.Loaded:
    for table in staged.tables:
        _refuse_emptying(connection, load, staged, table)
    wanted = [table for table in staged.tables if table.columns or _there(connection, load, table)]
    rows = sum(table.rows for table in wanted)
    if not wanted:
        return ports.Loaded(rows=0, tables=(), files=(), snapshot=newest_snapshot(connection))
    desk.progress(ports.Progress(phase="committing", done=rows, total=rows))
    tables.sync(settings.warehouse, [path for table in wanted for path in table.paths])
    before = state.read(connection, load.source)
    after = state.State(cursors=staged.state)

    def change() -> None:
        for table in wanted:
            _replace(connection, load, table)
        state.write(connection, load.source, before=before, after=after)

    snapshot = commit(
        connection,
        desk.lease,
        settings.warehouse,
        signature=Signature(
            author=load.author,
            message=f"load {load.source}",
            job=load.job,
            source=load.source,
        ),
        change=change,
    )
    for table in wanted:
        if not table.rows:
            discard(table.paths)
    told = tuple(_told(connection, load, table) for table in wanted)
    return ports.Loaded(rows=rows, tables=told, files=staged.files, snapshot=snapshot)


def _name(load: ports.Load, table: StagedTable) -> tables.Name:
    return tables.Name(schema=load.schema, table=table.name)


def _there(connection: duckdb.DuckDBPyConnection, load: ports.Load, table: StagedTable) -> bool:
    return bool(tables.columns(connection, _name(load, table)))


def _replace(connection: duckdb.DuckDBPyConnection, load: ports.Load, table: StagedTable) -> None:
    name = _name(load, table)
    columns = (*table.columns, *LINEAGE) if table.columns else tables.columns(connection, name)
    tables.replace(connection, name, columns, table.paths if table.rows else ())


def _told(connection: duckdb.DuckDBPyConnection, load: ports.Load, table: StagedTable) -> Table:
    columns = tables.columns(connection, _name(load, table))
    return Table(schema=load.schema, name=table.name, row_count=table.rows, columns=columns)


def _refuse_emptying(
    connection: duckdb.DuckDBPyConnection, load: ports.Load, staged: Staged, table: StagedTable
) -> None:
    if table.rows or load.allow_empty:
        return
    name = _name(load, table)
    before = tables.row_count(connection, name)
    if before:
        found = "The files hold no rows" if staged.files else "No file matches the source's pattern"
        reason = (
            f"{found}, and {name.schema}.{name.table} has {before} rows:"
            " it is left as it is. Allow empty loads for this source if it is to be emptied."
        )
        raise ports.WorkRefused(reason, rows_before=before)
