"""The event log in SQLite.

WAL with `synchronous=FULL`: an append that returned is on the disk. One connection writes (the
writer thread owns it, `begin` … `commit`); reads use connections of their own. Positions are never
reused (AUTOINCREMENT). Every record carries the hash of the chain up to itself.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Self

from eventsourcing.dcb.api import DCBQuery
from eventsourcing.dcb.persistence import DCBListenNotifySubscription

from infra import many, sqlite_files
from infra.log.matching import matching
from infra.log.port import Beside, Failure, Link, Place, Row
from infra.log.recorder import Recorder, Rows, all_beside, counted, tail

BUSY_TIMEOUT_S: Final = 10.0
SYNCHRONOUS_FULL: Final = 2
PAGE_ROWS: Final = 200  # a streaming read takes at once: what the processor's cache has room for
STEPS: Final = 20_000  # of SQLite's machine, between two looks whether a walk is still wanted
ERRORS: Final[tuple[type[Exception], ...]] = (sqlite3.Error,)

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS events (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  type TEXT NOT NULL,
  tags BLOB NOT NULL,
  data BLOB NOT NULL,
  hash BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS events_type ON events (type, position);
CREATE TABLE IF NOT EXISTS event_tags (
  tag TEXT NOT NULL,
  type TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (tag, type, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vault (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  nonce BLOB NOT NULL,
  sealed BLOB NOT NULL,
  expires_at TEXT,
  owner TEXT,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS vault_owner ON vault (owner) WHERE owner IS NOT NULL;
CREATE TABLE IF NOT EXISTS keys (
  name TEXT PRIMARY KEY,
  nonce BLOB NOT NULL,
  sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS policies (
  name TEXT PRIMARY KEY,
  position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

# Of the writing connection alone. A row of events brings its tags along: that is some statements
# less than if we wrote them (see `many`), and no list of them.
_TAGGING: Final = """
CREATE TEMP TRIGGER tagging AFTER INSERT ON main.events BEGIN
  INSERT OR IGNORE INTO event_tags
  SELECT value, NEW.type, NEW.position FROM json_each(CAST(NEW.tags AS TEXT));
END
"""
_AT: Final = "SELECT position, type, tags, data, hash FROM events WHERE position = ?"
TAIL: Final = "SELECT position, hash FROM events ORDER BY position DESC LIMIT 1"
# What says that the disk, and not the statement, is at fault.
_FAILURES: Final = {
    sqlite3.SQLITE_BUSY: Failure.BUSY,
    sqlite3.SQLITE_CANTOPEN: Failure.LOST,
    sqlite3.SQLITE_CORRUPT: Failure.LOST,
    sqlite3.SQLITE_FULL: Failure.FULL,
    sqlite3.SQLITE_IOERR: Failure.LOST,
    sqlite3.SQLITE_NOMEM: Failure.BUSY,
    sqlite3.SQLITE_NOTADB: Failure.LOST,
    sqlite3.SQLITE_READONLY: Failure.LOST,
}
# The first record one of whose tags is not in the table, and how many tags there are in all; then
# the first row of no record. SQLite walks them without the interpreter, beside the chain.
_UNTAGGED: Final = """
SELECT min(e.position) FILTER (WHERE NOT EXISTS (
  SELECT 1 FROM event_tags t WHERE t.tag = named.value AND t.type = e.type
  AND t.position = e.position)), count(*)
FROM events e, json_each(e.tags) named
"""
_STRAY: Final = """
SELECT min(t.position) FROM event_tags t WHERE NOT EXISTS (
  SELECT 1 FROM events e, json_each(e.tags) named
  WHERE e.position = t.position AND e.type = t.type AND named.value = t.tag)
"""


def open_database(path: Place, *, readonly: bool = False) -> sqlite3.Connection:
    """A connection to the log's file, set up so that what is committed is kept."""
    uri = f"{Path(path).absolute().as_uri()}?mode={'ro' if readonly else 'rwc'}"
    database = sqlite3.connect(
        uri,
        uri=True,
        isolation_level=None,
        timeout=BUSY_TIMEOUT_S,
        check_same_thread=False,
        cached_statements=many.STATEMENTS_CACHED,
    )
    if not readonly:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute(
            "PRAGMA secure_delete=ON"
        )  # a forgotten value leaves no copy in free pages
        if database.execute("PRAGMA synchronous").fetchone()[0] != SYNCHRONOUS_FULL:
            raise RuntimeError("SQLite does not honour synchronous=FULL; refusing to write")
    return database


class SQLiteLog(Recorder):
    """The log. Not for several threads at once, but for what reads what is committed."""

    errors = ERRORS

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        path.touch(mode=0o600, exist_ok=True)
        self._write = open_database(path)
        self._write.executescript(SCHEMA)
        self._write.execute(_TAGGING)
        self._read = open_database(path, readonly=True)
        # One row, and what lies beside, are read on the event loop: they do not wait for a policy
        # that reads all that it has missed.
        self._side = open_database(path, readonly=True)
        self._reading, self._asking = threading.Lock(), threading.Lock()
        self._listeners: set[DCBListenNotifySubscription[SQLiteLog]] = set()
        self.last, self._hash = self._tail()

    @property
    def place(self) -> str:
        return str(self.path)

    @property
    def connection(self) -> sqlite3.Connection:
        """The writing connection, for tests and measurements."""
        return self._write

    def failure(self, error: Exception) -> Failure | None:
        return _FAILURES.get(getattr(error, "sqlite_errorcode", -1) & 0xFF)

    def close(self) -> None:
        """Give back all connections, the writing one last; the WAL is folded into the file."""
        self._side.close()
        self._read.close()
        self._write.close()

    # the transaction of the writer thread

    def begin(self) -> None:
        self._write.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._write.execute("COMMIT")

    def rollback(self) -> None:
        if self._write.in_transaction:
            self._write.execute("ROLLBACK")
        self.last, self._hash = self._tail()

    def erase(self) -> None:
        # Old pages stand in the WAL until others are written over them. It is folded into the file
        # and cut to nothing, unless somebody reads from it just now: writers do not wait for that.
        self._write.execute("PRAGMA busy_timeout=0")
        try:
            row = self._write.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._write.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000:.0f}")
        self.unerased = bool(row[0])

    def select(
        self,
        query: DCBQuery | None,
        *,
        after: int = 0,
        upto: int | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        return _select(self._write, query, after, limit, upto)

    def _append(self, rows: Rows) -> None:
        many.execute(self._write, "INSERT INTO events VALUES (?,?,?,?,?)", rows)

    def _do(self, sql: str, *rows: Sequence[object]) -> None:
        if sql.startswith("INSERT"):
            many.execute(self._write, sql, rows)
        else:
            self._write.executemany(sql, rows)

    def _see(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._write.execute(sql, tuple(values)).fetchall()

    def _tail(self) -> tuple[int, bytes]:
        # Positions stay dense even when AUTOINCREMENT remembers a row that is gone (a cut tail).
        return tail(self._write.execute(TAIL).fetchall())

    # reading from anywhere

    def at(self, position: int) -> tuple[Row, bytes] | None:
        rows = self._ask(_AT, (position,))
        return (rows[0][:4], rows[0][4]) if rows else None

    def fetch(self, query: DCBQuery | None, *, after: int = 0, limit: int | None) -> list[Row]:
        with self._reading:
            return _select(self._read, query, after, limit)

    def head(self) -> int:
        return int(self._ask("SELECT max(position) FROM events")[0][0] or 0)

    def _ask(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._asking:
            return self._side.execute(sql, tuple(values)).fetchall()

    # the library's port

    def subscribe(
        self, query: DCBQuery | None = None, *, after: int | None = None
    ) -> "_Subscription":
        """As the port says."""
        return _Subscription(self, query=query, after=after)

    def _appended(self) -> None:
        for listener in tuple(self._listeners):
            listener._has_been_notified.set()  # noqa: SLF001 - the library has no public way


class _Subscription(DCBListenNotifySubscription[SQLiteLog]):
    def __enter__(self) -> Self:
        super().__enter__()
        self._recorder._listeners.add(self)  # noqa: SLF001
        return self

    def __exit__(self, *args: object, **kwargs: object) -> None:
        self._recorder._listeners.discard(self)  # noqa: SLF001
        super().__exit__(*args, **kwargs)


# the archive


def shown(place: Place) -> str:
    """As the port says; so are those that follow."""
    return str(place)


def exists(place: Place) -> bool:
    return Path(place).exists()


def discard(place: Place) -> None:
    sqlite_files.discard(Path(place))


def rename(place: Place, new: Place) -> None:
    if Path(f"{place}-wal").exists():  # what is in it would be lost to the file
        raise sqlite3.OperationalError("another program has the file open")
    Path(place).rename(new)


def stream(
    place: Place, after: int = 0, *, upto: int | None = None, types: Sequence[str] | None = None
) -> Iterator[Row]:
    # The plus keeps SQLite from the index of types: the whole file is read, in its order.
    of_type = "" if types is None else f" AND +type IN ({','.join('?' * len(types))})"
    with contextlib.closing(open_database(place, readonly=True)) as database:
        cursor = database.execute(
            "SELECT position, type, tags, data FROM events"  # noqa: S608 - built of constants
            f" WHERE position > ? AND position <= ?{of_type} ORDER BY position",
            (after, upto if upto is not None else 1 << 62, *(types or ())),
        )
        while page := cursor.fetchmany(PAGE_ROWS):
            yield from page


def links(place: Place, after: int = 0) -> Iterator[Link]:
    with contextlib.closing(open_database(place, readonly=True)) as database:
        # A text that somebody broke is to be named by its position, not to end the walk.
        cursor = database.execute(
            "SELECT position, CAST(type AS BLOB), tags, data, hash FROM events"
            " WHERE position > ? ORDER BY position",
            (after,),
        )
        while page := cursor.fetchmany(PAGE_ROWS):
            yield from page


def beside(place: Place) -> Beside:
    with contextlib.closing(open_database(place, readonly=True)) as database:
        return all_beside(lambda sql: database.execute(sql).fetchall())


def counts(place: Place) -> dict[str, int]:
    with contextlib.closing(open_database(place, readonly=True)) as database:
        return counted(lambda sql: database.execute(sql).fetchall())


def misplaced_tag(place: Place, unwanted: Callable[[], bool] = bool) -> int | None:
    with contextlib.closing(open_database(place, readonly=True)) as database:
        database.set_progress_handler(unwanted, STEPS)
        missing, named = database.execute(_UNTAGGED).fetchone()
        if missing is not None:
            return int(missing)
        (rows,) = database.execute("SELECT count(*) FROM event_tags").fetchone()
        if rows == named:
            return None
        stray = database.execute(_STRAY).fetchone()[0]
        return None if stray is None else int(stray)


def _select(
    database: sqlite3.Connection,
    query: DCBQuery | None,
    after: int,
    limit: int | None,
    upto: int | None = None,
) -> list[Row]:
    sql, values = matching(query, after, upto)
    return database.execute(f"{sql} LIMIT ?", (*values, -1 if limit is None else limit)).fetchall()
