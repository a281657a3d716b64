"""Handler of the kinds "load" and "fetch": stage what a source holds, publish it in one commit."""

import importlib
from collections.abc import Callable
from typing import Any, Final

import duckdb
import msgspec

from commands import ports
from domain.source_types import vendors
from infra.loading import requests
from infra.loading.publish import publish
from infra.loading.rollback import roll_back
from infra.loading.settings import LoadSettings
from infra.warehouse import attach, temporary
from infra.workers import secrecy
from infra.workers.desk import Desk, Run

# Type of source -> where its stage is. Imported by the worker that needs it. `sample` in the same
# module gives the first rows: (connection, load, settings, desk) -> ports.Sample.
STAGES: Final[dict[str, str]] = {
    "csv": "infra.loading.files:stage",
    "dlt_native": "infra.loading.dlt_native:stage",
    "filesystem": "infra.loading.buckets:stage",
    "local_files": "infra.loading.files:stage",
    "duckdb": "infra.loading.duckdb_file:stage",
    "rest_api": "infra.loading.rest_api:stage",
    **dict.fromkeys(
        ("mysql", "postgres", "sql_database", "sqlite"), "infra.loading.databases:stage"
    ),
    **dict.fromkeys(vendors.BLOCKS, "infra.loading.vendors:stage"),
}


def start(config: msgspec.Raw) -> Run:
    """Start the engine; each task attaches the warehouse anew."""
    settings = msgspec.json.decode(config, type=LoadSettings)
    temporary.sweep(settings.warehouse)
    engine = attach.engine(settings.warehouse)

    def run(task: msgspec.Raw, desk: Desk) -> ports.Loaded | ports.Sample | None:
        wanted: requests.Request = msgspec.json.decode(task, type=requests.Request)
        of = wanted.check.load if isinstance(wanted, requests.Check) else wanted.load
        secrecy.hide(of.secrets.values())
        try:
            with attach.attached(engine, settings.warehouse) as connection:
                if isinstance(wanted, requests.Check):
                    _function(of.type, "check")(connection, wanted.check, settings, desk)
                    return None
                if isinstance(wanted, requests.Sample):
                    return sample(connection, wanted.load, settings, desk)
                return load(connection, wanted.load, settings, desk)
        except duckdb.OutOfMemoryException:
            reason = "The load needs more memory than it may have."
            raise ports.WorkFailed(reason, limit="memory") from None
        except (duckdb.Error, OSError) as error:
            if not attach.is_full(error):
                raise
            raise ports.WorkFailed(attach.FULL) from error
        except ports.WorkFailed as failed:
            # The child itself would leave a secret that stands in the task, as this one's do.
            failed.reason = secrecy.hidden(failed.reason)
            failed.facts = {name: _hidden(value) for name, value in failed.facts.items()}
            raise

    return run


def load(
    connection: duckdb.DuckDBPyConnection,
    wanted: ports.Load,
    settings: LoadSettings,
    desk: Desk,
) -> ports.Loaded:
    """Stage, then publish, in one commit or not at all."""
    if wanted.rollback_of is not None:
        return roll_back(connection, wanted, settings, desk)
    stage = _function(wanted.type, None)
    return publish(connection, wanted, settings, desk, stage(connection, wanted, settings, desk))


def sample(
    connection: duckdb.DuckDBPyConnection,
    wanted: ports.Load,
    settings: LoadSettings,
    desk: Desk,
) -> ports.Sample:
    """Give the first rows of a source; nothing is written."""
    first: ports.Sample = _function(wanted.type, "sample")(connection, wanted, settings, desk)
    return first


def _function(kind: str, name: str | None) -> Callable[..., Any]:
    place = STAGES.get(kind)
    if place is None:
        raise ports.WorkRefused(f"Sources of type '{kind}' cannot be synced yet.")
    module, _, stage = place.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name or stage)
    return found


def _hidden(value: Any) -> Any:
    return secrecy.hidden(value) if isinstance(value, str) else value
