"""Many rows with few statements.

`executemany` lets go of the interpreter's lock at every row, and waits for it again behind whatever
the other threads do; a statement of many rows does so once.
"""

import functools
import itertools
import re
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

ROWS_A_STATEMENT: Final = 100
ROWS_FEW: Final = 64  # of less than that many, as many as there are go into a statement
TEXTS_CACHED: Final = 2_048
STATEMENTS_CACHED: Final = 512  # prepared ones of a connection: groups are of many sizes
_ROW: Final = re.compile(r"\(\?(?:, ?\?)*\)")  # the placeholders of one row


def execute(database: sqlite3.Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run a statement about one row, `… VALUES (?, …) …`, for all rows in their order."""
    at, count = 0, len(rows)
    while at < count:
        # A statement of many rows takes 0.1 MB while it is kept: of the long ones there is but one.
        size = ROWS_A_STATEMENT if count - at >= ROWS_A_STATEMENT else min(count - at, ROWS_FEW)
        part = rows[at : at + size] if size < count else rows
        database.execute(_of(sql, size), list(itertools.chain.from_iterable(part)))
        at += size


@functools.lru_cache(maxsize=TEXTS_CACHED)
def _of(sql: str, rows: int) -> str:
    return _ROW.sub(lambda row: ",".join([row[0]] * rows), sql, count=1)
