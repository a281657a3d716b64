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

SIZES: Final = (4, 16, 64, 256)  # rows that one statement has room for
TEXTS_CACHED: Final = 1_024
_VALUES: Final = re.compile(r"VALUES (\(\?(?:, ?\?)*\))")  # the placeholders of one row


def insert(database: sqlite3.Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run an INSERT of one row, `… VALUES (?, …) …`, for all rows in their order."""
    for at in range(0, len(rows), SIZES[-1]):
        part = rows[at : at + SIZES[-1]]
        if len(part) == 1:
            database.execute(sql, part[0])
            continue
        room = next(size for size in SIZES if size >= len(part))
        values = list(itertools.chain.from_iterable(part))
        values += [None] * (len(part[0]) * (room - len(part)))
        database.execute(_of(sql, room), (*values, len(part)))


@functools.lru_cache(maxsize=TEXTS_CACHED)
def _of(sql: str, rows: int) -> str:
    """The same for up to so many rows: how many there are is the last value."""
    return _VALUES.sub(
        lambda found: f"SELECT * FROM (VALUES {','.join([found[1]] * rows)}) WHERE true LIMIT ?",  # noqa: S608 - marks
        sql,
        count=1,
    )
