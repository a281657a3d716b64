"""Handler of the kind "warehouse": make it, list what is in it, keep it in order."""

from pathlib import Path

import duckdb
import msgspec

from commands import ports
from domain.datasets import Table
from infra.warehouse import attach, requests, tables, temporary
from infra.warehouse.maintain import maintain
from infra.warehouse.settings import S3, Settings
from infra.workers.desk import Desk, Run


def start(config: msgspec.Raw) -> Run:
    """Read the settings; each task attaches anew, the catalogue may not be there yet."""
    settings = msgspec.json.decode(config, type=Settings)

    def run(task: msgspec.Raw, desk: Desk) -> ports.Maintained | tuple[Table, ...] | None:
        wanted: requests.Request = msgspec.json.decode(task, type=requests.Request)
        if isinstance(wanted, requests.Create):
            with desk.lease():
                create(settings)
            return None
        with attach.connect(settings) as connection:
            if isinstance(wanted, requests.Listing):
                return tables.every(connection)
            return _maintain(connection, desk, settings, wanted.maintain)

    return run


def create(settings: Settings) -> None:
    """Make the warehouse; call it under the write lease."""
    if settings.embedded:
        Path(settings.catalog).parent.mkdir(parents=True, exist_ok=True)
    if not settings.data.startswith(S3):
        Path(settings.data).mkdir(parents=True, exist_ok=True)
    temporary.sweep(settings)
    attach.connect(settings).close()


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
