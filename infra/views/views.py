"""The views that serve: follow the log, answer for now and for any past position, swap, check.

Writing belongs to the writer thread (`apply`, `swap`). Reading for now uses one connection, guarded
by a lock that is free in practice; reading the past borrows a connection from a small pool.
"""

import asyncio
import contextlib
import hashlib
import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from commands.kernel import Clock
from domain.kernel import Event, Recorded
from infra.log.envelope import GENESIS, Codec, UnknownEvent
from infra.log.port import Log
from infra.sqlite_files import discard
from infra.views import schema
from infra.views.fold import fold
from infra.views.reserve import Reserve, is_full
from infra.views.store import Store, connect
from projections.engine import Found, Projection, Table, Unapplicable, ViewsBroken

FOUND_KEPT_MAX: Final = 4_096  # answers to queries that are asked at every request
PAST_READERS_MAX: Final = 4  # idle connections that are kept for reading the past
PAGE_EVENTS: Final = 5_000
POLL_S: Final = 0.005
ROOT: Final = Path(__file__).parents[2]

_Kept = OrderedDict[Any, tuple[tuple[int, ...], Any]]

_log = logging.getLogger("dango.views")


class Current:
    """The `Reader` port for now. It stays the same object when the file behind it is swapped."""

    def __init__(self, path: Path, clock: Clock, changed: Mapping[str, int] | None = None) -> None:
        """`changed` tells the position at which each table changed last; else nothing is kept."""
        self._database = connect(path, readonly=True)
        self._lock = threading.Lock()
        self._clock = clock
        self._changed = changed
        self._kept: _Kept = OrderedDict()

    @contextlib.contextmanager
    def set_aside(self, path: Path) -> Iterator[None]:
        """Let go of the file, and open it again afterwards; queries wait meanwhile."""
        with self._lock:
            self._database.close()
            self._kept = OrderedDict()  # what is being looked up now goes into the one before
            try:
                yield
            finally:
                self._database = connect(path, readonly=True)

    @property
    def position(self) -> int:
        """As the port says."""
        return int(self.rows("SELECT value FROM _state WHERE name = 'position'")[0][0])

    @property
    def now(self) -> datetime:
        """As the port says."""
        return self._clock()

    def rows(self, sql: str, /, **values: Any) -> list[tuple[Any, ...]]:
        """As the port says."""
        with self._lock:
            return self._database.execute(sql, values).fetchall()

    def row(self, sql: str, /, **values: Any) -> tuple[Any, ...] | None:
        """As the port says."""
        with self._lock:
            row: tuple[Any, ...] | None = self._database.execute(sql, values).fetchone()
            return row

    def kept(self, tables: Sequence[str], look: Callable[..., Found], *key: Any) -> Found | None:
        """As the port says."""
        if self._changed is None:
            return look(self, *key)
        # What counts is how the tables stood before the look: a change in its midst makes it stale.
        kept, stood = self._kept, self._stood(tables)
        entry = kept.get((look, key))
        found: Found | None = entry[1] if entry is not None and entry[0] == stood else None
        if found is not None:
            return found
        found = look(self, *key)
        if found is not None:  # nobody can fill it up by asking for what is not there
            kept[look, key] = stood, found
            if len(kept) > FOUND_KEPT_MAX:
                kept.popitem(last=False)
        return found

    def holds(self, tables: Sequence[str], look: Callable[..., Any], *key: Any) -> bool:
        """As the port says."""
        entry = self._kept.get((look, key))
        return entry is not None and entry[0] == self._stood(tables)

    def _stood(self, tables: Sequence[str]) -> tuple[int, ...]:
        changed = self._changed or {}
        return tuple([changed.get(name, 0) for name in tables])

    def close(self) -> None:
        """Wait for the query that runs, then let go of the file."""
        with self._lock:
            self._database.close()


class Past(Current):
    """The `Reader` port for one position of the past."""

    def __init__(self, path: Path, clock: Clock, tables: Sequence[Table]) -> None:
        super().__init__(path, clock, {})  # nothing changes there
        for statement in schema.past_views(tables):
            self._database.execute(statement)
        self._position, self._now = 0, clock()

    def at(self, position: int, now: datetime) -> "Past":
        """The same connection, looking at another position."""
        self._database.execute("UPDATE temp._as_of SET position = ?", (position,))
        self._kept = OrderedDict()
        self._position, self._now = position, now
        return self

    @property
    def position(self) -> int:
        """As the port says."""
        return self._position

    @property
    def now(self) -> datetime:
        """As the port says."""
        return self._now


class Views:
    """All read models of a project."""

    def __init__(
        self,
        folder: Path,
        log: Log,
        codec: Codec,
        clock: Clock,
        *,
        projections: Sequence[Projection],
        events: Sequence[type[Event]],
    ) -> None:
        self.projections, self.events = tuple(projections), tuple(events)
        self._log, self._codec, self._clock = log, codec, clock
        self._folder = folder
        self._reserve = Reserve(folder / "reserve")
        self._tables = tuple(table for p in projections for table in p.tables)
        self.version = fingerprint()
        self.path = folder / f"views-{self.version}.db"
        self.position = 0
        self.broken: Exception | None = None
        self.built_at: datetime | None = None
        self._swapping = threading.Lock()
        self._generation = 0
        self._changed: dict[str, int] = {}
        self._idle: list[Past] = []
        self._store: Store | None = None
        self._current: Current | None = None
        try:
            self._open()
        except (Unapplicable, UnknownEvent) as error:
            self._break(error)

    # following the log (the writer thread)

    def has_room(self) -> bool:
        """Whether more may be recorded: what comes can be shown even on a disk that is full."""
        return self._reserve.hold()

    def apply(self, events: Sequence[Recorded], digest: bytes) -> None:
        """Bring the rows up to these events, the last of which has this hash in the chain.

        An event that cannot be applied stops the views.
        """
        if self.broken is not None or (store := self._store) is None:
            return
        try:
            self.position = self._reserve.use(lambda: store.apply(events, digest))
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing after it is applied
            self._break(error)

    def resume(self) -> None:
        """Go on when the views had stopped for want of room alone, and there is some again."""
        if self._store is None or not is_full(self.broken):
            return
        try:
            self.position = self._follow(self._store)
        except sqlite3.OperationalError as error:
            _log.warning("the views cannot go on yet: %s", error)
        else:
            self.broken = None
            _log.warning("the views go on")

    def swap(self, path: Path) -> None:
        """Take a file that was built beside into service, in place of the one that serves."""
        with contextlib.closing(Store(path, self.projections, self.events)) as beside:
            self._follow(beside)
        with self._swapping:
            self._drop_idle()
            aside = self._current.set_aside(self.path) if self._current else nullcontext()
            with aside:
                if self._store is not None:
                    self._store.close()
                discard(self.path)
                path.rename(self.path)
                self._store = self._open_store()
            self._serve(self._store)
            self.broken = None

    # reading

    @property
    def current(self) -> Current:
        """The rows of now. Raises ViewsBroken."""
        if self.broken is not None or self._current is None:
            raise ViewsBroken(str(self.broken))
        return self._current

    async def reached(self, position: int, timeout_s: float) -> bool:
        """Wait until the rows stand at a position; False when the time runs out."""
        try:
            async with asyncio.timeout(timeout_s):
                # The writer thread moves it; with one node it stands there already.
                while self.position < position:  # noqa: ASYNC110
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            return False
        return True

    @contextlib.contextmanager
    def past(self, position: int, now: datetime) -> Iterator[Past]:
        """The rows as of a position that has been applied. Raises ViewsBroken."""
        if self.broken is not None:
            raise ViewsBroken(str(self.broken))
        with self._swapping:  # a new reader too: in the midst of a swap there is no file to open
            reader = self._idle.pop() if self._idle else self._past()
            generation = self._generation
        try:
            yield reader.at(position, now)
        finally:
            with self._swapping:
                keep = generation == self._generation and len(self._idle) < PAST_READERS_MAX
                if keep:
                    self._idle.append(reader)
            if not keep:
                reader.close()

    def close(self) -> None:
        """Let go of the file."""
        with self._swapping:
            self._drop_idle()
            # Readers first: the last one to close folds the WAL into the file; readers cannot.
            if self._current is not None:
                self._current.close()
            if self._store is not None:
                self._store.close()
            self._reserve.release()

    def _open(self) -> None:
        if not self._servable():
            discard(self.path)
            beside = self.path.with_name(self.path.name + ".new")
            place, codec = self._log.place, self._codec
            fold(place, beside, self.projections, self.events, codec=codec)
            beside.rename(self.path)
        self._serve(self._open_store())
        for old in self._folder.glob("views-*.db"):
            if old != self.path:
                discard(old)

    def _open_store(self) -> Store:
        return Store(self.path, self.projections, self.events, self._changed)

    def _servable(self) -> bool:
        if not self.path.exists():
            return False
        try:
            store = Store(self.path, self.projections, self.events)
        except sqlite3.DatabaseError:  # half of a file, or none of ours
            return False
        with contextlib.closing(store):
            # The same position of another history (a log that was put back) has another hash.
            return store.usable() and store.digest == self._hash_at(store.position)

    def _serve(self, store: Store) -> None:
        self._generation += 1
        self._store = store
        self._current = self._current or Current(self.path, self._clock, self._changed)
        self.built_at = self._clock()
        self.position = self._follow(store)

    def _follow(self, store: Store) -> int:
        """Apply what the log has and the rows of a file do not know yet."""
        while rows := self._log.fetch(None, after=store.position, limit=PAGE_EVENTS):
            digest = self._hash_at(rows[-1][0])
            store.apply([self._codec.open(at, kind, data) for at, kind, _, data in rows], digest)
        store.confirm(self._hash_at(store.position))
        return store.position

    def _hash_at(self, position: int) -> bytes:
        found = self._log.at(position)
        return found[1] if found else GENESIS

    def _break(self, error: Exception) -> None:
        self.broken = error
        _log.critical("the views have stopped: %s", error)

    def _past(self) -> Past:
        return Past(self.path, self._clock, self._tables)

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()


def fingerprint() -> str:
    """A hash of all code that decides what the rows are."""
    digest = hashlib.sha256()
    for folder in ("domain", "projections", "infra/views"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
