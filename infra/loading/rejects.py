"""Rows that the reader could not take: where they are and what is wrong."""

import re

import duckdb
import msgspec

from infra.loading.staged import REJECTS_KEPT_MAX
from infra.warehouse.tables import described

SHOWN_MAX = 5
FIRST_SQL = """
SELECT DISTINCT ON (s.file_path, e.line)
       s.file_path, e.line, e.column_name, e.error_type::VARCHAR, e.error_message, e.csv_line
FROM reject_errors e JOIN reject_scans s USING (scan_id, file_id)
ORDER BY s.file_path, e.line, e.error_type::VARCHAR = 'CAST'
"""
COUNTED = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
CAST_TO = re.compile(r"to '([^']+)'$")


class Reject(msgspec.Struct, frozen=True, kw_only=True):
    """One rejected row; `staged` is the file's name in the staging folder."""

    staged: str
    line: int
    column: str | None
    kind: str
    what: str  # completes the sentence "Line 3 of a.csv …", without any value
    raw: str | None


def first(connection: duckdb.DuckDBPyConnection, staged: str, limit: int) -> list[Reject]:
    """Describe the first rejected rows of one file."""
    sql = f"SELECT * FROM ({FIRST_SQL}) WHERE file_path = ? LIMIT {limit}"  # noqa: S608 - quoted
    return [_described(*line) for line in connection.execute(sql, [staged]).fetchall()]


def collect(connection: duckdb.DuckDBPyConnection) -> list[Reject]:
    """Describe all rejected rows of the last scan, but REJECTS_KEPT_MAX at most."""
    if not _any(connection):
        return []
    sql = f"SELECT * FROM ({FIRST_SQL}) LIMIT {REJECTS_KEPT_MAX}"  # noqa: S608 - quoted
    return [_described(*line) for line in connection.execute(sql).fetchall()]


def by_file(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Count the rejected rows of each staged file."""
    if not _any(connection):
        return {}
    sql = f"SELECT file_path, count(*) FROM ({FIRST_SQL}) GROUP BY file_path"  # noqa: S608 - quoted
    return {path: int(count) for path, count in connection.execute(sql).fetchall()}


def cast_columns(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Name the columns that held values of another type than was expected."""
    if not _any(connection):
        return set()
    rows = connection.execute(
        "SELECT DISTINCT column_name FROM reject_errors WHERE error_type::VARCHAR = 'CAST'",
    ).fetchall()
    return {row[0] for row in rows}


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop the account of the scans so far."""
    connection.execute("DROP TABLE IF EXISTS reject_errors")
    connection.execute("DROP TABLE IF EXISTS reject_scans")


def _any(connection: duckdb.DuckDBPyConnection) -> bool:
    return bool(described(connection, "temp.main.reject_errors"))


def _described(  # noqa: PLR0917 - one row
    staged: str,
    line: int,
    column: str | None,
    kind: str,
    message: str,
    raw: str | None,
) -> Reject:
    return Reject(
        raw=raw,
        staged=staged,
        line=line,
        column=column if kind == "CAST" else None,
        kind=kind,
        what=_what(kind, column, message),
    )


def _what(kind: str, column: str | None, message: str) -> str:
    if counted := COUNTED.search(message):
        expected, found = counted.groups()
        return f"has {found} values where the header has {expected} columns"
    if kind == "CAST":
        target = CAST_TO.search(message)
        return f"has a value in '{column}' that is no {target[1] if target else 'such type'}"
    if kind == "UNQUOTED VALUE":
        return "has a quote that is not closed, or text after a closing quote"
    if kind == "LINE SIZE OVER MAXIMUM":
        return "is longer than a line may be"
    return f"cannot be read ({kind.lower()})"
