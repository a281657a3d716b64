"""What a stage gives to be published: Parquet files in the tables' own folders, and an account.

A stage is `stage(connection, load, settings, desk) -> Staged`. It may take long: nobody sees what
it writes, and when it dies nothing has happened.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from commands import ports
from domain.datasets import Column, File, RefusedFile
from infra.loading.settings import LoadSettings
from infra.loading.state import Tracked
from infra.warehouse import tables
from infra.warehouse.quoting import literal
from infra.workers.desk import Desk

# Behind the columns of every staged file: the file that a row came from, NULL where there is no
# such thing, and the job that loaded it.
LINEAGE = (Column(name="_dango_file", type="VARCHAR"), Column(name="_dango_run", type="BIGINT"))
OWNER = "_dlt_root_id"  # the column that tells whose list a row is of
REJECTS_KEPT_MAX = 10_000  # of one run; all are counted
RAW_CHARS_MAX = 500


class Reject(msgspec.Struct, frozen=True, kw_only=True):
    """A row that could not be taken, cut to RAW_CHARS_MAX characters."""

    file: str
    line: int | None
    reason: str
    raw: str | None = None


class StagedTable(msgspec.Struct, frozen=True, kw_only=True):
    """What one table is to be given.

    `write` is one of: `replace`, the rows become the whole content; `append`, they are added, with
    `keys` only those whose key is not there yet; `merge`, they take the place of rows of the same
    key, of several the last one; `scd2`, a row that differs from the newest of its key becomes its
    new version.
    """

    name: str
    columns: tuple[Column, ...]  # without lineage
    paths: tuple[str, ...] = ()  # from `path`; they hold exactly `columns` and LINEAGE
    rows: int = 0
    write: str = "replace"
    keys: tuple[str, ...] = ()
    gone_files: tuple[str, ...] = ()  # rows with these _dango_file are deleted first
    fresh: bool = False  # the table is made anew first
    empty: str = "There are no rows"  # why, when the table would be emptied by this
    # Of tables that hold the lists of another one's rows: a staged file of the OWNER values whose
    # rows are deleted first, and that they may become empty with it.
    owners: str = ""
    follows: bool = False


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one commit is to make visible."""

    tables: tuple[StagedTable, ...] = ()
    files: tuple[File, ...] = ()  # that were read by this run
    state: dict[str, Any] = {}  # what the next run of this source needs, in the place of before
    tracked: tuple[Tracked, ...] | None = None  # all files of the source; None: as they were
    rejects: tuple[Reject, ...] = ()
    refused: tuple[RefusedFile, ...] = ()
    formats: dict[str, Any] = {}  # what was found out about the input, by table, for later runs

    @property
    def paths(self) -> tuple[str, ...]:
        """All staged files."""
        owners = tuple(table.owners for table in self.tables if table.owners)
        return (*(path for table in self.tables for path in table.paths), *owners)


Stage = Callable[[duckdb.DuckDBPyConnection, ports.Load, LoadSettings, Desk], Staged]


def path(load: ports.Load, settings: LoadSettings, table: str) -> str:
    """Give a new path for rows of a table."""
    return tables.staged_path(settings.warehouse, tables.Name(schema=load.schema, table=table))


def copy(
    connection: duckdb.DuckDBPyConnection,
    load: ports.Load,
    settings: LoadSettings,
    table: str,
    select: str,
    *,
    file: str | None = None,
) -> StagedTable:
    """Stage the rows of a SELECT that has no lineage columns; of a `replace`, if not changed."""
    target = path(load, settings, table)
    origin = "NULL" if file is None else literal(file)
    run = f"{origin}::VARCHAR AS _dango_file, {int(load.job)}::BIGINT AS _dango_run"
    described = connection.execute(f"DESCRIBE {select}").fetchall()
    try:
        row = connection.execute(
            f"COPY (SELECT *, {run} FROM ({select})) TO {literal(target)} (FORMAT parquet)",  # noqa: S608 - quoted
        ).fetchone()
    except BaseException:
        discard([target])
        raise
    return StagedTable(
        name=table,
        columns=tuple(Column(name=line[0], type=line[1]) for line in described),
        paths=(target,),
        rows=0 if row is None else int(row[0]),
    )


def discard(paths: Sequence[str]) -> None:
    """Remove staged files that will not be used; those in a bucket are left to maintenance."""
    for each in paths:
        if Path(each).is_absolute():
            Path(each).unlink(missing_ok=True)


def read_sql(paths: Sequence[str]) -> str:
    """Give the table function over staged files."""
    return f"read_parquet([{', '.join(map(literal, paths))}])"
