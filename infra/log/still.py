"""A log held still: all of it as of one position, copied into a file while its server writes on.

Nobody waits for the copying. Of a file, one reader keeps what it has seen first, and SQLite's own
online copy takes the pages from it; of a database, the vault and the keys are read together with
the last position, and the rows up to there, which never change, behind.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from infra import durable
from infra.log import move, sqlite
from infra.log.places import remote
from infra.log.port import Beside, Place
from infra.log.recorder import tail

PAGES: Final = 256  # that are copied at a time
PAGE_BYTES: Final = 4_096


class Copied(NamedTuple):
    """What is in a copy: events up to a position, and the hash of the chain there."""

    upto: int
    digest: bytes


class Still(Protocol):
    """A log that is held still."""

    upto: int

    def copy(self, target: Path) -> Copied:
        """Write it into a new file, without a WAL beside. Raises NotMoved."""


@contextlib.contextmanager
def held(place: Place) -> Iterator[Still]:
    """Hold a log still; what is written from here on is not in it."""
    if remote(place):
        from infra.log import postgres_archive  # the driver is loaded only where it is used

        yield _Rows(place, *postgres_archive.standing(place))
        return
    with contextlib.closing(sqlite.open_database(place, readonly=True)) as database:
        database.execute("BEGIN")
        yield _File(database)


class _File:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.upto, self._digest = tail(database.execute(sqlite.TAIL).fetchall())

    def copy(self, target: Path) -> Copied:
        """As the port says."""
        copied(self._database, target)
        _one_file(target)
        return Copied(self.upto, self._digest)


class _Rows:
    def __init__(self, place: Place, upto: int, beside: Beside) -> None:
        self._place, self.upto, self._beside = place, upto, beside

    def copy(self, target: Path) -> Copied:
        """As the port says."""
        with contextlib.closing(sqlite.SQLiteLog(target)) as log:
            move.fill(log, self._place, self.upto, self._beside)
            found = Copied(log.last, log.digest)
        _one_file(target)
        return found


def copied(source: sqlite3.Connection, target: Path) -> None:
    """Copy what a connection sees. Within its transaction, commits of others change nothing."""
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as new:
        new.execute("PRAGMA synchronous=OFF")  # it is read once, and thrown away
        descriptor = os.open(target, os.O_RDWR)
        try:
            paced = durable.Paced(descriptor)
            source.backup(new, pages=PAGES, progress=lambda *_: paced.wrote(PAGES * PAGE_BYTES))
        finally:
            os.close(descriptor)


def _one_file(path: Path) -> None:
    """It can be given another name then; whoever opens it for writing sets it back."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
