"""What a reader of one format makes of its files of one table."""

import uuid
from collections.abc import Callable, Iterable

import duckdb
import msgspec

from commands import ports
from domain.datasets import Column, Format
from domain.source_types.files import FilesBlock
from infra.loading import types
from infra.loading.prepare import Prepared
from infra.loading.settings import LoadSettings
from infra.loading.staged import LINEAGE, Reject, discard, read_sql
from infra.warehouse import tables
from infra.warehouse.quoting import identifier, literal
from infra.workers.desk import Desk

Refusals = dict[str, ports.WorkRefused]  # by the file's shown name


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader is given beside its files."""

    connection: duckdb.DuckDBPyConnection
    load: ports.Load
    settings: LoadSettings
    desk: Desk
    block: FilesBlock
    table: str
    known: Format | None = None
    folder: str | None = None  # where rows go that will not be published

    @property
    def ordered(self) -> bool:
        """Whether it counts where in its file a row stands: of one key, the last one is kept."""
        return bool(self.block.primary_key)

    def path(self) -> str:
        """Give a new path for rows of the table."""
        if self.folder is not None:
            return f"{self.folder}/{uuid.uuid4()}.parquet"
        name = tables.Name(schema=self.load.schema, table=self.table)
        return tables.staged_path(self.settings.warehouse, name)

    def lineage(self, file: str) -> str:
        """Give the lineage columns of a SELECT; `file` is an expression."""
        return f"{file} AS _dango_file, {int(self.load.job)}::BIGINT AS _dango_run"

    def copy(self, select: str) -> str:
        """Write the rows to a new file; nothing is left behind when that fails."""
        path = self.path()
        try:
            self.connection.execute(f"COPY ({select}) TO {literal(path)} (FORMAT parquet)")
        except BaseException:
            # On a full disk, half a file would take the room to tell of the failure.
            discard([path])
            raise
        return path


class Portion(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that are staged, all with the same columns, and what is to be told of their files."""

    columns: tuple[Column, ...] = ()
    paths: tuple[str, ...] = ()
    rejects: tuple[Reject, ...] = ()
    rejected: dict[str, int] = {}  # rows that could not be taken, by the file's shown name
    refused: Refusals = {}
    found: Format | None = None


Reader = Callable[[Task, list[Prepared]], Portion]


def join(task: Task, portions: Iterable[Portion]) -> Portion:
    """Make one portion of those of several formats: columns by name, types wide enough for all."""
    with_rows = [each for each in portions if each.columns]
    if len(with_rows) <= 1 or len({each.columns for each in with_rows}) == 1:
        columns = with_rows[0].columns if with_rows else ()
        return Portion(columns=columns, paths=tuple(p for each in with_rows for p in each.paths))
    spelling: dict[str, str] = {}
    wanted: dict[str, str] = {}
    for column in (column for each in with_rows for column in each.columns):
        name = spelling.setdefault(column.name.lower(), column.name)
        wanted[name] = types.wider(wanted.get(name, column.type), column.type)
    parts = [f"SELECT {_listed(each, wanted)} FROM {read_sql(each.paths)}" for each in with_rows]  # noqa: S608 - quoted
    path = task.copy(" UNION ALL ".join(parts))
    discard([old for each in with_rows for old in each.paths])
    columns = tuple(Column(name=name, type=spelled) for name, spelled in wanted.items())
    return Portion(columns=columns, paths=(path,))


def _listed(portion: Portion, wanted: dict[str, str]) -> str:
    has = {column.name.lower(): column for column in portion.columns}
    shown = []
    for name, spelled in wanted.items():
        column = has.get(name.lower())
        if column is None:
            value = f"NULL::{spelled}"
        elif spelled == types.JSON != column.type:
            value = f"to_json({identifier(column.name)})"
        else:
            value = f"{identifier(column.name)}::{spelled}"
        shown.append(f"{value} AS {identifier(name)}")
    return ", ".join((*shown, *(column.name for column in LINEAGE)))


def filled(task: Task, columns: Iterable[Column], paths: Iterable[str]) -> dict[str, str]:
    """Give the columns that hold any value: of the others, nobody knows the type."""
    columns = tuple(columns)
    listed = tuple(paths)
    if not columns or not listed:
        return {}
    counts = ", ".join(f"count({identifier(column.name)})" for column in columns)
    row = task.connection.execute(f"SELECT {counts} FROM {read_sql(listed)}").fetchone()  # noqa: S608 - quoted
    pairs = zip(columns, row or (), strict=True)
    return {column.name: column.type for column, count in pairs if count}
