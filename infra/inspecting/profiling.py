"""What the columns of a table hold: counted in one pass, with the engine's approximate aggregates.

Distinct values come from a HyperLogLog, quantiles from a t-digest, the commonest values from a
sketch; nulls, least, largest and mean are exact. A histogram is read off the quantiles, so that
no second pass is needed.
"""

import itertools
from collections.abc import Sequence
from typing import Any, Final

import duckdb
import msgspec

from commands import ports
from commands.profiling import Bucket, ColumnProfile, Profile, TableProfile
from domain.datasets import Column
from infra.querying import sandbox
from infra.warehouse.attach import LAKE
from infra.warehouse.quoting import identifier
from infra.warehouse.tables import described

COLUMNS_MAX: Final = 1_000  # of one table
COLUMNS_AT_ONCE: Final = 50  # in one pass
VALUE_CHARS_MAX: Final = 100
TOP: Final = 10  # commonest values
STEPS: Final = 20  # quantiles that a histogram is read off
BUCKETS: Final = 10
QUARTERS: Final = (0.25, 0.5, 0.75)
OWN: Final = "_dango_"  # how the names of columns begin that no input has
NUMBERS: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT")
NUMBERS_TOO: Final = ("UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
TIMES: Final = ("DATE", "TIMESTAMP")
TEXT: Final = "VARCHAR"
ORDERED: Final = (TEXT, "BOOLEAN", "TIME", "UUID")
_QUANTILES: Final = ", ".join(str(step / STEPS) for step in range(STEPS + 1))


def profile(connection: duckdb.DuckDBPyConnection, wanted: Profile) -> TableProfile:
    """Count through a table, all of one commit. Raises WorkRefused when it is not there."""
    connection.begin()
    try:
        columns = _columns(connection, wanted)
        snapshot = sandbox.current_snapshot(connection)
        found: list[ColumnProfile] = []
        rows = 0
        for at in range(0, len(columns), COLUMNS_AT_ONCE):
            some = columns[at : at + COLUMNS_AT_ONCE]
            rows, counted = count(connection, wanted, some)
            found += counted
    finally:
        connection.rollback()
    return TableProfile(
        schema=wanted.schema,
        table=wanted.table,
        snapshot=snapshot,
        row_count=rows,
        columns=tuple(found),
    )


def _columns(connection: duckdb.DuckDBPyConnection, wanted: Profile) -> tuple[Column, ...]:
    found = described(connection, f"{LAKE}.{identifier(wanted.schema)}.{identifier(wanted.table)}")
    if not found:
        raise ports.WorkRefused(f"The warehouse has no table {wanted.schema}.{wanted.table}.")
    return tuple(column for column in found if not column.name.startswith(OWN))[:COLUMNS_MAX]


def count(
    connection: duckdb.DuckDBPyConnection, wanted: Profile, columns: Sequence[Column]
) -> tuple[int, list[ColumnProfile]]:
    """How many rows there are, and what each of these columns holds."""
    parts = [_aggregates(column) for column in columns]
    source = f"{LAKE}.{identifier(wanted.schema)}.{identifier(wanted.table)}"
    listed = ", ".join(itertools.chain(("count(*)",), *parts))
    row = connection.execute(f"SELECT {listed} FROM {source}").fetchone()  # noqa: S608 - quoted
    if row is None:
        return 0, []
    rows, values = int(row[0]), iter(row[1:])
    found = [
        _column(column, rows, list(itertools.islice(values, len(part))))
        for column, part in zip(columns, parts, strict=True)
    ]
    return rows, found


def _aggregates(column: Column) -> list[str]:
    """Counts, least and largest, commonest; lengths of texts, mean and quantiles of numbers."""
    name = identifier(column.name)
    counted = f"count({name})"
    if not _ordered(column):
        return [counted, f"approx_count_distinct(CAST({name} AS {TEXT}))"]
    least = [f"left(CAST({one}({name}) AS {TEXT}), {VALUE_CHARS_MAX})" for one in ("min", "max")]
    top = f"approx_top_k({name}, {TOP})"
    found = [counted, f"approx_count_distinct({name})", *least, top]
    if column.type == TEXT:
        found += [f"min(length({name}))", f"max(length({name}))"]
    if _number(column) or column.type.startswith(TIMES):
        found.append(f"approx_quantile({_measured(column)}, [{_QUANTILES}])")
    if _number(column):
        found.append(f"avg(CAST({name} AS DOUBLE))")
    return found


def _column(column: Column, rows: int, values: list[Any]) -> ColumnProfile:
    there, distinct, *rest = values
    # The sketch is an estimate: no column has more values than it has rows.
    basic = ColumnProfile(
        name=column.name,
        type=column.type,
        null_count=rows - int(there),
        distinct_count=min(int(distinct), int(there)),
    )
    if not rest:
        return basic
    least, largest, top, *more = rest
    lengths = more[:2] if column.type == TEXT else (None, None)
    steps = more[0] if _number(column) or column.type.startswith(TIMES) else None
    mean = more[1] if _number(column) else None
    return msgspec.structs.replace(
        basic,
        min=least,
        max=largest,
        mean=None if mean is None else float(mean),
        min_length=lengths[0],
        max_length=lengths[1],
        quantiles=_quarters(steps),
        histogram=_histogram(steps) if _number(column) else (),
        top=tuple(str(value)[:VALUE_CHARS_MAX] for value in top or () if value is not None),
    )


def _ordered(column: Column) -> bool:
    simple = "[" not in column.type
    return _number(column) or (simple and column.type.startswith((*ORDERED, *TIMES)))


def _number(column: Column) -> bool:
    return column.type.startswith((*NUMBERS, *NUMBERS_TOO)) and "[" not in column.type


def _measured(column: Column) -> str:
    """As what the t-digest takes: of decimals, doubles."""
    name = identifier(column.name)
    return f"CAST({name} AS DOUBLE)" if _number(column) else name


def _quarters(steps: Sequence[Any] | None) -> tuple[str, ...]:
    return tuple(str(steps[round(at * STEPS)]) for at in QUARTERS) if steps else ()


def _histogram(steps: Sequence[float] | None) -> tuple[Bucket, ...]:
    """Ranges of one width, and which share of the values lies in each, between the quantiles."""
    if not steps or not steps[0] < steps[-1]:
        return ()
    low, width = steps[0], (steps[-1] - steps[0]) / BUCKETS
    if width == float("inf") or width != width:  # noqa: PLR0124 - not a number
        return ()
    edges = [low + width * number for number in range(BUCKETS)] + [steps[-1]]
    below = [_below(steps, edge) for edge in edges[:-1]] + [1.0]
    below[0] = 0.0
    return tuple(
        Bucket(low=edges[number], high=edges[number + 1], share=round(after - before, 4))
        for number, (before, after) in enumerate(itertools.pairwise(below))
    )


def _below(steps: Sequence[float], value: float) -> float:
    """Which share of the values is below this one, straight between two quantiles."""
    for number, (before, after) in enumerate(itertools.pairwise(steps)):
        if value <= after:
            part = 0.0 if after == before else (value - before) / (after - before)
            return (number + max(part, 0.0)) / STEPS
    return 1.0
