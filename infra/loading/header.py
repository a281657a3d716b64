"""The first line of a CSV file: which delimiter it has and which columns it names.

The engine's own guess takes a file with ragged rows for one with a single text column. So the
delimiter is read off the header line, and every row must then have as many values as that.
"""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from commands import ports

DELIMITERS = (",", ";", "\t", "|")
HEADER_BYTES_MAX = 1024 * 1024
NAME_CHARS_MAX = 200
RESERVED = "_dango_"
EXCEL_HINT = re.compile("sep=(.)", re.IGNORECASE)


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """How to read a file; files of equal headers are read together."""

    delimiter: str
    skip: int  # lines before the header
    columns: tuple[str, ...]
    nulls: tuple[str, ...] = ("",)  # spellings of a missing value


def read_header(
    staged: str,
    name: str,
    columns_max: int,
    nulls: tuple[str, ...] = ("",),
    *,
    delimiter: str | None = None,
) -> Header:
    """Read the header of a prepared file; its delimiter is found when none is told."""
    with Path(staged).open("rb") as file:
        text = file.read(HEADER_BYTES_MAX).decode("utf-8-sig", "ignore")
    skip, hint = 0, ""
    body = text
    while True:
        line, ending, rest = body.partition("\n")
        told = EXCEL_HINT.fullmatch(line.rstrip("\r"))
        if not ending or (line.strip() and not told):
            break
        if told:
            hint = told[1]
        skip, body = skip + 1, rest
    delimiter = delimiter or hint or _delimiter(body)
    names = _record(body, delimiter, 0)
    columns = checked(names, name, columns_max)
    return Header(delimiter=delimiter, skip=skip, columns=columns, nulls=nulls)


def _delimiter(text: str) -> str:
    """Take what splits the header into most columns, first of all where the next row agrees."""

    def merit(delimiter: str) -> tuple[bool, int]:
        count = len(_record(text, delimiter, 0))
        return (count > 1 and count == len(_record(text, delimiter, 1)), count)

    return max(DELIMITERS, key=merit)


def _record(text: str, delimiter: str, number: int) -> list[str]:
    csv.field_size_limit(HEADER_BYTES_MAX)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for index, row in enumerate(rows):
            if index == number:
                return row
    except csv.Error:
        return []
    return []


def checked(names: Sequence[str], file: str, columns_max: int) -> tuple[str, ...]:
    """Give the names of columns. Raises WorkRefused for those that a table cannot have."""
    if len(names) > columns_max:
        raise ports.WorkRefused(f"{file} has more than {columns_max} columns.", file=file)
    columns = tuple(name.strip() or f"column{index}" for index, name in enumerate(names))
    seen: dict[str, str] = {}
    for column in columns:
        _refuse_name(column, file)
        key = column.lower()
        if key in seen:
            other = seen[key]
            how = "twice" if other == column else f"beside '{other}': SQL takes them for one"
            reason = f"The header of {file} has the column '{column}' {how}."
            raise ports.WorkRefused(reason, file=file, line=1, column=column)
        seen[key] = column
    if columns and all(_number(name) for name in names):
        reason = f"{file} has no header line: its first line holds only numbers."
        raise ports.WorkRefused(reason, file=file, line=1)
    return columns


def _refuse_name(column: str, file: str) -> None:
    if column.lower().startswith(RESERVED):
        reason = f"The column '{column}' of {file} has a reserved name: {RESERVED}… is ours."
        raise ports.WorkRefused(reason, file=file, line=1, column=column)
    if len(column) > NAME_CHARS_MAX:
        reason = f"The header of {file} has a name of more than {NAME_CHARS_MAX} characters."
        raise ports.WorkRefused(reason, file=file, line=1)


def _number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True
