"""Making what was staged visible: all tables of a load, and its state, in one commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import duckdb
import msgspec

from commands import ports
from domain.datasets import Drift, Table
from infra.loading import rejected, state
from infra.loading.apply import Counts, apply
from infra.loading.change import Change
from infra.loading.conform import Conformer
from infra.loading.settings import LoadSettings
from infra.loading.staged import Staged, discard
from infra.warehouse import tables
from infra.warehouse.commit import Signature, commit, newest_snapshot
from infra.warehouse.settings import OWN
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
    with undone(staged, conformer, BaseException):
        changes = [change for table in staged.tables if _matters(change := conformer.change(table))]
        before = state.read(connection, load.source)
        after = state.State(
            files=before.files if staged.tracked is None else staged.tracked, cursors=staged.state
        )
        if not changes and before == after and not staged.rejects:
            snapshot = newest_snapshot(connection)
            return _loaded(staged, 0, told(connection, load, {}), snapshot)
        rows = sum(change.rows for change in changes)
        desk.progress(ports.Progress(phase="committing", done=rows, total=rows))
        used = {path for change in changes for path in _paths(change)}
        tables.sync(settings.warehouse, sorted(used))
    counts: dict[str, Counts] = {}

    def change_all() -> None:
        for change in changes:
            counts[change.name.table] = apply(connection, change)
        rejected.write(connection, load, staged)
        state.write(connection, load.source, before=before, after=after)

    # After an error of any other kind the files may be the table's already; those that nobody
    # refers to are maintenance's.
    with undone(staged, conformer, ports.WorkFailed):
        signature = signed(load, f"load {load.source}")
        snapshot = commit(
            connection,
            desk.lease,
            settings.warehouse,
            signature=signature,
            schemas=(load.schema, OWN),
            change=change_all,
        )
    discard([path for path in (*staged.paths, *conformer.made) if path not in used])
    drift = tuple(change.drift for change in changes if change.drift is not None)
    return _loaded(staged, rows, told(connection, load, counts), snapshot, drift)


@contextmanager
def undone(staged: Staged, conformer: Conformer, error: type[BaseException]) -> Iterator[None]:
    """Remove the files when nothing was committed.

    On a full disk, they would take the room to tell of the failure.
    """
    try:
        yield
    except error:
        discard((*staged.paths, *conformer.made))
        raise


def signed(load: ports.Load, message: str) -> Signature:
    """Give the signature under which the commit of a load is found again."""
    return Signature(author=load.author, message=message, job=load.job, source=load.source)


def _loaded(
    staged: Staged,
    rows: int,
    now: tuple[Table, ...],
    snapshot: int,
    drift: tuple[Drift, ...] = (),
) -> ports.Loaded:
    return ports.Loaded(
        drift=drift,
        rows=rows,
        tables=now,
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


def told(
    connection: duckdb.DuckDBPyConnection, load: ports.Load, counts: dict[str, Counts] | None
) -> tuple[Table, ...]:
    """Describe all tables of the source, as they stand now; those left alone had no changes.

    None: nobody has counted.
    """
    with tables.one_state(connection):
        found = [
            tables.table(connection, load.schema, name)
            for name in tables.names(connection, load.schema)
        ]
    if counts is None:
        return tuple(found)
    return tuple(
        msgspec.structs.replace(table, **msgspec.structs.asdict(counts.get(table.name, Counts())))
        for table in found
    )
