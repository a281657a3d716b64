"""Processes that carry syncs out, over a warehouse that does what the test says."""

import asyncio
import itertools

from commands.kernel import Origin
from commands.policies.runs import OpenRun
from commands.policies.syncs import SyncPolicy
from commands.ports import Loaded, Progress
from commands.syncs import CancelSync, RequestSync
from infra.policies import Runner
from projections import sources, syncs
from tests.datasets import source, table
from tests.patience import until

LOADED = Loaded(rows=3, tables=(table(),), files=(), snapshot=12)
ANNA = Origin(actor="user:anna", via="session:s1", correlation="her request")
THREE = tuple(source(name) for name in ("orders", "users", "items"))


class Warehouse:
    """Loads wait until the test says how they end."""

    def __init__(self):
        self.loads, self.killed, self._ends = [], [], {}
        self.commits, self.asked, self.silences = {}, [], []

    async def load(self, load, on_progress):
        self.loads.append(load)
        self._ends[load.source] = asyncio.get_running_loop().create_future()
        on_progress(Progress(phase="reading", done=1, total=2))
        try:
            return await self._ends[load.source]
        except asyncio.CancelledError:
            self.killed.append(load.source)
            raise

    async def published(self, target):
        self.asked.append(target)
        if self.silences:
            raise self.silences.pop(0)
        return self.commits.get((target.job, target.source))

    def end(self, name="orders", result=LOADED):
        if isinstance(result, Exception):
            self._ends[name].set_exception(result)
        else:
            self._ends[name].set_result(result)

    @property
    def loading(self):
        return [load.source for load in self.loads if not self._ends[load.source].done()]


class Unsteady:
    """A bus that fails, once for each failure that is planned for a command's type."""

    def __init__(self, bus):
        self.bus, self.failures = bus, []

    async def send(self, command, origin):
        for planned in self.failures:
            if planned[0] is type(command):
                self.failures.remove(planned)
                raise planned[1]
        return await self.bus.send(command, origin)


class Platform:
    """One process: core, policy and runner, from its start to its end."""

    def __init__(self, core, parallel, warehouse=None):
        self.core, self.warehouse, self.bus = core, warehouse or Warehouse(), Unsteady(core.writer)
        self.paused = []
        self.policy = SyncPolicy(
            self.bus,
            self.warehouse,
            source=self._source,
            root="/project",
            secrets={},
            wait=self._pause,
            request=self._request,
            open_runs=self._open_runs,
            monotonic=itertools.count(step=2).__next__,
            parallel=parallel,
        )
        self.runner = Runner(core.log, core.codec, core.writer, [self.policy])

    async def request(self, *names, **fields):
        command = RequestSync(sources=names or ("orders",), **fields)
        return (await self.core.send(command, ANNA)).position

    async def cancel(self, job, *names):
        await self.core.send(CancelSync(sources=names or ("orders",), job=job), ANNA)

    async def loading(self, *names):
        await until(lambda: list(names) == self.warehouse.loading)

    async def happened(self, *types):
        """Wait until the log says these about syncs, and nothing else."""
        await until(lambda: len(types) <= len(self.types()))
        assert list(types) == self.types()

    def types(self):
        return [i.type for i in self.core.stored() if i.type.startswith("sync_")]

    def last(self):
        return self.core.stored()[-1]

    async def _pause(self, seconds):
        self.paused.append(seconds)

    def _source(self, name):
        found = sources.one(self.core.views.current, name)
        return found.config if found else None

    def _request(self, job):
        (at, kind, _, data), _ = self.core.log.at(job)
        return self.core.codec.open(at, kind, data)

    def _open_runs(self):
        unended = syncs.unended(self.core.views.current)
        return [
            OpenRun(run.job, run.source, run.status == "running", run.schema_name, run.table_name)
            for run in unended
        ]
