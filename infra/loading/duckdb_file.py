"""Type `duckdb`: the tables of a DuckDB database file of the project, as they are.

The file is opened for reading. When it has not changed since the last load, nothing is read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import msgspec

from commands import ports
from domain.datasets import File
from domain.source_types.files import DuckDBFileBlock
from infra.loading import prepare, showing, staged, state, types
from infra.loading.file_sources import staging_folder, table_name
from infra.loading.find import Found, find
from infra.loading.settings import LoadSettings
from infra.loading.staged import Staged, StagedTable, discard
from infra.warehouse.quoting import identifier, literal
from infra.workers.desk import Desk

INPUT = "dango_input"
TABLES_MAX = 1_000


def stage(
    connection: duckdb.DuckDBPyConnection,
    load: ports.Load,
    settings: LoadSettings,
    desk: Desk,
) -> Staged:
    """Stage the tables that are wanted."""
    block = msgspec.convert(load.options, DuckDBFileBlock)
    found = _find(load, block)
    before = state.read(connection, load.source)
    told = {"schema": block.schema, "tables": list(block.tables)}
    known = before.files[0] if before.files else None
    same = known is not None and (known.size_bytes, known.mtime_ns) == (
        found.size_bytes,
        found.mtime_ns,
    )
    if same and before.cursors == told and not load.full_refresh:
        return Staged(state=before.cursors)
    with staging_folder(settings):
        digest = prepare.hashed(found, 0, lambda _: None).sha256
    made = list(_tables(connection, load, settings, desk, block=block, found=found))
    if not prepare.unchanged(found):
        discard([path for table in made for path in table.paths])
        raise ports.WorkFailed(f"{found.name} changed while it was read.", transient=True)
    rows = sum(table.rows for table in made)
    file = File(path=found.name, size_bytes=found.size_bytes, sha256=digest, rows=rows)
    tracked = state.Tracked(
        path=found.name,
        size_bytes=found.size_bytes,
        mtime_ns=found.mtime_ns,
        sha256=digest,
        rows=rows,
        run=load.job,
    )
    return Staged(tables=tuple(made), files=(file,), state=told, tracked=(tracked,))


def sample(
    connection: duckdb.DuckDBPyConnection,
    load: ports.Load,
    settings: LoadSettings,  # noqa: ARG001 - the shape of every sample
    desk: Desk,  # noqa: ARG001 - the shape of every sample
) -> ports.Sample:
    """Show the first rows of the first table."""
    block = msgspec.convert(load.options, DuckDBFileBlock)
    found = _find(load, block)
    with _attached(connection, found):
        names = _names(connection, block, found)
        notes = (f"Tables: {', '.join(names[:20])}.",)
        return showing.first_rows(connection, f"SELECT * FROM {_sql(block, names[0])}", notes)  # noqa: S608 - quoted


def _find(load: ports.Load, block: DuckDBFileBlock) -> Found:
    path = Path(block.path)
    found = find(str(Path(load.root) / path.parent), path.name, 1, root=load.root)
    if not found:
        raise ports.WorkRefused(f"The file '{path.name}' does not exist.", file=path.name)
    return found[0]


def _tables(
    connection: duckdb.DuckDBPyConnection,
    load: ports.Load,
    settings: LoadSettings,
    desk: Desk,
    *,
    block: DuckDBFileBlock,
    found: Found,
) -> Iterator[StagedTable]:
    with _attached(connection, found):
        names = _names(connection, block, found)
        for number, name in enumerate(names):
            here = ports.Progress(phase="reading", done=number, total=len(names), unit="tables")
            desk.progress(here)
            described = connection.execute(f"DESCRIBE {_sql(block, name)}").fetchall()
            listed = ", ".join(
                f"{identifier(column)}::{types.stored(kind)} AS {identifier(column)}"
                for column, kind, *_ in described
            )
            select = f"SELECT {listed} FROM {_sql(block, name)}"  # noqa: S608 - quoted
            try:
                yield staged.copy(
                    connection, load, settings, table_name(name), select, file=found.name
                )
            except duckdb.IOException as error:
                reason = f"Table '{name}' of {found.name} cannot be read."
                raise ports.WorkRefused(reason, file=found.name) from error


def _names(
    connection: duckdb.DuckDBPyConnection, block: DuckDBFileBlock, found: Found
) -> list[str]:
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name = ?"
        " ORDER BY table_name LIMIT ?",
        [INPUT, block.schema, TABLES_MAX + 1],
    ).fetchall()
    there = [name for (name,) in rows]
    if missing := [name for name in block.tables if name not in there]:
        reason = f"{found.name} has no table '{missing[0]}' in schema '{block.schema}'."
        raise ports.WorkRefused(reason, file=found.name)
    if not there or len(there) > TABLES_MAX:
        what = "no tables" if not there else f"more than {TABLES_MAX} tables"
        raise ports.WorkRefused(f"{found.name} has {what} in schema '{block.schema}'.")
    return list(block.tables) or there


def _sql(block: DuckDBFileBlock, name: str) -> str:
    return f"{INPUT}.{identifier(block.schema)}.{identifier(name)}"


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, found: Found) -> Iterator[None]:
    try:
        connection.execute(f"ATTACH {literal(found.path)} AS {INPUT} (TYPE duckdb, READ_ONLY)")
    except duckdb.Error as error:
        reason = f"{found.name} is no DuckDB file that can be read, or somebody writes to it."
        raise ports.WorkRefused(reason, file=found.name) from error
    try:
        yield
    finally:
        connection.execute(f"DETACH {INPUT}")
