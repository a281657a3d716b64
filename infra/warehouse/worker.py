"""Handler of the kind "warehouse": make it, list what is in it, keep it in order."""

import time
from pathlib import Path

import duckdb
import msgspec

from commands import ports
from domain.datasets import Table
from infra.loading import state
from infra.warehouse import attach, requests, tables, temporary
from infra.warehouse.changes import changes
from infra.warehouse.find import find
from infra.warehouse.maintain import maintain
from infra.warehouse.settings import S3, Settings
from infra.workers.desk import Desk, Run

CREATE_ATTEMPTS_MAX = 5
CREATE_RETRY_S = 0.5

Answer = (
    ports.Changes
    | ports.Maintained
    | ports.Published
    | tuple[Table, ...]
    | tuple[ports.LoadedFile, ...]
    | None
)


def start(config: msgspec.Raw) -> Run:
    """Start the engine; each task attaches anew, the catalogue may not be there yet."""
    settings = msgspec.json.decode(config, type=Settings)
    engine = attach.engine(settings)

    def run(task: msgspec.Raw, desk: Desk) -> Answer:
        wanted: requests.Request = msgspec.json.decode(task, type=requests.Request)
        if isinstance(wanted, requests.Create):
            with desk.lease():
                create(engine, settings)
            return None
        with attach.attached(engine, settings) as connection:
            if isinstance(wanted, requests.Listing):
                return tables.every(connection)
            if isinstance(wanted, requests.Files):
                return files(connection, wanted.source)
            if isinstance(wanted, requests.Find):
                return find(connection, desk, wanted.target)
            if isinstance(wanted, requests.ChangesOf):
                return changes(connection, wanted.asked)
            return _maintain(connection, desk, settings, wanted.maintain)

    return run


def files(connection: duckdb.DuckDBPyConnection, source: str) -> tuple[ports.LoadedFile, ...]:
    """List the files whose rows a source's tables hold."""
    return tuple(
        ports.LoadedFile(
            path=file.path,
            size_bytes=file.size_bytes,
            mtime_ns=file.mtime_ns,
            rows=file.rows,
            run=file.run,
        )
        for file in state.read(connection, source).files
    )


def create(engine: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Make the warehouse; call it under the write lease."""
    if settings.embedded:
        Path(settings.catalog).parent.mkdir(parents=True, exist_ok=True)
    if not settings.data.startswith(S3):
        Path(settings.data).mkdir(parents=True, exist_ok=True)
    temporary.sweep(settings)
    for attempt in range(1, CREATE_ATTEMPTS_MAX + 1):
        try:
            with attach.attached(engine, settings):
                return
        except ports.WorkFailed:
            # Another node may be making the tables of a PostgreSQL catalogue at this moment.
            if settings.embedded or attempt == CREATE_ATTEMPTS_MAX:
                raise
        time.sleep(CREATE_RETRY_S)


def _maintain(
    connection: duckdb.DuckDBPyConnection,
    desk: Desk,
    settings: Settings,
    task: ports.Maintain,
) -> ports.Maintained:
    temporary.sweep(settings)
    try:
        return maintain(connection, desk, settings, task)
    except duckdb.OutOfMemoryException:
        raise ports.WorkFailed("Maintenance ran out of memory.") from None
