"""Type `dlt_native`: a dlt source that the user has installed, run within the worker's limits."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb

from commands import ports
from domain.source_types.native import DltNativeBlock
from infra.loading import showing, told
from infra.loading.pipelines import NAME, Pipeline
from infra.loading.settings import LoadSettings
from infra.loading.staged import Staged
from infra.workers import secrecy
from infra.workers.desk import Desk

if TYPE_CHECKING:
    from dlt.extract import DltSource

FOLDER: Final = "custom_sources"
SAID_CHARS_MAX: Final = 300
# What these can do, types of ours do within bounds: no files of the server, no private hosts.
OURS: Final = {
    "dlt.sources.rest_api": "rest_api",
    "dlt.sources.sql_database": "sql_database",
    "dlt.sources.filesystem": "filesystem",
}


def stage(
    connection: duckdb.DuckDBPyConnection, load: ports.Load, settings: LoadSettings, desk: Desk
) -> Staged:
    """Run the source and stage what it gives."""
    pipeline = Pipeline(connection, load, settings, desk)
    with _importable(load):
        return pipeline.stage(source(load))


def sample(
    connection: duckdb.DuckDBPyConnection, load: ports.Load, settings: LoadSettings, desk: Desk
) -> ports.Sample:
    """Run the source for the first rows of each of its resources."""
    pipeline = Pipeline(connection, load, settings, desk)
    with _importable(load):
        return pipeline.sample(source(load), yields_max=showing.ROWS_SHOWN)


def source(load: ports.Load) -> "DltSource":
    """Import and call the source. Raises WorkRefused."""
    block = told.block(load, DltNativeBlock)
    for module, kind in OURS.items():
        if block.source_module == module or block.source_module.startswith(f"{module}."):
            raise ports.WorkRefused(f"Use the type '{kind}' in the place of {module}.")
    where = f"{block.source_module}.{block.source_function}"
    function = _function(block, where)
    try:
        made = function(**block.function_kwargs)
    except Exception as error:  # noqa: BLE001 - somebody else's code
        raise ports.WorkRefused(f"{where} cannot be called: {_said(error)}") from None
    return _as_source(made, block, where)


def _function(block: DltNativeBlock, where: str) -> Any:
    from dlt.extract.decorators import ResourceFactory
    from dlt.extract.reference import SourceFactory
    from dlt.extract.resource import DltResource

    try:
        module = importlib.import_module(block.source_module)
    except ModuleNotFoundError as missing:
        reason = f"Module '{missing.name}' is not installed in the server's environment."
        raise ports.WorkRefused(reason) from None
    except Exception as error:  # noqa: BLE001 - somebody else's code
        raise ports.WorkRefused(
            f"{block.source_module} cannot be imported: {_said(error)}"
        ) from None
    function = getattr(module, block.source_function, None)
    # Nothing else is called: a module has functions that would do anything.
    if not isinstance(function, SourceFactory | ResourceFactory | DltResource):
        raise ports.WorkRefused(f"{where} is no dlt source or resource.")
    return function


def _as_source(made: Any, block: DltNativeBlock, where: str) -> "DltSource":
    import dlt
    from dlt.extract import DltSource
    from dlt.extract.resource import DltResource

    if isinstance(made, DltResource):
        made = DltSource(dlt.Schema(NAME), NAME, [made])
    if not isinstance(made, DltSource):
        raise ports.WorkRefused(f"{where} gave no dlt source.")
    if block.resources:
        for name in block.resources:
            if name not in made.resources:
                there = ", ".join(sorted(made.resources))
                raise ports.WorkRefused(f"{where} has no resource '{name}'; there are {there}.")
        made = made.with_resources(*block.resources)
    found: DltSource = made
    return found


@contextmanager
def _importable(load: ports.Load) -> Iterator[None]:
    """Find the project's own sources, as they are now: a worker lives longer than a load."""
    folder = Path(load.root) / FOLDER
    if not folder.is_dir():
        yield
        return
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if file is not None and Path(file).is_relative_to(folder):
                del sys.modules[name]


def _said(error: BaseException) -> str:
    said = " ".join(secrecy.hidden(str(error)).split())[:SAID_CHARS_MAX]
    return f"{type(error).__name__}: {said}"
