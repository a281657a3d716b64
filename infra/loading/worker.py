"""Handler of the kind "load": stage what a source holds, then publish it in one commit."""

from collections.abc import Callable

import duckdb
import msgspec

from commands import ports
from domain.datasets import Table
from infra.loading.csv_files import Reader, Staged, discard
from infra.loading.settings import LoadSettings
from infra.warehouse import attach, tables, temporary
from infra.warehouse.commit import Signature, commit, newest_snapshot
from infra.workers.desk import Desk, Run

Stage = Callable[[duckdb.DuckDBPyConnection, ports.Load, LoadSettings, Desk], Staged]

# One row for each type of source that is loaded from files.
STAGES: dict[str, Stage] = {
    "csv": lambda connection, load, settings, desk: Reader(
        connection, load, settings, desk
    ).stage(),
}


def start(config: msgspec.Raw) -> Run:
    """Start the engine; each task attaches the warehouse anew."""
    settings = msgspec.json.decode(config, type=LoadSettings)
    temporary.sweep(settings.warehouse)
    engine = attach.engine(settings.warehouse)

    def run(task: msgspec.Raw, desk: Desk) -> ports.Loaded:
        wanted = msgspec.json.decode(task, type=ports.Load)
        try:
            with attach.attached(engine, settings.warehouse) as connection:
                return load(connection, wanted, settings, desk)
        except duckdb.OutOfMemoryException:
            reason = "The load needs more memory than it may have."
            raise ports.WorkFailed(reason, limit="memory") from None
        except (duckdb.Error, OSError) as error:
            if not attach.is_full(error):
                raise
            raise ports.WorkFailed(attach.FULL) from error

    return run


def load(
    connection: duckdb.DuckDBPyConnection,
    wanted: ports.Load,
    settings: LoadSettings,
    desk: Desk,
) -> ports.Loaded:
    """Stage, then replace the table's content, in one commit or not at all."""
    stage = STAGES.get(wanted.type)
    if stage is None:
        raise ports.WorkRefused(f"Sources of type '{wanted.type}' cannot be loaded from files.")
    name = tables.Name(schema=wanted.schema, table=wanted.table)
    staged = stage(connection, wanted, settings, desk)
    try:
        return publish(connection, wanted, settings, desk, name=name, staged=staged)
    except ports.WorkFailed:
        # Nothing was committed. After any other error the files may be the table's already; those
        # that nobody refers to are maintenance's.
        discard(staged.paths)
        raise


def publish(
    connection: duckdb.DuckDBPyConnection,
    wanted: ports.Load,
    settings: LoadSettings,
    desk: Desk,
    *,
    name: tables.Name,
    staged: Staged,
) -> ports.Loaded:
    """Make what was staged the table's content, unless that would silently empty it."""
    if not staged.rows and not wanted.allow_empty:
        before = tables.row_count(connection, name)
        if before:
            raise ports.WorkRefused(_empty(wanted, staged, before), rows_before=before)
    if not staged.columns and not tables.columns(connection, name):
        return ports.Loaded(rows=0, tables=(), files=(), snapshot=newest_snapshot(connection))
    desk.progress(ports.Progress(phase="committing", done=staged.rows, total=staged.rows))
    columns = staged.columns or tables.columns(connection, name)
    paths = staged.paths if staged.rows else ()
    tables.sync(settings.warehouse, paths)
    snapshot = commit(
        connection,
        desk.lease,
        settings.warehouse,
        signature=Signature(
            author=wanted.author,
            message=f"load {wanted.source}",
            job=wanted.job,
            source=wanted.source,
        ),
        change=lambda: tables.replace(connection, name, columns, paths),
    )
    if not staged.rows:
        discard(staged.paths)
    table = Table(schema=name.schema, name=name.table, row_count=staged.rows, columns=columns)
    return ports.Loaded(rows=staged.rows, tables=(table,), files=staged.files, snapshot=snapshot)


def _empty(wanted: ports.Load, staged: Staged, before: int) -> str:
    found = "The files hold no rows" if staged.files else "No file matches the source's pattern"
    return (
        f"{found}, and {wanted.schema}.{wanted.table} has {before} rows:"
        " it is left as it is. Allow empty loads for this source if it is to be emptied."
    )
