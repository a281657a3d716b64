"""What lies in the warehouse, as events tell it: tables, columns, files."""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

BOOKKEEPING: Final = "_dango"  # the schema of what the program keeps for itself
REJECTS: Final = "_rejects"  # the table of a source's schema with rows that could not be taken
REJECTED: Final = ("raw", "reason")  # its columns that hold values of such a row
FILES_TOLD_MAX: Final = 20  # files that an event names; the others are in its manifest


class Column(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One column, with its type as DuckDB spells it."""

    name: str
    type: str


class Table(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One table as it stood after a commit."""

    schema: str
    name: str
    row_count: int
    columns: tuple[Column, ...] = ()
    inserted: int | None = None  # by the commit; None when nobody knows
    updated: int | None = None
    deleted: int | None = None


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One input file as it was read: `path` is relative to the source's directory."""

    path: str
    size_bytes: int
    sha256: str
    rows: int
    encoding: str = "utf-8"
    rejected: int = 0


class Retyped(msgspec.Struct, frozen=True, kw_only=True):
    """A column whose type was not wide enough any more."""

    name: str
    before: str
    after: str


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How the columns of an input differ from those that its table had."""

    table: str
    added: tuple[Column, ...] = ()
    missing: tuple[str, ...] = ()
    retyped: tuple[Retyped, ...] = ()


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about the files of one table, and is presumed of later ones.

    `columns` are those that hold values. Dates are None where they are written the ISO way.
    """

    format: str
    columns: dict[str, str] = {}
    delimiter: str | None = None
    date: str | None = None
    timestamp: str | None = None


class RefusedFile(msgspec.Struct, frozen=True, kw_only=True):
    """An input file that was left out as a whole; what it held before stays."""

    file: str
    reason: str
    line: int | None = None


def told(files: Sequence[File]) -> tuple[File, ...]:
    """The files that an event names: the largest ones, and by path among equals."""
    return tuple(sorted(files, key=lambda file: (-file.size_bytes, file.path))[:FILES_TOLD_MAX])


def manifest(files: Sequence[File]) -> str:
    """What proves a set of files later: SHA-256 over `<path> NUL <size> NUL <sha256> LF` of each.

    The lines come in the order of their UTF-8 bytes; paths hold no control characters.
    """
    lines = sorted(f"{f.path}\0{f.size_bytes}\0{f.sha256}\n".encode() for f in files)
    return hashlib.sha256(b"".join(lines)).hexdigest()
