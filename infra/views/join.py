"""Views files of several shares, made one."""

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from infra.views.store import connect


def join(path: Path, others: Iterable[Path]) -> int:
    """Bring the tables of other files into the one at `path`; answers the position of all.

    Raises RuntimeError when they stand at different positions.
    """
    with contextlib.closing(connect(path)) as database:
        database.execute("PRAGMA journal_mode=OFF")
        position = _position(database)
        for other in others:
            with contextlib.closing(connect(other, readonly=True)) as beside:
                if _position(beside) != position:
                    raise RuntimeError(f"{other.name} stands at another position than {path.name}")
            _bring(database, other)
        database.execute("PRAGMA journal_mode=WAL")
        return position


def _bring(database: sqlite3.Connection, other: Path) -> None:
    """Copy all tables of a file.

    SQLite copies the pages of tables that are empty and defined alike, with their indexes
    (sqlite.org/src/file/src/insert.c, `xferOptimization`).
    """
    database.execute("ATTACH ? AS other", (str(other),))
    defined = database.execute(
        "SELECT type, name, sql FROM other.sqlite_master"
        " WHERE sql IS NOT NULL AND name != '_state' ORDER BY type DESC"  # tables before indexes
    ).fetchall()
    database.execute("BEGIN")
    for _, _, sql in defined:
        database.execute(sql)
    for kind, name, _ in defined:
        if kind == "table":
            database.execute(f"INSERT INTO main.{name} SELECT * FROM other.{name}")  # noqa: S608
    database.execute("COMMIT")
    database.execute("DETACH other")


def _position(database: sqlite3.Connection) -> int:
    sql = "SELECT value FROM _state WHERE name = 'position'"
    return int(database.execute(sql).fetchone()[0])
