"""The warehouse port over the worker pool, for the server process."""

import asyncio
from typing import TypeVar

import msgspec

from commands import inspecting, ports, profiling
from domain.datasets import Table
from infra.loading import requests as loading
from infra.warehouse import requests
from infra.warehouse.settings import Settings
from infra.workers.kinds import KINDS, Kind
from infra.workers.pool import Pool

T = TypeVar("T")

LISTING_DEADLINE_S = 120.0
CREATE_DEADLINE_S = 60.0
FIND_DEADLINE_S = 120.0
CHANGES_DEADLINE_S = 60.0
SAMPLE_DEADLINE_S = 120.0
CHECK_DEADLINE_S = 60.0
FILES_DEADLINE_S = 30.0
INSPECT_DEADLINE_S = 600.0
PROFILE_DEADLINE_S = 300.0
# Kinds that open the warehouse.
USERS = frozenset(("dbt", "load", "fetch", "query", "inspect", "warehouse"))
LOADING = frozenset(("load", "fetch"))
# Types that are read without the network.
FILES = frozenset(("csv", "local_files", "duckdb", "sqlite"))


def write_lease(settings: Settings) -> asyncio.Lock | None:
    """Give the lease that the pool hands to its writers; PostgreSQL needs none."""
    return asyncio.Lock() if settings.embedded else None


class LakeWarehouse:
    """Implements `commands.ports.Warehouse`; every call is one task of a child process."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        self._settings = settings

    async def create(self) -> None:
        """Make the warehouse when it is not there yet."""
        await self._pool.run(
            "warehouse",
            requests.Create(),
            deadline_s=CREATE_DEADLINE_S,
            result_type=type(None),
        )

    async def load(self, load: ports.Load, on_progress: ports.OnProgress) -> ports.Loaded:
        """Bring what a source holds into its tables."""
        return await self._pool.run(
            _kind(load),
            loading.Load(load),
            deadline_s=self._settings.load_deadline_s,
            on_progress=on_progress,
            result_type=ports.Loaded,
        )

    async def sample(self, load: ports.Load) -> ports.Sample:
        """Show the first rows of a source."""
        return await self._pool.run(
            _kind(load),
            loading.Sample(load),
            deadline_s=SAMPLE_DEADLINE_S,
            result_type=ports.Sample,
        )

    async def check(self, check: ports.Check) -> None:
        """Read a file that is handed in."""
        await self._pool.run(
            "load",
            loading.Check(check),
            deadline_s=CHECK_DEADLINE_S,
            result_type=type(None),
        )

    async def files(self, source: str) -> tuple[ports.LoadedFile, ...]:
        """List the files whose rows a source's tables hold."""
        return await self._pool.run(
            "warehouse",
            requests.Files(source),
            deadline_s=FILES_DEADLINE_S,
            result_type=tuple[ports.LoadedFile, ...],
        )

    async def published(self, target: ports.Target) -> ports.Published | None:
        """Look for the commit of a load, whose worker may be dying still."""
        return await self._pool.run(
            "warehouse",
            requests.Find(target),
            deadline_s=FIND_DEADLINE_S,
            result_type=ports.Published | None,  # type: ignore[arg-type]
        )

    async def changes(self, asked: ports.ChangesOf) -> ports.Changes:
        """Show the rows that a run changed."""
        return await self._pool.run(
            "warehouse",
            requests.ChangesOf(asked),
            deadline_s=CHANGES_DEADLINE_S,
            result_type=ports.Changes,
        )

    async def query(self, query: ports.Query, deadline_s: float) -> ports.Queried:
        """Run one read-only statement."""
        return await self._pool.run(
            "query",
            query,
            deadline_s=deadline_s,
            result_type=ports.Queried,
        )

    async def inspect(self, task: inspecting.Inspect) -> inspecting.Inspected:
        """Look through columns for personal data."""
        return await self._inspected(task, inspecting.Inspected)

    async def measure(self, task: inspecting.Measure) -> inspecting.Measured:
        """Ask for the numbers of monitors."""
        return await self._inspected(task, inspecting.Measured)

    async def drill_down(self, task: inspecting.DrillDown) -> inspecting.DrilledDown:
        """Tell which parts of a table changed."""
        return await self._inspected(task, inspecting.DrilledDown)

    async def profile(self, task: profiling.Profile) -> profiling.TableProfile:
        """Count through a table."""
        return await self._inspected(task, profiling.TableProfile, PROFILE_DEADLINE_S)

    async def maintain(
        self,
        maintain: ports.Maintain,
        on_progress: ports.OnProgress,
    ) -> ports.Maintained:
        """Do one round of upkeep."""
        return await self._pool.run(
            "warehouse",
            requests.Upkeep(maintain),
            deadline_s=self._settings.maintain_deadline_s,
            on_progress=on_progress,
            result_type=ports.Maintained,
        )

    async def tables(self) -> tuple[Table, ...]:
        """List every table with its columns and its number of rows."""
        return await self._pool.run(
            "warehouse",
            requests.Listing(),
            deadline_s=LISTING_DEADLINE_S,
            result_type=tuple[Table, ...],
        )

    async def _inspected(
        self, task: msgspec.Struct, result_type: type[T], deadline_s: float = INSPECT_DEADLINE_S
    ) -> T:
        return await self._pool.run("inspect", task, deadline_s=deadline_s, result_type=result_type)


def _kind(load: ports.Load) -> str:
    return "load" if load.type in FILES else "fetch"


def kinds(settings: Settings) -> tuple[Kind, ...]:
    """Give the table of kinds as the settings want them.

    With the network for those that need it to reach the warehouse.
    """
    return tuple(_as_wanted(kind, settings) for kind in KINDS)


def _as_wanted(kind: Kind, settings: Settings) -> Kind:
    if kind.name in LOADING:
        kind = msgspec.structs.replace(kind, concurrency_max=settings.loads_max)
    if kind.name in USERS:
        kind = msgspec.structs.replace(kind, network=kind.network or settings.remote)
    return kind


def encoded(settings: msgspec.Struct | None) -> msgspec.Raw:
    """Encode a kind's settings, None where it has none, for its start message."""
    return msgspec.Raw(msgspec.json.encode(settings))
