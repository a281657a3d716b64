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
TEXTS_CACHED: Final = 2_048
STATEMENTS_CACHED: Final = 512  # prepared ones of a connection: groups are of many sizes
_ROW: Final = re.compile(r"\(\?(?:, ?\?)*\)")  # the placeholders of one row


def insert(database: sqlite3.Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run an INSERT of one row, `… VALUES (?, …) …`, for all rows in their order."""
    for at in range(0, len(rows), ROWS_A_STATEMENT):
        part = rows[at : at + ROWS_A_STATEMENT]
        database.execute(_of(sql, len(part)), list(itertools.chain.from_iterable(part)))


@functools.lru_cache(maxsize=TEXTS_CACHED)
def _of(sql: str, rows: int) -> str:
    return _ROW.sub(lambda row: ",".join([row[0]] * rows), sql, count=1)
