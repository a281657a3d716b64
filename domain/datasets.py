"""What lies in the warehouse, as events tell it: tables, columns, files."""

import msgspec


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column, with its type as DuckDB spells it."""

    name: str
    type: str


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table as it stood after a commit."""

    schema: str
    name: str
    row_count: int
    columns: tuple[Column, ...] = ()


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One input file as it was read: `path` is relative to the source's directory."""

    path: str
    size_bytes: int
    sha256: str
    rows: int
    encoding: str = "utf-8"
    rejected: int = 0
