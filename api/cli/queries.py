"""`dango query`: a read-only statement, answered as a table, CSV or JSON."""

import argparse
import csv
import sys
from typing import Any, Final

from api.cli.arguments import point
from api.cli.client import Api
from api.cli.command import Command, arg
from api.cli.output import Output, number
from api.cli.world import Refusal

SQL_BYTES_MAX: Final = 102_400  # what the API takes
NUMBERS: Final = ("INTEGER", "BIGINT", "HUGEINT", "SMALLINT", "TINYINT", "DOUBLE", "FLOAT", "DEC")


async def query(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Answer a statement."""
    sql = _from_input() if given.sql == "-" else given.sql
    then = {} if given.as_of is None else {"as_of": given.as_of}
    answer = await api.post("/api/query", {"sql": sql, **then})
    if given.json:
        out.json(answer)
    elif given.csv:
        writer = csv.writer(out.out, lineterminator="\n")
        writer.writerow(answer["columns"])
        writer.writerows(answer["rows"])
        out.out.flush()
    else:
        _table(answer, out)
    if answer["truncated"]:
        out.note(f"dango: only the first {number(answer['row_count'])} rows are shown")
    if answer["warning"]:
        out.problem(answer["warning"])
    return 0


def _table(answer: dict[str, Any], out: Output) -> None:
    columns = answer["columns"]
    named = zip(columns, answer["types"], strict=True)
    right = [name for name, type in named if type.lstrip("U").startswith(NUMBERS)]
    out.table(columns, answer["rows"], right)
    if out.fancy:
        out.note(f"{number(answer['row_count'])} rows, {answer['duration_ms']} ms")


def _from_input() -> str:
    data = sys.stdin.buffer.read(SQL_BYTES_MAX + 1)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Refusal("Standard input is not UTF-8.") from None


ROWS: Final[tuple[Command, ...]] = (
    Command(
        "query",
        "answer a read-only SQL statement",
        "dango query 'select count(*) from raw_orders.orders' --csv",
        query,
        (
            arg("sql", metavar="SQL", help="the statement; - reads it from standard input"),
            arg("--as-of", metavar="WHEN", type=point, help="as of this position, time or day"),
            arg("--csv", action="store_true", help="print comma-separated values"),
        ),
    ),
)
