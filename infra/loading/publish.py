"""Making what was staged visible: all tables of a load, and its state, in one commit."""

from datetime import UTC, datetime

import duckdb
import msgspec

from commands import ports
from domain.datasets import Table
from infra.loading import rejected, state
from infra.loading.apply import Counts, apply
from infra.loading.conform import Change, Conformer
from infra.loading.settings import LoadSettings
from infra.loading.staged import Staged, discard
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
    conformer = Conformer(connection, load, settings, datetime.now(UTC))
    try:
        changes = [conformer.change(table) for table in staged.tables]
        before = state.read(connection, load.source)
        after = state.State(
            files=before.files if staged.tracked is None else staged.tracked, cursors=staged.state
        )
        changes = [change for change in changes if _matters(change)]
        if not changes and before == after and not staged.rejects:
            snapshot = newest_snapshot(connection)
            return _loaded(staged, 0, (), snapshot)
        rows = sum(change.rows for change in changes)
        desk.progress(ports.Progress(phase="committing", done=rows, total=rows))
        tables.sync(settings.warehouse, [path for change in changes for path in _paths(change)])
    except BaseException:
        # On a full disk, these would take the room to tell of the failure.
        discard((*staged.paths, *conformer.made))
        raise
    counts: dict[str, Counts] = {}

    def change_all() -> None:
        for change in changes:
            counts[change.name.table] = apply(connection, change)
        rejected.write(connection, load, staged)
        state.write(connection, load.source, before=before, after=after)

    try:
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
            change=change_all,
        )
    except ports.WorkFailed:
        # Nothing was committed. After any other error the files may be the table's already; those
        # that nobody refers to are maintenance's.
        discard((*staged.paths, *conformer.made))
        raise
    used = {path for change in changes for path in _paths(change)}
    discard([path for path in (*staged.paths, *conformer.made) if path not in used])
    told = tuple(_told(connection, change, counts[change.name.table]) for change in changes)
    return _loaded(staged, rows, told, snapshot)


def _loaded(staged: Staged, rows: int, told: tuple[Table, ...], snapshot: int) -> ports.Loaded:
    return ports.Loaded(
        rows=rows,
        tables=told,
        files=staged.files,
        snapshot=snapshot,
        refused=staged.refused,
        formats=staged.formats,
    )


def _matters(change: Change) -> bool:
    if change.write == "replace":
        return bool(change.columns)
    return bool(change.rows or _goes(change) or change.added or change.retyped) and bool(
        change.rows or change.before
    )


def _goes(change: Change) -> bool:
    return bool(change.gone_files or change.owners)


def _paths(change: Change) -> tuple[str, ...]:
    own = () if change.rewritten is None else (change.rewritten,)
    return (*own, *(change.paths if change.rows else ()))


def _told(connection: duckdb.DuckDBPyConnection, change: Change, counts: Counts) -> Table:
    name = change.name
    return Table(
        schema=name.schema,
        name=name.table,
        row_count=tables.row_count(connection, name),
        columns=tables.columns(connection, name),
        **msgspec.structs.asdict(counts),
    )
