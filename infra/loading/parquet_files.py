"""Parquet: the types are in the files; files of one schema are read together."""

import duckdb

from commands import ports
from domain.datasets import Column, Format
from infra.loading import types
from infra.loading.csv_files import file_sql
from infra.loading.header import checked
from infra.loading.portion import Portion, Refusals, Task, join
from infra.loading.prepare import Prepared
from infra.loading.progress import reading
from infra.loading.scan import STAGED_COLUMN
from infra.warehouse.attach import is_full
from infra.warehouse.quoting import identifier, literal

Shape = tuple[tuple[str, str], ...]


def read(task: Task, files: list[Prepared]) -> Portion:
    """Read the files; a damaged one is refused, the others stay."""
    refused: Refusals = {}
    by_shape: dict[Shape, list[Prepared]] = {}
    for one in files:
        try:
            by_shape.setdefault(_shape(task, one), []).append(one)
        except ports.WorkRefused as refusal:
            refused[one.found.name] = refusal
    portions = []
    total = sum(one.found.size_bytes for one in files)
    with reading(task.connection, task.desk, total, ordered=task.ordered):
        for shape, alike in by_shape.items():
            portions.append(_read(task, shape, alike, refused))
    joined = join(task, portions)
    columns = {column.name: column.type for column in joined.columns}
    found = Format(format="parquet", columns=columns)
    return Portion(columns=joined.columns, paths=joined.paths, refused=refused, found=found)


def _shape(task: Task, one: Prepared) -> Shape:
    try:
        rows = task.connection.execute(
            f"DESCRIBE SELECT * FROM read_parquet({literal(one.staged)})",  # noqa: S608 - quoted
        ).fetchall()
    except duckdb.OutOfMemoryException:
        raise
    except (duckdb.Error, UnicodeDecodeError):
        # Damage comes up as an error of any kind; the engine is fit for more after it.
        raise _damaged(one) from None
    names = tuple(row[0] for row in rows)
    checked(names, one.found.name, task.settings.columns_max)
    return tuple((row[0], row[1]) for row in rows)


def _read(task: Task, shape: Shape, files: list[Prepared], refused: Refusals) -> Portion:
    try:
        return _portion(task, shape, files)
    except duckdb.OutOfMemoryException:
        raise
    except (duckdb.Error, UnicodeDecodeError) as error:
        if is_full(error):
            raise
        if len(files) == 1:
            refused[files[0].found.name] = _damaged(files[0])
            return Portion()
    return join(task, [_read(task, shape, [one], refused) for one in files])


def _portion(task: Task, shape: Shape, files: list[Prepared]) -> Portion:
    columns = tuple(Column(name=name, type=types.stored(spelled)) for name, spelled in shape)
    listed = [
        f"{identifier(column.name)}::{column.type} AS {identifier(column.name)}"
        for column in columns
    ]
    listed.append(task.lineage(file_sql(files)))
    paths = ", ".join(literal(one.staged) for one in files)
    source = f"read_parquet([{paths}], filename = {literal(STAGED_COLUMN)})"
    path = task.copy(f"SELECT {', '.join(listed)} FROM {source}")  # noqa: S608 - quoted
    return Portion(columns=columns, paths=(path,))


def _damaged(one: Prepared) -> ports.WorkRefused:
    name = one.found.name
    return ports.WorkRefused(f"{name} is a damaged Parquet file.", file=name)
