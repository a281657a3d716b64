"""The catalogue as a file: copied as of one moment, and brought to where settings want it.

A catalogue in PostgreSQL becomes one in SQLite and comes back, table by table, by the engine, which
knows how either spells its values. DuckLake itself makes the tables of the new one.
"""

import json
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import duckdb
import msgspec

from commands import ports
from infra.log import still
from infra.warehouse import attach
from infra.warehouse.quoting import literal
from infra.warehouse.settings import POSTGRES, Settings
from infra.workers import secrecy

BUSY_TIMEOUT_S: Final = 60.0
_FROM, _TO, _NEW = "old_catalog", "new_catalog", "new_lake"
_TABLES: Final = (
    "SELECT table_name FROM duckdb_tables() WHERE database_name = ?"
    " AND table_name LIKE 'ducklake\\_%' ESCAPE '\\' ORDER BY table_name"
)
_SIGNED: Final = "SELECT commit_extra_info FROM ducklake_snapshot_changes"
_MADE: Final = "SELECT snapshot_id, snapshot_time FROM ducklake_snapshot ORDER BY snapshot_id"
_BOTH_MADE: Final = (
    "SELECT snapshot_id, snapshot_time::TIMESTAMPTZ FROM {}.ducklake_snapshot ORDER BY 1"
)

_log = logging.getLogger("infra.warehouse")


class CatalogTaken(Exception):
    """There is another catalogue where this one is to go."""


def copy(settings: Settings, target: Path) -> bool:
    """Write the catalogue into a new file; False when there is none yet. Raises WorkFailed."""
    if not settings.embedded:
        return _from_postgres(settings, target)
    source = Path(settings.catalog)
    if not source.exists():
        return False
    with closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as old:
        old.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000:.0f}")
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        still.copied(old, target)
    return True


def newest_position(catalog: Path) -> int:
    """The last log position that a commit names as its cause."""
    found = 0
    with closing(sqlite3.connect(f"{catalog.as_uri()}?mode=ro", uri=True)) as database:
        for (text,) in database.execute(_SIGNED):
            found = max(found, _position(text))
    return found


def put(catalog: Path, settings: Settings) -> None:
    """Bring a copy to where the settings say; a second time changes nothing.

    Raises CatalogTaken, WorkFailed.
    """
    if not settings.embedded:
        _to_postgres(catalog, settings)
        return
    target = Path(settings.catalog)
    if target.exists() and _made(target) != _made(catalog):
        raise CatalogTaken(f"{target} is another warehouse's catalogue")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(catalog, target)


def _position(text: str | None) -> int:
    try:
        found = json.loads(text or "{}")
    except ValueError:  # somebody else's commit
        return 0
    position = found.get("position") if isinstance(found, dict) else None
    return position if isinstance(position, int) else 0


def _made(catalog: Path) -> list[tuple[object, ...]]:
    """What tells one catalogue from another: when each of its snapshots was made."""
    with closing(sqlite3.connect(f"{catalog.as_uri()}?mode=ro", uri=True)) as database:
        return database.execute(_MADE).fetchall()


def _from_postgres(settings: Settings, target: Path) -> bool:
    file = msgspec.structs.replace(settings, catalog=str(target))
    with closing(_engine(settings)) as engine, _told():
        engine.execute(f"ATTACH {_postgres(settings)} AS {_FROM} (TYPE postgres, READ_ONLY)")
        if not _tables(engine, _FROM):
            return False
        _create(engine, file)
        engine.execute(f"ATTACH {literal(str(target))} AS {_TO} (TYPE sqlite)")
        # One transaction of the old database too, so that all tables are of one moment.
        engine.execute("BEGIN")
        _carry(engine)
        engine.execute("COMMIT")
    sqlite3.connect(target).close()  # the last one to close folds the WAL into the file
    return True


def _to_postgres(catalog: Path, settings: Settings) -> None:
    with closing(_engine(settings)) as engine, _told():
        engine.execute(f"ATTACH {literal(str(catalog))} AS {_FROM} (TYPE sqlite, READ_ONLY)")
        _create(engine, settings)
        engine.execute(f"ATTACH {_postgres(settings)} AS {_TO} (TYPE postgres)")
        engine.execute("BEGIN")
        there, ours = (engine.execute(_BOTH_MADE.format(name)).fetchall() for name in (_TO, _FROM))
        if len(there) > 1 and there != ours:
            raise CatalogTaken(
                "storage.warehouse.catalog names a database that holds another catalogue"
            )
        _carry(engine)
        engine.execute("COMMIT")


@contextmanager
def _told() -> Iterator[None]:
    """The engine's complaint may repeat the connection string, so it goes to the log alone."""
    try:
        yield
    except duckdb.Error as error:
        _log.warning("the catalogue could not be copied: %s", secrecy.hidden(str(error)))
        reason = "The catalogue could not be copied; the log says why."
        raise ports.WorkFailed(attach.FULL if attach.is_full(error) else reason) from None


def _engine(settings: Settings) -> duckdb.DuckDBPyConnection:
    engine = attach.engine(settings)
    engine.execute(f"LOAD {literal(str(attach.extension_file('sqlite_scanner')))}")
    return engine


def _create(engine: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Have DuckLake make the tables, where they are not there yet."""
    engine.execute(attach.attach_sql(settings, name=_NEW))
    engine.execute(f"DETACH {_NEW}")


def _carry(engine: duckdb.DuckDBPyConnection) -> None:
    tables = _tables(engine, _FROM)
    if strange := set(tables) ^ set(_tables(engine, _TO)):
        raise ports.WorkFailed(f"The catalogue cannot be copied: {min(strange)} is unknown.")
    for table in tables:
        engine.execute(f"DELETE FROM {_TO}.{table}")  # noqa: S608 - a name of DuckLake's
        engine.execute(f"INSERT INTO {_TO}.{table} BY NAME SELECT * FROM {_FROM}.{table}")  # noqa: S608 - likewise


def _tables(engine: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    return [row[0] for row in engine.execute(_TABLES, [name]).fetchall()]


def _postgres(settings: Settings) -> str:
    return literal(settings.catalog.removeprefix(POSTGRES))
