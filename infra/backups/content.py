"""What belongs to a backup: copies of log and catalogue, the data that these name, the project.

No order is left to chance. First the log is held still, then the catalogue is copied: whatever the
log calls completed is in the catalogue. And whatever commit the catalogue has was asked for in the
log: an embedded one is copied under the write lease, which is given back before the log is copied;
of one in PostgreSQL, which takes commits at any time, the positions that its commits name are
compared. A sync whose commit is there and whose ending is not yet is settled at the next start, as
after a crash. Data files never change, and what is replaced stays for the readers' grace, so they
are copied behind.
"""

import contextlib
import functools
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from commands import ports
from infra.backups import places
from infra.backups.settings import Settings
from infra.log import still
from infra.project import FOLDER
from infra.warehouse import catalogs
from infra.warehouse.settings import S3
from infra.workers.desk import Desk

LOG: Final = f"{FOLDER}/events.db"
CATALOG: Final = "warehouse/catalog.sqlite"
DATA: Final = "warehouse/data"
TRIES_MAX: Final = 5  # to see log and catalogue as of one position
# Made anew, of this process alone, or a key: .env and the master key are kept apart from backups.
LEFT_OUT: Final = frozenset(
    {
        f"{FOLDER}/{name}"
        for name in (
            *("master.key", "seen.db", "tmp", "logs", "reserve", "lock", "control.sock"),
            "restored.json",  # of this copy of the project
            *("dbt-docs", "backups"),
        )
    }
    | {"warehouse", ".env", ".git", ".venv", "dbt/target", "dbt/logs"}
)
_SKIPPED: Final = tuple(
    f"{FOLDER}/{name}" for name in ("views-", "events.db", "seen.db", "master.key")
)
_FILES: Final = """
SELECT s.path, s.path_is_relative, t.path, t.path_is_relative, f.path, f.path_is_relative
FROM (
  SELECT table_id, path, path_is_relative FROM ducklake_data_file
  UNION SELECT table_id, path, path_is_relative FROM ducklake_delete_file
) f
JOIN (SELECT DISTINCT table_id, schema_id, path, path_is_relative FROM ducklake_table) t
  USING (table_id)
JOIN (SELECT DISTINCT schema_id, path, path_is_relative FROM ducklake_schema) s USING (schema_id)
"""


class Part(NamedTuple):
    """One file: its path in the project, and what reads it."""

    path: str
    blocks: Callable[[], Iterator[bytes]]


class Copies(NamedTuple):
    """Log and catalogue as of one position; `digest` is the chain's hash up to it."""

    log: Path
    catalog: Path | None
    upto: int
    digest: str


def copies(settings: Settings, desk: Desk, folder: Path) -> Copies:
    """Copy log and catalogue into a folder, beside whoever writes. Raises WorkFailed."""
    log, catalog = folder / "events.db", folder / "catalog.sqlite"
    with contextlib.ExitStack() as open_:
        held, there = _of_one_position(settings, desk, catalog, open_)
        found = held.copy(log)
    return Copies(log, catalog if there else None, found.upto, found.digest.hex())


def _of_one_position(
    settings: Settings, desk: Desk, catalog: Path, open_: contextlib.ExitStack
) -> tuple[still.Still, bool]:
    """The log held still, and whether there is a catalogue, which is copied then."""
    for _ in range(TRIES_MAX):
        with contextlib.ExitStack() as tried:
            if settings.warehouse.embedded:
                tried.enter_context(desk.lease())
            held = open_.enter_context(still.held(settings.log))
            there = catalogs.copy(settings.warehouse, catalog)
        if not there or catalogs.newest_position(catalog) <= held.upto:
            return held, there
        open_.close()
        catalog.unlink()
    raise ports.WorkFailed("The warehouse did not hold still; try again.", transient=True)


def parts(settings: Settings, copied: Copies, to: str) -> Iterator[Part]:
    """All files, the log first. Raises WorkFailed."""
    yield _file(copied.log, LOG)
    if copied.catalog is not None:
        yield _file(copied.catalog, CATALOG)
        data = places.opened(settings.warehouse.data, settings.warehouse.s3)
        for name in data_files(copied.catalog):
            yield Part(f"{DATA}/{name}", functools.partial(data.read, name))
    yield from _project(Path(settings.root), to)


def _file(file: Path, path: str) -> Part:
    return Part(path, functools.partial(places.blocks, file))


def data_files(catalog: Path) -> list[str]:
    """The files that a catalogue names, of all its snapshots, by their paths in the data folder."""
    # Nobody writes to this copy; without the word, a reader would leave files beside it.
    with closing(sqlite3.connect(f"{catalog.as_uri()}?immutable=1", uri=True)) as database:
        rows = database.execute(_FILES).fetchall()
    found = set()
    for row in rows:
        if not all(row[1::2]):
            raise ports.WorkFailed("A file of the warehouse lies outside of its folder.")
        found.add("".join(row[::2]))
    return sorted(found)


def _project(root: Path, to: str) -> Iterator[Part]:
    """Configuration, uploads, dbt project, notebooks, scripts: whatever else the project holds."""
    own = None if to.startswith(S3) else Path(to).absolute()
    for folder, folders, files in os.walk(root):
        at = Path(folder)
        here = at.relative_to(root)
        folders[:] = sorted(
            name
            for name in folders
            if (here / name).as_posix() not in LEFT_OUT
            and name != "__pycache__"
            and at / name != own
            and not (at / name).is_symlink()
        )
        for name in sorted(files):
            path, file = (here / name).as_posix(), at / name
            if path in LEFT_OUT or path.startswith(_SKIPPED) or file.is_symlink():
                continue
            if file.is_file():
                yield _file(file, path)
