"""One views file: its connection for writing, the rows that apply functions see, building it."""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from domain.kernel import Event, Recorded, behind, tags
from infra import many
from infra.log.envelope import Codec, begun
from infra.log.port import Row
from infra.sqlite_files import discard
from infra.views import schema
from infra.views.batch import Batch
from projections.engine import Plan, Projection, Table, apply, plan

# One statement: each lets go of the interpreter's lock, which other threads are after.
_STAND: Final = (
    "UPDATE _state SET value = CASE name WHEN 'position' THEN ? ELSE ? END"
    " WHERE name IN ('position', 'digest')"
)
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
BATCH_EVENTS: Final = 10_000  # one transaction of a rebuild
CACHE_KIB: Final = 8_192  # of a connection; a rebuild is no faster with four times as much


class Store:
    """One file, and the position that its rows stand for."""

    def __init__(
        self,
        path: Path,
        projections: Sequence[Projection],
        events: Sequence[type[Event]],
        changed: dict[str, int] | None = None,
    ) -> None:
        """`changed` is told the position at which each table changed last."""
        self.path = path
        self._changed = {} if changed is None else changed
        self._plan: Plan = plan(projections, events)
        # Types of events that nothing is done with.
        self._passed = {event.type_name() for event, wanted in self._plan.items() if not wanted}
        self._indexes = tuple(p for p in projections if p.row is not None)
        self._tables = tuple(table for p in projections for table in p.tables)
        self._database = connect(path)
        self._batch = Batch(self._database)

    @classmethod
    def create(
        cls, path: Path, projections: Sequence[Projection], events: Sequence[type[Event]]
    ) -> "Store":
        """A new, empty file, fast to fill and of no worth after a crash."""
        discard(path)
        store = cls(path, projections, events)
        database = store._database
        database.execute("PRAGMA journal_mode=OFF")
        database.execute("PRAGMA locking_mode=EXCLUSIVE")
        database.execute("BEGIN")
        database.execute(schema.SYSTEM)
        for table in store._tables:
            for statement in schema.create(table):
                database.execute(statement)
        database.executemany(
            "INSERT INTO _state VALUES (?, ?)",
            [("position", 0), ("digest", b""), ("boot", _boot_id())],
        )
        database.execute("COMMIT")
        return store

    def usable(self) -> bool:
        """Whether the file was written whole, since the machine was started."""
        with contextlib.suppress(sqlite3.DatabaseError):
            return bool(self._state("boot") == _boot_id() and self._state("complete") == 1)
        return False

    def finish(self, position: int | None = None) -> None:
        """Make the indexes and mark it as whole; from here on it may be opened by readers.

        It stands at this position, when what came last counts for nothing here.
        """
        if position is not None:
            self._reach(position)
        for table in self._tables:
            for statement in schema.indexes(table):
                self._database.execute(statement)
        self._database.execute("INSERT INTO _state VALUES ('complete', 1)")
        self._database.execute("PRAGMA locking_mode=NORMAL")
        self._database.execute("PRAGMA journal_mode=WAL")

    def close(self) -> None:
        """Fold the WAL into the file and let go of it."""
        self._database.close()

    @property
    def wanted(self) -> tuple[str, ...] | None:
        """The types of events that count here; None when each has a row."""
        if self._indexes:
            return None
        return tuple(e.type_name() for e in self._plan if e.type_name() not in self._passed)

    @property
    def position(self) -> int:
        """The last position applied."""
        return int(self._state("position") or 0)

    @property
    def digest(self) -> bytes:
        """The hash that the chain has at that position; empty while it was not confirmed."""
        return bytes(self._state("digest") or b"")

    def confirm(self, digest: bytes) -> None:
        """Note the chain's hash at the position that the rows stand for."""
        self._database.execute("UPDATE _state SET value = ? WHERE name = 'digest'", (digest,))

    def apply(self, events: Sequence[Recorded], digest: bytes = b"") -> int:
        """All of these events in one transaction; answers the position. Raises Unapplicable."""
        batch = self._batch
        with self._transaction(digest):
            indexes = [(batch.index(index), index.prefix) for index in self._indexes]
            for each in events:
                position, event = each.position, each.event
                for index, prefix in indexes:
                    index(position, each.type, each, behind(prefix, tags(event)))
                if wanted := self._plan[type(event)]:
                    batch.since = position
                    apply(wanted, batch, each)
            batch.since = events[-1].position
        return batch.since

    def fold(self, rows: Iterable[Row], codec: Codec) -> int:
        """The same of rows of the log, of one at least. Raises UnknownEvent too.

        Event by event, while it is in the processor's cache, and only those are looked into that
        count here.
        """
        batch, passed, position = self._batch, self._passed, 0
        with self._transaction(b""):
            indexes = [
                (batch.index(each), each.prefix, begun(each.prefix)) for each in self._indexes
            ]
            for position, kind, labels, data in rows:
                opened = None if kind in passed else codec.opened(position, kind, data)
                for index, prefix, begins in indexes:
                    told = opened or codec.told(position, kind, data)
                    tagged = begins in labels  # most are not: their tags need not be decoded
                    named = codec.behind(prefix, position, kind, labels) if tagged else None
                    index(position, kind, told, named)
                if opened is not None:
                    batch.since = position
                    apply(self._plan[type(opened.event)], batch, opened)
            batch.since = position
        return position

    @contextlib.contextmanager
    def _transaction(self, digest: bytes) -> Iterator[None]:
        """All rows or none; they stand for the batch's position then, with this hash."""
        self._database.execute("BEGIN")
        try:
            yield
            position = self._batch.since
            written = self._batch.write()
            self._database.execute(_STAND, (position, digest))
            self._database.execute("COMMIT")
            self._changed.update(dict.fromkeys(written, position))
        except BaseException:
            self._batch.forget()
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    def _reach(self, position: int) -> None:
        self._database.execute("UPDATE _state SET value = ? WHERE name = 'position'", (position,))

    def _state(self, name: str) -> Any:
        row = self._database.execute("SELECT value FROM _state WHERE name = ?", (name,)).fetchone()
        return row and row[0]


def connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """A connection to a views file: fast, never fsynced."""
    uri = f"{path.absolute().as_uri()}?mode={'ro' if readonly else 'rwc'}"
    database = sqlite3.connect(
        uri,
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=many.STATEMENTS_CACHED,
    )
    database.execute("PRAGMA synchronous=OFF")
    database.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    if readonly:
        # The WAL is opened by the first read, by its name: that must not be another file's, which
        # has come in the meantime.
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return database


def differences(live: sqlite3.Connection, beside: Path, tables: Iterable[Table]) -> Iterator[str]:
    """Which rows of now and of the past two files do not share, table by table.

    `live` is inside a read transaction, where nothing can be attached: rows are compared here.
    """
    with contextlib.closing(connect(beside, readonly=True)) as other:
        for table in tables:
            for name in (table.name,) if table.grows else (table.name, f"{table.name}_past"):
                sql = f"SELECT * FROM {name} ORDER BY {_all_columns(table, name)}"  # noqa: S608
                served, folded = live.execute(sql), other.execute(sql)
                for row, wanted in itertools.zip_longest(served, folded):
                    if row != wanted:
                        yield f"{name}: {_named(table, row or wanted)} differs"
                        break


def _all_columns(table: Table, name: str) -> str:
    more = (() if table.grows else ("since",)) + (("until",) if name != table.name else ())
    return ", ".join((*table.key, *more))


def _named(table: Table, row: tuple[Any, ...]) -> str:
    names = list(table.columns)
    return ", ".join(f"{key} {row[names.index(key)]!r}" for key in table.key)


def _boot_id() -> str:
    return BOOT_ID.read_text().strip()
