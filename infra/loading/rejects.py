"""Rows that the reader could not take: where they are and what is wrong, never what is in them."""

import re

import duckdb
import msgspec

FIRST_SQL = """
SELECT DISTINCT ON (s.file_path, e.line)
       s.file_path, e.line, e.column_name, e.error_type::VARCHAR, e.error_message
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
    what: str  # completes the sentence "Line 3 of a.csv …"


def collect(connection: duckdb.DuckDBPyConnection, limit: int) -> tuple[int, list[Reject]]:
    """Count the rejected rows of the last scan and describe the first of them, then forget all."""
    if not _any(connection):
        return 0, []
    row = connection.execute(f"SELECT count(*) FROM ({FIRST_SQL})").fetchone()  # noqa: S608 - quoted
    first = connection.execute(f"{FIRST_SQL} LIMIT {limit}").fetchall()
    return int(row[0]) if row else 0, [_described(*line) for line in first]


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
    sql = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'"
    row = connection.execute(sql).fetchone()
    return bool(row and row[0])


def _described(staged: str, line: int, column: str | None, kind: str, message: str) -> Reject:
    return Reject(
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
