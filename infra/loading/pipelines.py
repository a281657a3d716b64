"""dlt's extract and normalize, without its load: what comes out is staged and published as ours.

dlt follows pages, keeps cursors, finds types and makes tables of nested lists. It works in a folder
of its own inside the worker's, which is gone when the load ends: what it wrote there may hold rows
and, in its traces, settings. Its state is kept with the warehouse instead.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
import msgspec

from commands import ports
from infra.loading import showing, state
from infra.loading import staged as staging
from infra.loading.settings import LoadSettings
from infra.loading.staged import Staged, StagedTable
from infra.warehouse import temporary
from infra.warehouse.quoting import identifier, literal
from infra.workers import secrecy
from infra.workers.desk import Desk

if TYPE_CHECKING:
    import dlt
    from dlt.extract import DltSource

NAME: Final = "source"  # of every pipeline and schema: state is kept by it
# Its row ids are made from the keys, so that a row's lists are found again when it is merged.
MERGE: Final[dict[str, str]] = {"disposition": "merge", "strategy": "upsert"}
DESTINATION: Final = "duckdb"  # never opened; dlt asks what types and names are allowed
ROW_ID, LOAD_ID = "_dlt_id", "_dlt_load_id"
OWN: Final = "_dlt"  # dlt's own tables
SAID_CHARS_MAX: Final = 300
_PHASES: Final = {"Extract": "fetching", "Normalize": "preparing"}
_COUNTERS: Final = frozenset(("Resources", "Files", "Items"))  # dlt's own, beside tables
SAMPLE_S: Final = 30  # how long one resource is looked at


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """What the run before left: dlt's state, and which tables came out of which."""

    dlt: dict[str, Any] = {}
    tables: dict[str, tuple[str, ...]] = {}


class Pipeline:
    """One load by way of dlt."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        load: ports.Load,
        settings: LoadSettings,
        desk: Desk,
    ) -> None:
        self._connection = connection
        self._load = load
        self._settings = settings
        self._desk = desk
        told = {} if load.full_refresh else state.read(connection, load.source).cursors
        self.before = msgspec.convert(told, Before)

    def stage(self, source: "DltSource", *, forget: Sequence[str] = ()) -> Staged:
        """Fetch everything and stage it. `forget`: resources whose cursors do not count."""
        with _folder(self._settings) as folder:
            made, packages = self._extracted(source, folder, forget)
            tables = tuple(self._tables(made, packages))
            known = dict(self.before.tables)
            parents = _parents(made)
            for name in parents:
                root = _root(name, parents)
                known[root] = tuple(dict.fromkeys((*known.get(root, ()), name)))
            kept = Before(dlt=_plain(made), tables=known)
        return Staged(tables=tables, state=msgspec.to_builtins(kept))

    def sample(self, source: "DltSource", *, yields_max: int = 1) -> ports.Sample:
        """Fetch the first yields, as a rule pages, of each resource; the first table's first rows.

        Cursors of earlier runs do not count: what a source holds is to be seen.
        """
        self.before = Before()
        limited = source.add_limit(yields_max, max_time=SAMPLE_S)
        with _folder(self._settings) as folder:
            made, packages = self._extracted(limited, folder, ())
            names = [name for name in packages if "parent" not in made.default_schema.tables[name]]
            notes = tuple(f"{name}: no rows" for name in source.resources if name not in packages)
            if not names:
                return ports.Sample(columns=(), rows=(), notes=notes)
            more = tuple(f"{name}: answers too" for name in names[1:])
            select = _select(packages[names[0]], made.default_schema.tables[names[0]])
            return showing.first_rows(self._connection, select, (*more, *notes))

    def _extracted(
        self, source: "DltSource", folder: Path, forget: Sequence[str]
    ) -> "tuple[dlt.Pipeline, dict[str, list[str]]]":
        """Run dlt in a folder; the Parquet files of each table that it made."""
        import dlt

        made = dlt.pipeline(
            NAME,
            pipelines_dir=str(folder),
            destination=DESTINATION,
            dataset_name=NAME,
            progress=_frames(self._desk),
        )
        if self.before.dlt:
            with made.managed_state() as kept:
                kept["sources"] = _without(_typed(self.before.dlt), forget)
        try:
            made.extract(source, loader_file_format="parquet")
            made.normalize()
        except Exception as error:
            raise failure(error) from error
        packages: dict[str, list[str]] = {}
        for path in sorted(folder.glob(f"{NAME}/load/normalized/*/new_jobs/*.parquet")):
            name = path.name.partition(".")[0]
            if not name.startswith(OWN):
                packages.setdefault(name, []).append(str(path))
        return made, packages

    def _tables(
        self, made: "dlt.Pipeline", packages: Mapping[str, list[str]]
    ) -> Iterator[StagedTable]:
        tables = made.default_schema.tables
        parents = _parents(made)
        known = {child: root for root, names in self.before.tables.items() for child in names}
        known |= {name: _root(name, parents) for name in parents}
        done: list[str] = []
        try:
            for name in dict.fromkeys((*packages, *tables, *known)):
                root = known.get(name, name)
                if name.startswith(OWN) or root not in tables:
                    continue
                staged = StagedTable(name=name, columns=(), empty="The API gave no rows")
                if name in packages:
                    staged = self._copied(name, _select(packages[name], tables[name]))
                    done += staged.paths
                write = self._write(tables[root])
                if name == root:
                    yield msgspec.structs.replace(staged, write=write, keys=_keys(tables[name]))
                elif name in packages or root in packages:
                    owners = self._owners(name, packages[root]) if write == "merge" else ""
                    done += [owners] if owners else []
                    write = "append" if write == "merge" else write
                    yield msgspec.structs.replace(staged, write=write, owners=owners, follows=True)
        except BaseException:
            staging.discard(done)
            raise

    def _copied(self, name: str, select: str) -> StagedTable:
        return staging.copy(self._connection, self._load, self._settings, name, select)

    def _owners(self, name: str, paths: Sequence[str]) -> str:
        """The ids of the rows whose lists come anew."""
        select = f"SELECT {ROW_ID} AS {staging.OWNER} FROM {_read(paths)}"  # noqa: S608 - quoted
        return self._copied(name, select).paths[0]

    def _write(self, table: Mapping[str, Any]) -> str:
        if self._load.full_refresh:
            return "replace"
        return str(table.get("write_disposition") or "append")


def failure(error: BaseException) -> ports.WorkFailed:
    """Find what went wrong behind the errors that dlt wraps around it."""
    seen: BaseException | None = error
    deepest: BaseException = error
    while seen is not None:
        if isinstance(seen, ports.WorkFailed):
            return seen
        deepest = seen
        seen = seen.__cause__ or seen.__context__
    if type(deepest).__name__ == "JSONDecodeError":  # each library has its own
        reason = "The API does not answer with JSON: is the source's address that of an API?"
        return ports.WorkRefused(f"{reason} Check base_url and each endpoint's path.")
    said = " ".join(secrecy.hidden(str(deepest)).split())[:SAID_CHARS_MAX]
    return ports.WorkFailed(f"The rows could not be fetched: {type(deepest).__name__}: {said}")


@contextmanager
def _folder(settings: LoadSettings) -> Iterator[Path]:
    """A folder for dlt, where it finds no settings of other projects."""
    own = temporary.own_folder(settings.warehouse)
    with tempfile.TemporaryDirectory(prefix="dlt-", dir=own) as folder:
        os.environ |= {
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "RUNTIME__LOG_LEVEL": "CRITICAL",  # its lines may hold rows and addresses
            "DLT_DATA_DIR": folder,
            "DLT_PROJECT_DIR": folder,
        }
        yield Path(folder)


def _frames(desk: Desk) -> Any:
    from dlt.common.runtime.collector_base import Collector

    class Frames(Collector):
        """Shows how many rows have come."""

        rows = 0

        def update(self, name: str, inc: int = 1, *_: Any, **more: Any) -> None:
            if name.startswith(OWN) or name in _COUNTERS or more.get("label"):
                return
            self.rows += inc
            phase = _PHASES.get(self.step.split()[0], "fetching")
            desk.progress(ports.Progress(phase=f"{phase}: {name}", done=self.rows))

        def _start(self, step: str) -> None:
            self.step, self.rows = step, 0

        def _stop(self) -> None:
            self.rows = 0

    return Frames()


def _parents(made: "dlt.Pipeline") -> dict[str, str]:
    """Each table that came out of another one's lists, with that one."""
    tables = made.default_schema.tables
    found = ((name, table.get("parent")) for name, table in tables.items())
    return {name: parent for name, parent in found if parent}


def _root(name: str, parents: Mapping[str, str]) -> str:
    while name in parents:
        name = parents[name]
    return name


def _keys(table: Mapping[str, Any]) -> tuple[str, ...]:
    columns = table["columns"].items()
    for hint in ("primary_key", "merge_key"):
        if found := tuple(name for name, column in columns if column.get(hint)):
            return found
    return ()


def _select(paths: Sequence[str], table: Mapping[str, Any]) -> str:
    """Read a table's files, in the order of its columns."""
    seen = [
        identifier(name)
        for name, column in table["columns"].items()
        if name != LOAD_ID and column.get("data_type")
    ]
    return f"SELECT {', '.join(seen)} FROM {_read(paths)}"  # noqa: S608 - quoted


def _read(paths: Sequence[str]) -> str:
    return f"read_parquet([{', '.join(map(literal, paths))}], union_by_name = true)"


def _plain(made: "dlt.Pipeline") -> dict[str, Any]:
    """Dlt's cursors as plain JSON; points in time keep their types in it."""
    from dlt.common.json import json

    kept: dict[str, Any] = msgspec.json.decode(json.typed_dumpb(made.state.get("sources", {})))
    return kept


def _typed(kept: dict[str, Any]) -> dict[str, Any]:
    from dlt.common.json import json

    found: dict[str, Any] = json.typed_loadb(msgspec.json.encode(kept))
    return found


def _without(sources: dict[str, Any], resources: Sequence[str]) -> dict[str, Any]:
    for one in sources.values():
        for name in resources:
            one.get("resources", {}).pop(name, None)
    return sources
