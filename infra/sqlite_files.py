"""Files of SQLite, with what it keeps beside each.

Small ones beside the log are of no worth after a crash: a bad one is begun anew.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")


def discard(path: Path) -> None:
    """Remove a file with all that SQLite keeps beside it, if it is there."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def opened(
    path: Path, schema: str, read: Callable[[sqlite3.Connection], Found]
) -> tuple[sqlite3.Connection, Found]:
    """A connection to the file, only its owner's, and what is read of it first.

    It is not brought to the disk at a commit, and what is deleted leaves no copy in free pages.
    """
    try:
        return _opened(path, schema, read)
    except sqlite3.DatabaseError:
        discard(path)
        return _opened(path, schema, read)


def _opened(
    path: Path, schema: str, read: Callable[[sqlite3.Connection], Found]
) -> tuple[sqlite3.Connection, Found]:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        path.chmod(0o600)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=OFF")
        database.execute("PRAGMA secure_delete=ON")
        database.execute(schema)
        return database, read(database)
    except BaseException:
        database.close()
        raise
