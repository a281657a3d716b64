"""A read connection on the SQLite catalogue that the server holds open while it runs.

Readers may not write files, and the shared-memory file of SQLite's write-ahead log is made by
whoever opens the catalogue first and removed by whoever closes it last: that must be the server.
It never checkpoints or writes, and nothing in the server opens the catalogue otherwise: closing
any other descriptor of the same file would drop this connection's locks.
"""

import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote


class Keeper:
    """Keeps the write-ahead log of the catalogue in being until it is closed."""

    def __init__(self, catalog: Path) -> None:
        uri = f"file:{quote(str(catalog))}?mode=rw"
        self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        self._connection.execute("PRAGMA query_only = ON")
        # The log is opened by the first read, not by connect.
        self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()

    def close(self) -> None:
        """Let go of the catalogue."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
