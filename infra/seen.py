"""When sessions and API keys were last used, in a small side file.

Not events: each request would be one. Nothing is lost but at most a minute when the process dies,
and the whole file in a power loss, after which sessions older than the idle time have to log in
again.
"""

import contextlib
import logging
import sqlite3
import threading
from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from infra import sqlite_files

WRITE_EVERY_S: Final = 60  # at most one write in this time for each session or key
ENTRIES_MAX: Final = 100_000

SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS seen (name TEXT PRIMARY KEY, at REAL NOT NULL)"
    " STRICT, WITHOUT ROWID"
)

_log = logging.getLogger("dango.seen")


class SeenFile:
    """The `Seen` port. A file that cannot be read is begun anew."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._database, self._last = sqlite_files.opened(path, SCHEMA, _newest)
        self._written = dict(self._last)

    def touch(self, id: str, at: datetime) -> None:
        """As the port says."""
        now = at.timestamp()
        with self._lock:
            self._last[id] = now
            self._last.move_to_end(id)
            if now - self._written.get(id, 0.0) >= WRITE_EVERY_S:
                self._write(id, now)
            if len(self._last) > ENTRIES_MAX:
                oldest, _ = self._last.popitem(last=False)
                self._written.pop(oldest, None)
                self._try("DELETE FROM seen WHERE name = ?", oldest)

    def last(self, id: str) -> datetime | None:
        """As the port says."""
        at = self._last.get(id)
        return None if at is None else datetime.fromtimestamp(at, UTC)

    def close(self) -> None:
        """Write what is newer than the file, and let go of it."""
        with self._lock, contextlib.closing(self._database):
            for name, at in self._last.items():
                if at != self._written.get(name):
                    self._write(name, at)

    def _write(self, name: str, at: float) -> None:
        self._written[name] = at
        sql = "INSERT INTO seen VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at"
        self._try(sql, name, at)

    def _try(self, sql: str, *values: object) -> None:
        """A full disk must not keep anybody out: the next write is at most a minute away."""
        try:
            self._database.execute(sql, values)
        except sqlite3.Error as error:
            _log.warning("last-seen times cannot be written: %s", error)


def _newest(database: sqlite3.Connection) -> OrderedDict[str, float]:
    """The newest times, the oldest of them first: that is the one to be given up next."""
    newest = "SELECT name, at FROM seen ORDER BY at DESC LIMIT ?"
    rows = database.execute(f"SELECT name, at FROM ({newest}) ORDER BY at", (ENTRIES_MAX,))  # noqa: S608 - constants
    return OrderedDict(rows)
