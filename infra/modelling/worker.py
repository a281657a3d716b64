"""Handler of the kind "dbt": build models, read the project, document it."""

import duckdb
import msgspec

from commands import modelling, ports
from infra.modelling import document, requests
from infra.modelling.build import Builder
from infra.modelling.invoke import Dbt
from infra.modelling.manifest import Graph
from infra.modelling.settings import ModelSettings
from infra.warehouse import attach, temporary
from infra.workers.desk import Desk, Run

Answer = modelling.Built | modelling.ProjectRead | None


def start(config: msgspec.Raw) -> Run:
    """Import dbt, which takes seconds, and start the engine; each task attaches anew."""
    settings = msgspec.json.decode(config, type=ModelSettings)
    temporary.sweep(settings.warehouse)
    dbt = Dbt(settings)

    def run(task: msgspec.Raw, desk: Desk) -> Answer:
        wanted: requests.Request = msgspec.json.decode(task, type=requests.Request)
        dbt.prepare()
        try:
            with attach.attached(dbt.engine, settings.warehouse) as connection:
                return _perform(dbt, connection, desk, wanted)
        except duckdb.OutOfMemoryException:
            raise MemoryError from None
        except (duckdb.Error, OSError) as error:
            if not attach.is_full(error):
                raise
            raise ports.WorkFailed(attach.FULL) from error

    return run


def _perform(
    dbt: Dbt, connection: duckdb.DuckDBPyConnection, desk: Desk, wanted: requests.Request
) -> Answer:
    match wanted:
        case requests.Run(build=task):
            return Builder(dbt, connection, desk, task).build()
        case requests.Read(schemas=schemas):
            return Graph(dbt.parse(), schemas).read()
        case requests.Document():
            document.document(dbt)
            return None
