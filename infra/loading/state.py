"""What the next run of a source must know, kept in the warehouse beside the data.

It is written by the commit that publishes the rows, so that neither a crash nor a rollback can
part the two. A source's rows are always written anew as a whole: the engine then drops the file of
before, and a thousand runs later there is still one small file for each source.
"""

import json
from collections.abc import Sequence
from typing import Any

import duckdb
import msgspec

from infra.warehouse.attach import LAKE
from infra.warehouse.find import tables_at
from infra.warehouse.quoting import literal
from infra.warehouse.settings import OWN
from infra.warehouse.tables import described

FILES = f"{LAKE}.{OWN}.files"
STATE = f"{LAKE}.{OWN}.state"


class Tracked(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was when it was loaded; `path` is relative to the source's directory."""

    path: str
    size_bytes: int
    mtime_ns: int
    sha256: str
    rows: int
    run: int
    table: str = ""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """All that is kept of one source."""

    files: tuple[Tracked, ...] = ()
    cursors: dict[str, Any] = {}


def read(connection: duckdb.DuckDBPyConnection, source: str, *, at: int | None = None) -> State:
    """Give what the last commit of this source left, by a snapshot; nothing before the first."""
    if not _there(connection) or (at is not None and not tables_at(connection, OWN, at)):
        return State()
    then = "" if at is None else f" AT (VERSION => {int(at)})"
    rows = connection.execute(
        f"SELECT path, size_bytes, mtime_ns, sha256, rows, run, table_name FROM {FILES}{then}"  # noqa: S608 - ours
        " WHERE source = ? ORDER BY path",
        [source],
    ).fetchall()
    fields = Tracked.__struct_fields__
    sql = f"SELECT state FROM {STATE}{then} WHERE source = ?"  # noqa: S608 - ours
    found = connection.execute(sql, [source]).fetchone()
    return State(
        files=tuple(Tracked(**dict(zip(fields, row, strict=True))) for row in rows),
        cursors=json.loads(found[0]) if found else {},
    )


def write(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    *,
    before: State,
    after: State,
) -> None:
    """Put `after` in the place of `before`; call it inside of `commit`."""
    if before == after:
        return
    if not _there(connection):
        _create(connection)
    if before.files != after.files:
        connection.execute(f"DELETE FROM {FILES} WHERE source = ?", [source])  # noqa: S608 - ours
        _insert_files(connection, source, after.files)
    if before.cursors != after.cursors:
        connection.execute(f"DELETE FROM {STATE} WHERE source = ?", [source])  # noqa: S608 - ours
        if after.cursors:
            told = json.dumps(after.cursors)
            connection.execute(f"INSERT INTO {STATE} VALUES (?, ?)", [source, told])  # noqa: S608 - ours


def _insert_files(
    connection: duckdb.DuckDBPyConnection, source: str, files: Sequence[Tracked]
) -> None:
    if not files:
        return
    # One value for all: a statement for each row would take a second for a thousand.
    rows = [{**msgspec.structs.asdict(file), "source": source} for file in files]
    shape = (
        '[{"source":"VARCHAR","path":"VARCHAR","size_bytes":"BIGINT","mtime_ns":"BIGINT",'
        '"sha256":"VARCHAR","rows":"BIGINT","run":"BIGINT","table":"VARCHAR"}]'
    )
    parsed = f"unnest(from_json(?::JSON, {literal(shape)}), recursive := true)"
    connection.execute(
        f"INSERT INTO {FILES} SELECT {parsed}",
        [msgspec.json.encode(rows).decode()],
    )


def _there(connection: duckdb.DuckDBPyConnection) -> bool:
    return bool(described(connection, FILES))


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {LAKE}.{OWN}")
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {FILES} (source VARCHAR, path VARCHAR, size_bytes BIGINT,"
        " mtime_ns BIGINT, sha256 VARCHAR, rows BIGINT, run BIGINT, table_name VARCHAR)",
    )
    connection.execute(f"CREATE TABLE IF NOT EXISTS {STATE} (source VARCHAR, state VARCHAR)")
