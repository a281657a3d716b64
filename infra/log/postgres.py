"""The event log in PostgreSQL, for one server at a time, as in SQLite.

One connection writes: lock, read, decide, write and commit are one transaction on it. The lock is
an advisory one of the whole log, and every way to append takes it before it reads where the log
ends. A server (`alone`) holds it for as long as its connection lives, so a second one is refused,
and so is whoever else would write.

Why not the recorder of the library (eventsourcing.dcb.postgres_tt): it draws positions from a
sequence and appends without a lock where there is no condition, so that a reader that tails the log
misses events; its queries know no two types without tags; its tables have no room for the chain.
"""

import contextlib
import logging
import threading
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from eventsourcing.dcb.api import DCBQuery
from eventsourcing.dcb.persistence import DCBListenNotifySubscription
from psycopg import sql
from psycopg.pq import TransactionStatus

from infra.log.matching import matching
from infra.log.port import Failure, LogInUse, Row
from infra.log.postgres_archive import READ_TIMEOUT_S, Connection, ask, connect, key, shown, split
from infra.log.recorder import Recorder, Rows, labels, tail

LOCK_TIMEOUT_S: Final = 10
STATEMENT_TIMEOUT_S: Final = 30
IDLE_TIMEOUT_S: Final = 120  # of a transaction in which nothing comes any more
LISTEN_S: Final = 1.0  # how soon a subscription notices that it was stopped

# "C" compares bytes, as SQLite does. What was forgotten is to leave the table's pages soon.
SCHEMA: Final = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE {schema}.events (
  position bigint PRIMARY KEY,
  type text COLLATE "C" NOT NULL,
  tags bytea NOT NULL,
  data bytea NOT NULL,
  hash bytea NOT NULL
);
CREATE INDEX events_type ON {schema}.events (type, position);
CREATE TABLE {schema}.event_tags (
  tag text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  PRIMARY KEY (tag, type, position)
);
CREATE TABLE {schema}.vault (
  kind text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  key_id text NOT NULL,
  nonce bytea NOT NULL,
  sealed bytea NOT NULL,
  expires_at text COLLATE "C",
  owner text COLLATE "C",
  PRIMARY KEY (kind, id)
) WITH (autovacuum_vacuum_threshold = 20, autovacuum_vacuum_scale_factor = 0);
CREATE INDEX vault_owner ON {schema}.vault (owner) WHERE owner IS NOT NULL;
CREATE TABLE {schema}.keys (
  name text PRIMARY KEY, nonce bytea NOT NULL, sealed bytea NOT NULL
);
CREATE TABLE {schema}.policies (name text PRIMARY KEY, position bigint NOT NULL);
"""

_TAIL: Final = "SELECT position, hash FROM events ORDER BY position DESC LIMIT 1"
_INSERT: Final = b"""
WITH appended AS (
  INSERT INTO events SELECT * FROM
    unnest(%b::bigint[], %b::text[], %b::bytea[], %b::bytea[], %b::bytea[])
)
INSERT INTO event_tags SELECT * FROM unnest(%b::text[], %b::text[], %b::bigint[])
"""
_FULL: Final = (psycopg.errors.DiskFull,)
# The statement came to nothing, or the connection did, before anything was committed.
_BUSY: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
)

_log = logging.getLogger("dango.postgres")


class LogMoved(Exception):
    """Somebody else wrote, or holds the log, since our connection was lost."""


class Unsafe(psycopg.NotSupportedError):
    """The database does not promise to keep what was committed."""


class PostgresLog(Recorder):
    """The log. Not for several threads at once, but for what reads what is committed."""

    errors: tuple[type[Exception], ...] = (psycopg.Error, LogMoved)

    def __init__(self, place: str, *, alone: bool = False) -> None:
        """Raises LogInUse when a server holds the log, and `alone` is wanted."""
        super().__init__()
        self._place, self._alone = place, alone
        self._schema = split(place)[1]
        self.channel = f"dango_{self._schema}"
        self._committing = self._inserted = False
        self._unsent = contextlib.ExitStack()
        self._write = self._opened()
        try:
            self._make()
            self._mark = self.last, self._hash = tail(ask(self._write, _TAIL))
            # One row, and what lies beside, are read on the event loop, and wait for no long read.
            self._read, self._side = _Reading(place), _Reading(place)
        except BaseException:
            self._write.close()
            raise

    @property
    def place(self) -> str:
        return self._place

    @property
    def connection(self) -> Connection:
        """The writing connection, for tests."""
        return self._write

    def failure(self, error: Exception) -> Failure | None:
        if isinstance(error, LogMoved):
            return Failure.LOST
        if not isinstance(error, psycopg.Error):
            return None
        if self._committing:
            return Failure.LOST
        if isinstance(error, psycopg.DataError) and error.sqlstate is None:
            return None  # what cannot be sent, as a text with NUL, never reached the database
        if isinstance(error, _FULL):
            return Failure.FULL
        return Failure.BUSY if isinstance(error, _BUSY) else Failure.BUG

    def close(self) -> None:
        self._side.close()
        self._read.close()
        self._write.close()

    # the transaction of the writer thread

    def begin(self) -> None:
        """As the port says; a connection that was lost meanwhile is made anew. Raises LogMoved."""
        try:
            found = self._begun()
        except self.errors:
            if not self._write.closed:
                raise
            _log.warning("the connection to the event log was lost; connecting again")
            try:
                self._write = self._opened()
            except LogInUse as error:
                raise LogMoved(str(error)) from None
            found = self._begun()
        if self._alone and found != self._mark:
            self.rollback()
            raise LogMoved("somebody else has written to the event log")
        self._mark = self.last, self._hash = found
        # What is written goes out with the next read, and its error comes back there: each
        # statement need not wait for the way to the database. Any error ends the whole group.
        self._unsent.enter_context(self._write.pipeline())

    def commit(self) -> None:
        self._unsent.close()
        # COMMIT of a transaction that failed would be a rollback that answers like a commit.
        if self._status is not TransactionStatus.INTRANS:
            raise psycopg.errors.InFailedSqlTransaction("the transaction has failed")
        notify = sql.SQL("NOTIFY {};").format(sql.Identifier(self.channel))
        self._committing = True  # and so it stays when this fails: the outcome is unknown
        self._write.execute(sql.Composed([notify] if self._inserted else []) + sql.SQL("COMMIT"))
        self._committing = self._inserted = False
        self._mark = self.last, self._hash

    def rollback(self) -> None:
        # A connection that breaks here takes its transaction with it.
        with contextlib.suppress(*self.errors):
            self._unsent.close()
        with contextlib.suppress(*self.errors):
            if self._status is not TransactionStatus.IDLE:
                self._write.execute("ROLLBACK")
        self._inserted = False
        self.last, self._hash = self._mark

    def select(
        self,
        query: DCBQuery | None,
        *,
        after: int = 0,
        upto: int | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        text, values = matching(query, after, upto)
        return _rows(ask(self._write, f"{text} LIMIT ?", (*values, limit)))

    def _append(self, rows: Rows) -> None:
        columns = [list(column) for column in zip(*rows, strict=True)]
        tagged = labels(rows)
        marks = [[label[place] for label in tagged] for place in range(3)]
        self._write.execute(_INSERT, (*columns, *marks))
        self._inserted = True

    def _do(self, text: str, *rows: Sequence[object]) -> None:
        with self._write.cursor() as cursor:
            cursor.executemany(text.replace("?", "%s").encode(), rows)

    def _see(self, text: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return ask(self._write, text, values)

    @property
    def _status(self) -> TransactionStatus:
        return self._write.info.transaction_status

    def _begun(self) -> tuple[int, bytes]:
        """Lock, then look where the log ends: each statement sees what was committed before it."""
        lock = "" if self._alone else f"SELECT pg_advisory_xact_lock({key(self._schema)});"
        try:
            cursor = self._write.execute(f"BEGIN;{lock}{_TAIL}".encode())
            while cursor.nextset():
                pass
            return tail(cursor.fetchall())
        except BaseException:
            self.rollback()
            raise

    def _opened(self) -> Connection:
        """The writing connection, which holds the log when it is to be ours alone."""
        settings = {
            "lock_timeout": f"{LOCK_TIMEOUT_S}s",
            "idle_in_transaction_session_timeout": f"{IDLE_TIMEOUT_S}s",
            "default_transaction_read_only": "off",
        }
        connection = connect(self._place, timeout_s=STATEMENT_TIMEOUT_S, settings=settings)
        try:
            _assert_durable(connection)
            held = "SELECT pg_try_advisory_lock(?)"
            if self._alone and not ask(connection, held, (key(self._schema),))[0][0]:
                raise LogInUse(f"{shown(self._place)} is in use by another Dango server.")
        except BaseException:
            connection.close()
            raise
        return connection

    def _make(self) -> None:
        """The tables, where they are not there yet."""
        schema = sql.Identifier(self._schema)
        with self._write.transaction():
            self._write.execute("SELECT pg_advisory_xact_lock(%s)", (key(self._schema),))
            if not ask(self._write, "SELECT to_regclass('policies') IS NOT NULL")[0][0]:
                self._write.execute(sql.SQL(SCHEMA).format(schema=schema))

    # reading from anywhere

    def at(self, position: int) -> tuple[Row, bytes] | None:
        rows = self._ask(
            "SELECT position, type, tags, data, hash FROM events WHERE position = ?", (position,)
        )
        return (_rows(rows)[0], rows[0][4]) if rows else None

    def fetch(self, query: DCBQuery | None, *, after: int = 0, limit: int | None) -> list[Row]:
        text, values = matching(query, after)
        return _rows(self._read.rows(f"{text} LIMIT ?", (*values, limit)))

    def head(self) -> int:
        return int(self._ask("SELECT max(position) FROM events")[0][0] or 0)

    def _ask(self, text: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._side.rows(text, values)

    # the library's port

    def subscribe(
        self, query: DCBQuery | None = None, *, after: int | None = None
    ) -> "_Subscription":
        """As the port says, across processes."""
        return _Subscription(self, query=query, after=after)


class _Reading:
    """A reading connection for all threads, made anew when it was lost."""

    def __init__(self, place: str) -> None:
        self._place, self._lock = place, threading.Lock()
        self._connection = connect(place, timeout_s=READ_TIMEOUT_S)

    def rows(self, text: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return ask(self._connection, text, values)
            except psycopg.Error:
                if not self._connection.closed:
                    raise
                self._connection = connect(self._place, timeout_s=READ_TIMEOUT_S)
                return ask(self._connection, text, values)

    def close(self) -> None:
        with self._lock:
            self._connection.close()


class _Subscription(DCBListenNotifySubscription[PostgresLog]):
    """Woken by NOTIFY; it listens before it reads for the first time, so that nothing is missed."""

    def __init__(self, recorder: PostgresLog, *, query: DCBQuery | None, after: int | None) -> None:
        self._listening = connect(recorder.place, timeout_s=READ_TIMEOUT_S)
        channel = sql.Identifier(recorder.channel)
        self._listening.execute(sql.SQL("LISTEN {}").format(channel))
        super().__init__(recorder=recorder, query=query, after=after)
        self._listener = threading.Thread(target=self._listen, name="dango-listen", daemon=True)
        self._listener.start()

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        super().__exit__(*args, **kwargs)
        self._listener.join()
        self._listening.close()

    def _listen(self) -> None:
        try:
            while not self._has_been_stopped:
                for _ in self._listening.notifies(timeout=LISTEN_S, stop_after=1):
                    self._has_been_notified.set()
        except psycopg.Error as error:
            self._thread_error = self._thread_error or error
            self.stop()


def _rows(found: Sequence[tuple[Any, ...]]) -> list[Row]:
    return [(row[0], row[1], row[2], row[3]) for row in found]


def _assert_durable(connection: Connection) -> None:
    def told(name: str) -> str:
        return str(ask(connection, "SELECT current_setting(?)", (name,))[0][0])

    if told("synchronous_commit") not in {"on", "remote_apply"}:
        connection.execute("SET synchronous_commit = on")
    wanted = {"fsync": "on", "full_page_writes": "on", "server_encoding": "UTF8"}
    for name, value in wanted.items():
        if told(name) != value:
            raise Unsafe(f"PostgreSQL runs with {name}={told(name)}; refusing to write")
