"""Workbooks: one sheet of each, its first row the header, types by the values of each column.

Cells are read by python-calamine and written down as NDJSON, which the engine then reads with the
types that were found.
"""

import datetime as dt
import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import python_calamine as calamine

from commands import ports
from domain.datasets import Column
from infra.loading.csv_files import file_sql
from infra.loading.formats import FileFormat
from infra.loading.header import checked
from infra.loading.portion import Portion, Refusals, Task, join
from infra.loading.prepare import Prepared
from infra.loading.scan import STAGED_COLUMN
from infra.warehouse.quoting import identifier, literal

UNPACKED_BYTES_MAX = 1024**3  # of all parts of a workbook: it is held in memory
EXACT_MAX = 2**53


def read(task: Task, files: list[Prepared]) -> Portion:
    """Read the files; those that are no workbooks are refused, the others stay."""
    refused: Refusals = {}
    portions = []
    for one in files:
        try:
            portions.append(_read(task, one))
        except ports.WorkRefused as refusal:
            refused[one.found.name] = refusal
    joined = join(task, portions)
    columns = {column.name: column.type for column in joined.columns}
    found = FileFormat(format="excel", columns=columns)
    return Portion(columns=joined.columns, paths=joined.paths, refused=refused, found=found)


def _read(task: Task, one: Prepared) -> Portion:
    name = one.found.name
    rows = _rows(task, one)
    header = [str(_plain(cell)) if cell not in (None, "") else "" for cell in rows[0]]
    while header and not header[-1]:
        header.pop()
    names = checked(header, name, task.settings.columns_max)
    if not names:
        raise ports.WorkRefused(f"{name} has no header row.", file=name, line=1)
    nulls = frozenset(task.block.null_values)
    body = [row for row in _cells(rows[1:], len(names), nulls) if any(v is not None for v in row)]
    types = [_type([row[at] for row in body]) for at in range(len(names))]
    pairs = zip(names, types, strict=True)
    columns = tuple(Column(name=column, type=spelled) for column, spelled in pairs)
    staged = f"{one.number:08d}.ndjson"
    with Path(staged).open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(_record(columns, row)) + "\n" for row in body)
    described = ", ".join(f"{literal(c.name)}: {literal(c.type)}" for c in columns)
    source = (
        f"read_json({literal(staged)}, format = 'newline_delimited',"
        f" columns = {{{described}}}, filename = {literal(STAGED_COLUMN)},"
        f" maximum_object_size = {task.settings.line_bytes_max})"
    )
    listed = ", ".join(identifier(column.name) for column in columns)
    select = f"SELECT {listed}, {task.lineage(file_sql([one]))} FROM {source}"  # noqa: S608 - quoted
    path = task.copy(select)
    Path(staged).unlink()
    return Portion(columns=columns, paths=(path,))


def _rows(task: Task, one: Prepared) -> list[list[Any]]:
    name, wanted = one.found.name, task.block.sheet
    _refuse_bomb(one)
    try:
        book = calamine.CalamineWorkbook.from_path(one.found.path)
        sheets = book.sheet_names
        if wanted is not None and wanted not in sheets:
            raise ports.WorkRefused(f"{name} has no sheet '{wanted}'.", file=name)
        rows: list[list[Any]] = (
            book.get_sheet_by_name(wanted or sheets[0]).to_python() if sheets else []
        )
    except (calamine.CalamineError, OSError, ValueError, IndexError) as error:
        raise ports.WorkRefused(f"{name} is a damaged workbook.", file=name) from error
    if not rows:
        raise ports.WorkRefused(f"{name} is empty.", file=name)
    return rows


def _refuse_bomb(one: Prepared) -> None:
    if not zipfile.is_zipfile(one.found.path):
        return  # of before 2007: not packed
    name = one.found.name
    try:
        with zipfile.ZipFile(one.found.path) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise ports.WorkRefused(f"{name} is a damaged workbook.", file=name) from None
    if size > UNPACKED_BYTES_MAX:
        reason = f"{name} unpacks to more than {UNPACKED_BYTES_MAX} bytes."
        raise ports.WorkRefused(reason, file=name)


def _cells(rows: Sequence[list[Any]], width: int, nulls: frozenset[str]) -> Iterator[list[Any]]:
    for row in rows:
        cells = [None if _missing(cell, nulls) else _plain(cell) for cell in row[:width]]
        yield cells + [None] * (width - len(cells))


def _missing(cell: Any, nulls: frozenset[str]) -> bool:
    return cell is None or cell == "" or (isinstance(cell, str) and cell in nulls)


def _plain(cell: Any) -> Any:
    """Numbers of a workbook are floating; whole ones are meant as such."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT_MAX:
        return int(cell)
    return cell


def _type(values: list[Any]) -> str:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return "BOOLEAN"
    if kinds == {int}:
        return "BIGINT"
    if kinds and kinds <= {int, float}:
        return "DOUBLE"
    if kinds == {dt.date}:
        return "DATE"
    if kinds and kinds <= {dt.date, dt.datetime}:
        return "TIMESTAMP"
    if kinds == {dt.time}:
        return "TIME"
    return "VARCHAR"


def _record(columns: Sequence[Column], row: Sequence[Any]) -> dict[str, Any]:
    return {
        column.name: value
        if value is None or (isinstance(value, bool | int | float) and column.type != "VARCHAR")
        else _text(value)
        for column, value in zip(columns, row, strict=True)
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.date | dt.datetime | dt.time):
        return value.isoformat()
    return str(value)
