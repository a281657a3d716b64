"""A query worker for strace: answers the statements on its standard input, between two marks.

    python -m tests.infra.querying.traced < {"settings": …, "legal": […], "statements": […]}

The marks are paths that it asks the system about. Before the first, everything has been loaded and
opened that a worker opens by itself. It says how each statement ended: its class of error, or rows.
"""

import json
import sys
from pathlib import Path

import msgspec

from commands import ports
from infra.querying.settings import Settings
from infra.querying.worker import Worker

MASKED = (ports.MaskedColumn(schema="raw_orders", table="orders", column="customer"),)
ROOT = Path(__file__).parents[3]
ROWS_MAX = 50
BEGIN, END = "/mark-of-the-beginning", "/mark-of-the-end"


def outcome(worker, sql, **more):
    try:
        answer = worker.answer(ports.Query(sql=sql, rows_max=ROWS_MAX, **more))
    except ports.WorkFailed as failed:
        return type(failed).__name__
    return answer.row_count


def main():
    given = json.loads(sys.stdin.buffer.read())
    worker = Worker(msgspec.convert(given["settings"], Settings))
    warm = "SELECT *, strftime(placed_at, '%A'), uuid() FROM raw_orders.orders ORDER BY ALL"
    for kind in ports.ResultFormat:
        for masked in ((), MASKED):
            outcome(worker, warm, format=kind, masked=masked)
    # Modules come in when they are first needed.
    for statement in (*given["legal"], "SELEC", "SELECT x FROM raw_orders.orders"):
        outcome(worker, statement)
    # DuckDB tries to import what is not installed, for which Python lists the folders on its path
    # that have changed; another process may be changing ours.
    sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != ROOT]
    Path(BEGIN).exists()
    plain = [outcome(worker, sql) for sql in given["statements"]]
    masked = [outcome(worker, sql, masked=MASKED) for sql in given["statements"]]
    Path(END).exists()
    sys.stdout.write(json.dumps([plain, masked]))


if __name__ == "__main__":
    main()
