"""What tables hold, as it was counted last: a small side file that can be thrown away.

Not events: these are values of people's data, and can be counted anew.
"""

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from commands.profiling import TableProfile
from infra import sqlite_files

PROFILES_MAX: Final = 5_000  # the oldest are forgotten
SNAPSHOTS_MAX: Final = 3  # of one table
PROFILE_BYTES_MAX: Final = 4 * 1024 * 1024  # a larger one is not kept

SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS profiles (schema_name TEXT, table_name TEXT,"
    " snapshot INTEGER, at TEXT NOT NULL, profile BLOB NOT NULL,"
    " PRIMARY KEY (schema_name, table_name, snapshot)) STRICT"
)

_log = logging.getLogger("dango.profiles")
_decoder: Final = msgspec.json.Decoder(TableProfile)


class ProfilesFile:
    """The `ProfilesKept` port. A file that cannot be read is begun anew."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._database, _ = sqlite_files.opened(path, SCHEMA, lambda _: None)

    def keep(self, profile: TableProfile, at: datetime) -> None:
        """As the port says. On a full disk nothing is kept, which is told in the log."""
        data = msgspec.json.encode(profile)
        if len(data) > PROFILE_BYTES_MAX:
            _log.warning("the profile of %s.%s is too large", profile.schema, profile.table)
            return
        key = profile.schema, profile.table
        try:
            with self._lock, self._transaction():
                self._database.execute(
                    "INSERT INTO profiles VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
                    " SET at = excluded.at, profile = excluded.profile",
                    (*key, profile.snapshot, at.isoformat(), data),
                )
                self._database.execute(
                    "DELETE FROM profiles WHERE schema_name = ?1 AND table_name = ?2"
                    " AND snapshot NOT IN (SELECT snapshot FROM profiles WHERE schema_name = ?1"
                    " AND table_name = ?2 ORDER BY snapshot DESC LIMIT ?3)",
                    (*key, SNAPSHOTS_MAX),
                )
                self._database.execute(
                    "DELETE FROM profiles WHERE rowid NOT IN"
                    " (SELECT rowid FROM profiles ORDER BY at DESC LIMIT ?)",
                    (PROFILES_MAX,),
                )
        except sqlite3.Error as error:
            _log.warning("a profile cannot be kept: %s", error)

    def find(self, schema: str, table: str, snapshot: int) -> TableProfile | None:
        """As the port says."""
        sql = (
            "SELECT profile FROM profiles WHERE schema_name = ? AND table_name = ? AND snapshot = ?"
        )
        try:
            with self._lock:
                row = self._database.execute(sql, (schema, table, snapshot)).fetchone()
        except sqlite3.Error as error:
            _log.warning("a profile cannot be read: %s", error)
            return None
        return None if row is None else _decoder.decode(row[0])

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._database.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
