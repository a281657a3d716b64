"""The server with one defect planted in it: what the harnesses of this folder must notice.

`python -m tests.faults.planted DEFECT serve …`
"""

import secrets
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from infra.log import sqlite
from infra.log.port import Failure
from infra.views import reserve, store


def unsynced() -> None:
    """Commits return before the disk has them."""
    real = sqlite.open_database

    def open_database(path: sqlite.Place, *, readonly: bool = False) -> sqlite3.Connection:
        database = real(path, readonly=readonly)
        database.execute("PRAGMA synchronous=OFF")
        return database

    sqlite.open_database = open_database


COMMITS_HELD = 4  # commands and their kept answers take turns: an answered command is among them


def hasty() -> None:
    """Commands are answered before their commit: one commit is made of several that say so."""
    begin, commit, count = sqlite.SQLiteLog.begin, sqlite.SQLiteLog.commit, 0

    def begin_once(log: sqlite.SQLiteLog) -> None:
        if not log.connection.in_transaction:
            begin(log)

    def commit_late(log: sqlite.SQLiteLog) -> None:
        nonlocal count
        count += 1
        if count % COMMITS_HELD == 0:
            commit(log)

    sqlite.SQLiteLog.begin, sqlite.SQLiteLog.commit = begin_once, commit_late


def trusting() -> None:
    """A commit that failed counts as one that was made."""
    real = sqlite.SQLiteLog.commit

    def commit(log: sqlite.SQLiteLog) -> None:
        try:
            real(log)
        except sqlite3.OperationalError:
            log.rollback()

    sqlite.SQLiteLog.commit = commit


def resigned() -> None:
    """A full disk counts as a broken one."""
    sqlite._FAILURES[sqlite3.SQLITE_FULL] = Failure.LOST


def unreserved() -> None:
    """No room is set aside for the views."""
    reserve.Reserve.hold = lambda _: True


def rebooted() -> None:
    """No defect, but what follows a power cut: the machine has another boot id."""
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write(secrets.token_hex(16))
    store.BOOT_ID = Path(file.name)


DEFECTS = {
    each.__name__: each for each in (unsynced, hasty, trusting, resigned, unreserved, rebooted)
}


def program(defect: Callable[[], None]) -> tuple[str, ...]:
    """How to run it, for the harness of the server."""
    return ("-m", "tests.faults.planted", defect.__name__)


if __name__ == "__main__":
    DEFECTS[sys.argv.pop(1)]()
    from infra.main import main

    sys.exit(main())
