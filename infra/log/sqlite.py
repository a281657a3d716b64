"""The event log in SQLite: a recorder behind the DCB port of the `eventsourcing` library.

WAL with `synchronous=FULL`: an append that returned is on the disk. One connection writes (the
writer thread owns it, `begin` … `commit`); reads use connections of their own. Positions are dense
and never reused (AUTOINCREMENT). Every record carries the hash of the chain up to itself.
"""

import contextlib
import functools
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Self

import msgspec
from eventsourcing.dcb.api import (
    DCBAppendCondition,
    DCBEvent,
    DCBQuery,
    DCBQueryItem,
    DCBReadResponse,
    DCBRecorder,
    DCBSequencedEvent,
)
from eventsourcing.dcb.persistence import DCBListenNotifySubscription
from eventsourcing.persistence import IntegrityError

from infra.log.envelope import GENESIS, Record, chain

BUSY_TIMEOUT_S: Final = 10.0
SYNCHRONOUS_FULL: Final = 2
PAGE_ROWS: Final = 2_000  # how many rows a streaming read holds at once

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
  position INTEGER NOT NULL,
  PRIMARY KEY (tag, position)
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

Row = tuple[int, str, bytes, bytes]  # position, type, tags, data
_encode: Final = msgspec.json.Encoder().encode
_labels: Final = msgspec.json.Decoder(list[str])


def open_database(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """A connection to the log's file, set up so that what is committed is kept."""
    uri = f"{path.absolute().as_uri()}?mode={'ro' if readonly else 'rwc'}"
    database = sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S, check_same_thread=False
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


class SQLiteLog(DCBRecorder):
    """The recorder. Not for several threads at once, but for `read`, which may run in any."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch(mode=0o600, exist_ok=True)
        self._write = open_database(path)
        self._write.executescript(SCHEMA)
        self._read = open_database(path, readonly=True)
        self._lock = threading.RLock()
        self._reading = threading.Lock()
        self._listeners: set[DCBListenNotifySubscription[SQLiteLog]] = set()
        self.last, self._hash = self._tail()

    def close(self) -> None:
        """Give back both connections; the WAL is folded into the file."""
        self._read.close()
        self._write.close()

    # the transaction of the writer thread

    def begin(self) -> None:
        """Take the write lock; what is read from here on cannot change until the commit."""
        self._write.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make it durable: returns after the fsync."""
        self._write.execute("COMMIT")

    def rollback(self) -> None:
        """Forget everything since `begin`."""
        if self._write.in_transaction:
            self._write.execute("ROLLBACK")
        self.last, self._hash = self._tail()

    @property
    def digest(self) -> bytes:
        """The hash of the last record, as the open transaction sees it."""
        return self._hash

    @property
    def connection(self) -> sqlite3.Connection:
        """The writing connection, for what moves in the same transaction as events."""
        return self._write

    def insert(self, records: Sequence[Record]) -> int:
        """Append within the open transaction; answers the last position."""
        rows: list[tuple[object, ...]] = []
        labels: list[tuple[str, int]] = []
        digest, position = self._hash, self.last
        for record in records:
            position += 1
            digest = chain(digest, record)
            rows.append((position, record.type, record.tags, record.data, digest))
            labels.extend((tag, position) for tag in set(_labels.decode(record.tags)))
        self._write.executemany("INSERT INTO events VALUES (?,?,?,?,?)", rows)
        self._write.executemany("INSERT INTO event_tags VALUES (?,?)", labels)
        self.last, self._hash = position, digest
        return position

    def select(
        self, query: DCBQuery | None, *, after: int = 0, limit: int | None = None
    ) -> list[Row]:
        """Matching rows as the open transaction sees them."""
        return _select(self._write, query, after, limit)

    # reading from anywhere

    def at(self, position: int) -> tuple[Row, bytes] | None:
        """One row and its hash."""
        with self._reading:
            row = self._read.execute(
                "SELECT position, type, tags, data, hash FROM events WHERE position = ?",
                (position,),
            ).fetchone()
        return None if row is None else (row[:4], row[4])

    def fetch(self, query: DCBQuery | None, *, after: int = 0, limit: int | None) -> list[Row]:
        """Matching committed rows."""
        with self._reading:
            return _select(self._read, query, after, limit)

    def head(self) -> int:
        """The last committed position, 0 when the log is empty."""
        with self._reading:
            row = self._read.execute("SELECT max(position) FROM events").fetchone()
        return int(row[0] or 0)

    def policy_position(self, name: str) -> int | None:
        """How far a policy has acted; None when it is new here."""
        with self._reading:
            row = self._read.execute(
                "SELECT position FROM policies WHERE name = ?", (name,)
            ).fetchone()
        return int(row[0]) if row else None

    def move_policy(self, name: str, position: int) -> None:
        """Note how far a policy has acted, within the open transaction."""
        self._write.execute(
            "INSERT INTO policies VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET position = excluded.position",
            (name, position),
        )

    # the library's port

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> DCBReadResponse:
        """As the port says."""
        rows = self.fetch(query, after=after or 0, limit=limit)
        head = (rows[-1][0] if rows else None) if limit is not None else self.head() or None
        return _Response(rows, head)

    def append(
        self, events: Sequence[DCBEvent], condition: DCBAppendCondition | None = None
    ) -> int:
        """As the port says, in one transaction."""
        with self._lock:
            self.begin()
            try:
                if condition is not None and self.select(
                    condition.fail_if_events_match, after=condition.after or 0, limit=1
                ):
                    raise IntegrityError(condition)
                position = self.insert([Record(e.type, _encode(e.tags), e.data) for e in events])
                self.commit()
            except BaseException:
                self.rollback()
                raise
        for listener in tuple(self._listeners):
            listener._has_been_notified.set()  # noqa: SLF001 - the library has no public way
        return position

    def subscribe(
        self, query: DCBQuery | None = None, *, after: int | None = None
    ) -> "_Subscription":
        """As the port says."""
        return _Subscription(self, query=query, after=after)

    def _tail(self) -> tuple[int, bytes]:
        row = self._write.execute(
            "SELECT position, hash FROM events ORDER BY position DESC LIMIT 1"
        ).fetchone()
        # Positions stay dense even when AUTOINCREMENT remembers a row that is gone (a cut tail).
        return (int(row[0]), row[1]) if row else (0, GENESIS)


class _Response(DCBReadResponse):
    def __init__(self, rows: list[Row], head: int | None) -> None:
        self._rows = iter(rows)
        self._head = head

    @property
    def head(self) -> int | None:
        return self._head

    def __next__(self) -> DCBSequencedEvent:
        position, kind, labels, data = next(self._rows)
        return DCBSequencedEvent(DCBEvent(kind, data, _labels.decode(labels)), position)


class _Subscription(DCBListenNotifySubscription[SQLiteLog]):
    def __enter__(self) -> Self:
        super().__enter__()
        self._recorder._listeners.add(self)  # noqa: SLF001
        return self

    def __exit__(self, *args: object, **kwargs: object) -> None:
        self._recorder._listeners.discard(self)  # noqa: SLF001
        super().__exit__(*args, **kwargs)


def stream(path: Path, after: int = 0, *, upto: int | None = None) -> Iterator[Row]:
    """All rows of a log in order, in pages, on a connection of its own."""
    with contextlib.closing(open_database(path, readonly=True)) as database:
        cursor = database.execute(
            "SELECT position, type, tags, data FROM events"
            " WHERE position > ? AND position <= ? ORDER BY position",
            (after, upto if upto is not None else 1 << 62),
        )
        while page := cursor.fetchmany(PAGE_ROWS):
            yield from page


def chained(path: Path) -> Iterator[tuple[int, Record, bytes]]:
    """All records of a log with their stored hashes."""
    with contextlib.closing(open_database(path, readonly=True)) as database:
        # A text that somebody broke is to be named by its position, not to end the walk.
        database.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
        cursor = database.execute(
            "SELECT position, type, tags, data, hash FROM events ORDER BY position"
        )
        for position, kind, labels, data, digest in cursor:
            yield position, Record(kind, labels, data), digest


def _select(
    database: sqlite3.Connection, query: DCBQuery | None, after: int, limit: int | None
) -> list[Row]:
    where = "position > ?"
    arguments: list[str | int] = [after]
    if query is not None and query.items:
        parts = []
        for types, tag_sets in _grouped(query.items).items():
            for part, values in _matching(types, tag_sets, after):
                parts.append(part)
                arguments.extend(values)
        where += f" AND position IN ({' UNION '.join(parts)})"
    sql = f"SELECT position, type, tags, data FROM events WHERE {where} ORDER BY position LIMIT ?"  # noqa: S608 - built of constants
    return database.execute(sql, (*arguments, -1 if limit is None else limit)).fetchall()


def _grouped(items: Sequence[DCBQueryItem]) -> dict[tuple[str, ...], list[tuple[str, ...]]]:
    """Items by their types, so that many with one tag each become one condition.

    SQLite takes at most 500 terms in a compound SELECT, and a job may name 1,000 sources.
    """
    found: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for item in items:
        found.setdefault(tuple(item.types), []).append(tuple(item.tags))
    return found


def _matching(
    types: tuple[str, ...], tag_sets: list[tuple[str, ...]], after: int
) -> Iterator[tuple[str, list[str | int]]]:
    """Subqueries of the positions that match one of these items, and their arguments."""
    marks = ",".join("?" * len(types))
    if () in tag_sets:
        condition = f" AND type IN ({marks})" if types else ""
        yield f"SELECT position FROM events WHERE position > ?{condition}", [after, *types]  # noqa: S608
        return
    of_type = f" AND (SELECT type FROM events e WHERE e.position = t0.position) IN ({marks})"  # noqa: S608
    condition = of_type if types else ""
    if singles := [tags[0] for tags in tag_sets if len(tags) == 1]:
        names = ",".join("?" * len(singles))
        sql = f"SELECT position FROM event_tags t0 WHERE tag IN ({names}) AND position > ?"  # noqa: S608
        yield sql + condition, [*singles, after, *types]
    for tags in tag_sets:
        if len(tags) > 1:
            joins = "".join(
                f" JOIN event_tags t{n} ON t{n}.position = t0.position AND t{n}.tag = ?"
                for n in range(1, len(tags))
            )
            sql = (
                f"SELECT t0.position FROM event_tags t0{joins} WHERE t0.tag = ? AND t0.position > ?"  # noqa: S608
            )
            yield sql + condition, [*tags[1:], tags[0], after, *types]
