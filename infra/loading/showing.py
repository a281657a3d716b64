"""The first rows of a source, as text that can be shown."""

from collections.abc import Iterable, Sequence

import duckdb

from commands import ports
from domain.datasets import Column
from infra.warehouse.quoting import identifier

ROWS_SHOWN = 20
COLUMNS_SHOWN_MAX = 200
VALUE_CHARS_MAX = 500


def first_rows(
    connection: duckdb.DuckDBPyConnection,
    select: str,
    notes: Iterable[str] = (),
    *,
    rows_max: int = ROWS_SHOWN,
) -> ports.Sample:
    """Run a SELECT for its first rows."""
    described = connection.execute(f"DESCRIBE {select}").fetchall()
    columns = [Column(name=line[0], type=line[1]) for line in described]
    if len(columns) > COLUMNS_SHOWN_MAX:
        notes = (*notes, f"{COLUMNS_SHOWN_MAX} of {len(columns)} columns are shown.")
        columns = columns[:COLUMNS_SHOWN_MAX]
    shown = ", ".join(f"{identifier(column.name)}::VARCHAR" for column in columns)
    rows = connection.execute(f"SELECT {shown} FROM ({select}) LIMIT {int(rows_max)}").fetchall()  # noqa: S608 - quoted
    return as_sample(columns, rows, notes)


def matching(count: int) -> str:
    """Tell how many files a source has."""
    return "1 file matches." if count == 1 else f"{count} files match."


def as_sample(
    columns: Sequence[Column], rows: Iterable[Sequence[str | None]], notes: Iterable[str] = ()
) -> ports.Sample:
    """Cut long values."""
    return ports.Sample(
        columns=tuple(columns),
        rows=tuple(
            tuple(value if value is None else value[:VALUE_CHARS_MAX] for value in row)
            for row in rows
        ),
        notes=tuple(notes),
    )
