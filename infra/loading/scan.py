"""The engine's CSV reader, told everything: nothing is left for it to guess while it loads."""

from collections.abc import Mapping, Sequence

import duckdb
import msgspec

from infra.loading.header import Header
from infra.warehouse.quoting import identifier, literal

STAGED_COLUMN = "_dango_staged"
TEXT = "VARCHAR"
SAMPLE_ROWS = 20_480
WHOLE_FILE = -1
BUFFER_LINES = 2  # of the greatest length, in each block of a file that a thread reads

# What two files may disagree on without losing anything; everything else meets as text.
WIDER = {
    frozenset(("BIGINT", "DOUBLE")): "DOUBLE",
    frozenset(("DATE", "TIMESTAMP")): "TIMESTAMP",
}


class Formats(msgspec.Struct, frozen=True, kw_only=True):
    """How dates are written in a file; None is the ISO way."""

    date: str | None = None
    timestamp: str | None = None


class Sniffed(msgspec.Struct, frozen=True, kw_only=True):
    """The types of a file's columns, in the header's order."""

    types: tuple[str, ...]
    formats: Formats


def sniff(
    connection: duckdb.DuckDBPyConnection,
    staged: str,
    header: Header,
    *,
    sample_rows: int,
    line_bytes_max: int,
) -> Sniffed | None:
    """Find the types; None when the rows do not fit the header."""
    options = [*_dialect(header), f"sample_size = {sample_rows}", *_bounds(line_bytes_max)]
    sql = (
        "SELECT list_transform(Columns, lambda c: c.type), DateFormat, TimestampFormat, SkipRows"  # noqa: S608 - quoted
        f" FROM sniff_csv({literal(staged)}, {', '.join(options)})"
    )
    try:
        row = connection.execute(sql).fetchone()
    except duckdb.InvalidInputException:
        return None
    if row is None or len(row[0]) != len(header.columns) or row[3] != header.skip:
        return None
    return Sniffed(types=tuple(row[0]), formats=Formats(date=row[1], timestamp=row[2]))


def sniff_good_rows(
    connection: duckdb.DuckDBPyConnection,
    staged: str,
    header: Header,
    *,
    line_bytes_max: int,
) -> Sniffed | None:
    """Find the types from the first rows that do fit the header, for a file where some do not."""
    texts = dict.fromkeys(header.columns, TEXT)
    source = read_sql([staged], header, texts, Formats(), line_bytes_max=line_bytes_max)
    names = ", ".join(identifier(name) for name in header.columns)
    sample = f"sample-{staged}"
    connection.execute(
        f"COPY (SELECT {names} FROM {source} LIMIT {SAMPLE_ROWS}) TO {literal(sample)}"  # noqa: S608 - quoted
        f" (FORMAT csv, HEADER, DELIMITER {literal(header.delimiter)})",
    )
    return sniff(
        connection,
        sample,
        msgspec.structs.replace(header, skip=0),
        sample_rows=WHOLE_FILE,
        line_bytes_max=line_bytes_max,
    )


def read_sql(
    staged: Sequence[str],
    header: Header,
    types: Mapping[str, str],
    formats: Formats,
    *,
    line_bytes_max: int,
) -> str:
    """Give the table function that reads the files and keeps account of rows that do not fit."""
    columns = ", ".join(f"{literal(name)}: {literal(types[name])}" for name in header.columns)
    options = [
        *_dialect(header),
        "auto_detect = false",
        f"columns = {{{columns}}}",
        *_bounds(line_bytes_max),
        f"filename = {literal(STAGED_COLUMN)}",
        "store_rejects = true",
        "rejects_limit = 0",
    ]
    if formats.date:
        options.append(f"dateformat = {literal(formats.date)}")
    if formats.timestamp:
        options.append(f"timestampformat = {literal(formats.timestamp)}")
    files = ", ".join(literal(name) for name in staged)
    return f"read_csv([{files}], {', '.join(options)})"


def wider(one: str, other: str) -> str:
    """Give the type that holds both without loss."""
    return one if one == other else WIDER.get(frozenset((one, other)), TEXT)


def filled(
    connection: duckdb.DuckDBPyConnection,
    staged: str,
    header: Header,
    columns: Sequence[str],
    *,
    line_bytes_max: int,
) -> set[str]:
    """Tell which of the columns hold any value in this file."""
    texts = dict.fromkeys(header.columns, TEXT)
    source = read_sql([staged], header, texts, Formats(), line_bytes_max=line_bytes_max)
    counts = ", ".join(f"count({identifier(name)})" for name in columns)
    try:
        row = connection.execute(f"SELECT {counts} FROM {source}").fetchone()  # noqa: S608 - quoted
    except duckdb.InvalidInputException:
        return set(columns)  # the scan that follows tells what is wrong
    return {name for name, count in zip(columns, row or (), strict=True) if count}


def _bounds(line_bytes_max: int) -> list[str]:
    # The engine's own buffers are 16 lines long: at 8 MiB a line, one load would take 1.3 GiB.
    return [f"max_line_size = {line_bytes_max}", f"buffer_size = {BUFFER_LINES * line_bytes_max}"]


def _dialect(header: Header) -> list[str]:
    return [
        f"delim = {literal(header.delimiter)}",
        "quote = '\"'",
        "escape = '\"'",
        "comment = ''",
        "header = true",
        f"skip = {header.skip}",
        f"nullstr = [{', '.join(map(literal, header.nulls))}]",
    ]
