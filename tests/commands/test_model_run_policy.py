"""Models that were asked for, or whose source was synced, are built and told in the log."""

import asyncio
import itertools

import pytest

from commands.drift import AcceptDrift
from commands.kernel import StorageFull
from commands.model_runs import CancelModels, EndModels, RequestModels
from commands.modelling import Built, ProjectRead
from commands.policies import model_runs as policy
from commands.policies import tries
from commands.policies.model_runs import BUG
from commands.ports import WorkFailed
from commands.sources import ApplySources
from commands.syncs import CompleteSync, RequestSync, StartSync
from infra import policies
from infra.configuration.project import PlatformBlock
from infra.modelling import wired
from infra.policies import Runner
from tests.commands.syncing import ANNA, Unsteady
from tests.core import Core
from tests.datasets import source, table
from tests.modelled import checked, completed, model
from tests.patience import until

DONE = Built(models=1, tests=0, snapshot=9)
BROKEN = Built(models=1, tests=0, snapshot=9, failed=("daily",), reason="daily: no", file="m.sql")


class Modelling:
    """A run lasts until the test says how it ends."""

    def __init__(self):
        self.laid_out, self.taken_out, self.builds, self.killed = [], [], [], []
        self.documents = self.flood = 0
        self.stale, self.problem, self._end, self.tell = False, None, None, None

    async def lay_out(self, source, description, tables):
        self.laid_out.append((source, description, [each.name for each in tables]))
        if self.problem is not None:
            raise self.problem

    async def take_out(self, source):
        self.taken_out.append(source)
        if self.problem is not None:
            raise self.problem

    async def build(self, build, on_building):
        self.builds.append(build)
        self.tell = on_building
        self._end = asyncio.get_running_loop().create_future()
        for _ in range(self.flood):
            on_building(completed(build.job))
        try:
            return await self._end
        except asyncio.CancelledError:
            self.killed.append(build.job)
            raise

    async def document(self):
        self.documents += 1

    async def documented(self):
        return not self.stale

    def end(self, result=DONE):
        if isinstance(result, Exception):
            self._end.set_exception(result)
        else:
            self._end.set_result(result)


class Platform:
    def __init__(self, core, **settings):
        self.core, self.modelling, self.bus = core, Modelling(), Unsteady(core.writer)
        platform = PlatformBlock(dbt_coalesce_seconds=0, **settings)
        self.policy = wired.policy(self.bus, self.modelling, core.views, self._request, platform)
        self.policy._monotonic = itertools.count(step=2).__next__
        self.runner = Runner(core.log, core.codec, core.writer, [self.policy])

    async def request(self, **fields):
        return (await self.core.send(RequestModels(**fields), ANNA)).position

    async def sync(self, *names):
        """A job of syncs; what it brings is told by `synced`."""
        wanted = tuple(source(name, description=f"what {name} are") for name in names)
        await self.core.send(ApplySources(sources=wanted))
        job = (await self.core.send(RequestSync(sources=names), ANNA)).position
        for name in names:
            await self.core.send(StartSync(source=name, job=job, schema=f"raw_{name}", table=name))
        return job

    async def synced(self, job, name):
        command = CompleteSync(source=name, job=job, rows=3, tables=(table(name),), snapshot=job)
        await self.core.send(command)

    async def building(self, count=1):
        await until(lambda: count == len(self.modelling.builds))
        await until(lambda: self.modelling._end is not None and not self.modelling._end.done())

    async def happened(self, *types):
        await until(lambda: len(types) <= len(self.types()))
        assert list(types) == self.types()

    def types(self):
        return [i.type for i in self.core.stored() if i.type.startswith("model")]

    def last(self):
        return self.core.stored()[-1].event

    def _request(self, job):
        (at, kind, _, data), _ = self.core.log.at(job)
        return self.core.codec.open(at, kind, data)


@pytest.fixture
def process(tmp_path, monkeypatch):
    """Run a part of a story in a process of its own."""
    monkeypatch.setattr(tries, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(policies, "RETRY_S", 0.01)
    monkeypatch.setattr(policy, "DOCUMENT_PAUSE_S", 0.01)
    monkeypatch.setattr(policy, "SYNC_POLL_S", 0.01)

    def lived(part, *, failures=(), runs=True, stale=False, **settings):
        async def live():
            async with Core(tmp_path) as core:
                platform = Platform(core, **settings)
                platform.bus.failures, platform.modelling.stale = list(failures), stale
                if runs:
                    await platform.runner.start()
                try:
                    return await part(platform)
                finally:
                    await platform.runner.stop()

        return asyncio.run(live())

    return lived


def test_a_run_that_tells_more_than_can_be_written_is_stopped_and_what_it_told_is_kept(
    process, monkeypatch
):
    monkeypatch.setattr(policy, "TOLD_MAX", 3)

    async def part(platform):
        platform.modelling.flood = 4
        await platform.request()
        await until(lambda: "models_run_failed" in platform.types())
        platform.modelling.flood = 0
        await platform.request()
        await platform.building(2)
        platform.modelling.end()
        await until(lambda: "models_built" in platform.types())
        return platform.types(), platform.core.stored()

    types, stored = process(part)
    (failed,) = [each.event for each in stored if each.type == "models_run_failed"]

    assert policy.UNTOLD == failed.reason
    assert types.index("model_completed") < types.index("models_run_failed")


def test_a_run_is_told_in_the_log_as_it_goes_on(process):
    async def part(platform):
        job = await platform.request()
        await platform.building()
        platform.modelling.tell(ProjectRead(models=(model(),)))
        platform.modelling.tell(completed(job))
        platform.modelling.tell(checked(job, "daily", "pass"))
        await platform.happened(
            "models_run_requested",
            "models_run_started",
            "model_registered",
            "model_completed",
            "model_tested",
        )
        platform.modelling.end()
        await until(lambda: "models_built" in platform.types())
        await until(lambda: platform.modelling.documents)
        return job, platform.last(), platform.core.stored()

    job, event, stored = process(part)

    assert (job, 1, 9, 2.0) == (event.job, event.models, event.snapshot, event.duration_s)
    assert {"her request"} == {each.correlation for each in stored}


@pytest.mark.parametrize(
    ("result", "reason", "failed"),
    [
        (BROKEN, "daily: no", ("daily",)),
        (WorkFailed("No memory."), "No memory.", ()),
        (ZeroDivisionError(), BUG, ()),
    ],
)
def test_a_run_that_fails_says_why(process, result, reason, failed):
    async def part(platform):
        await platform.request()
        await platform.building()
        platform.modelling.end(result)
        await platform.happened("models_run_requested", "models_run_started", "models_run_failed")
        return platform.last()

    event = process(part)

    assert (reason, failed) == (event.reason, event.failed)


def test_a_sync_lays_out_its_source_and_builds_what_comes_from_it(process):
    async def part(platform):
        job = await platform.sync("orders")
        await platform.synced(job, "orders")
        await platform.building()
        build = platform.modelling.builds[0]
        platform.modelling.end()
        await platform.happened("models_run_requested", "models_run_started", "models_built")
        return platform.modelling.laid_out, build

    laid_out, build = process(part)

    assert [("orders", "what orders are", ["orders"])] == laid_out
    assert (("orders",), {"raw_orders": "orders"}) == (build.sources, build.schemas)


def test_the_sources_of_one_sync_lead_to_one_run_when_all_are_there(process):
    async def part(platform):
        job = await platform.sync("orders", "users")
        await platform.synced(job, "orders")
        await platform.happened("models_run_requested")
        await asyncio.sleep(0.05)
        assert [] == platform.modelling.builds
        await platform.synced(job, "users")
        await platform.building()
        return platform.modelling.builds[0]

    assert ("orders", "users") == process(part).sources


def test_without_auto_dbt_a_sync_leads_to_no_run(process):
    async def part(platform):
        await platform.synced(await platform.sync("orders"), "orders")
        await until(lambda: platform.modelling.laid_out)
        await platform.request()
        await platform.building()
        return platform.types()

    assert ["models_run_requested", "models_run_started"] == process(part, auto_dbt=False)


def test_a_project_that_cannot_be_laid_out_does_not_hold_up_the_run(process):
    async def part(platform):
        platform.modelling.problem = WorkFailed("models/a.yml cannot be read.")
        await platform.synced(await platform.sync("orders"), "orders")
        await platform.building()

    process(part)


def test_what_was_laid_out_for_a_source_goes_with_it(process):
    async def part(platform):
        platform.modelling.problem = WorkFailed("models/a.yml cannot be read.")
        job = await platform.sync("orders", "users")
        await platform.core.send(ApplySources(sources=(source("users"),)))
        await platform.synced(job, "orders")  # its sync ends behind it
        await platform.synced(job, "users")
        await platform.building()
        modelling = platform.modelling
        return modelling.taken_out, [name for name, *_ in modelling.laid_out], modelling.builds

    taken_out, laid_out, (build,) = process(part)

    assert (["orders"], ["users"]) == (taken_out, laid_out)
    assert ("users",) == build.sources


def test_what_waits_is_built_when_the_run_before_has_ended(process):
    async def part(platform):
        await platform.request()
        await platform.building()
        await platform.synced(await platform.sync("orders"), "orders")
        await until(lambda: platform.types().count("models_run_requested") == 2)
        platform.modelling.end()
        await platform.building(2)
        return [build.sources for build in platform.modelling.builds]

    assert [(), ("orders",)] == process(part)


def test_a_run_that_is_cancelled_loses_its_worker(process):
    async def part(platform):
        job = await platform.request()
        await platform.building()
        await platform.core.send(CancelModels(job=job), ANNA)
        await platform.happened(
            "models_run_requested",
            "models_run_started",
            "models_run_cancel_requested",
            "models_run_cancelled",
        )
        return job, platform.modelling.killed

    job, killed = process(part)

    assert [job] == killed


def test_an_ending_that_cannot_be_written_is_sent_again(process):
    async def part(platform):
        await platform.request()
        await platform.building()
        platform.modelling.end()
        await platform.happened("models_run_requested", "models_run_started", "models_built")

    process(part, failures=[(EndModels, StorageFull())] * 2)


def test_a_run_of_a_process_that_ended_was_interrupted_and_one_that_waited_is_begun(process):
    async def begun(platform):
        await platform.request()
        await platform.building()
        await platform.synced(await platform.sync("orders"), "orders")
        await until(lambda: platform.types().count("models_run_requested") == 2)

    async def part(platform):
        await platform.building()
        return platform.types(), platform.modelling.builds[0].sources

    process(begun)
    types, sources = process(part)

    assert "models_run_interrupted" in types
    assert ("orders",) == sources


def test_documents_that_a_process_did_not_come_to_are_made_by_the_next_one(process):
    async def part(platform):
        await until(lambda: platform.modelling.documents)

    process(part, stale=True)


def test_models_are_held_back_until_drift_is_accepted_and_then_built(process):
    async def part(platform):
        await platform.synced(await platform.sync("orders"), "orders")
        await platform.building()
        platform.modelling.end()
        job = await platform.sync("orders")
        other = CompleteSync(
            source="orders", job=job, rows=3, tables=(table("other"),), snapshot=job
        )
        await platform.core.send(other)
        await platform.building(2)
        platform.modelling.end()
        await platform.core.send(AcceptDrift(source="orders"), ANNA)
        await platform.building(3)
        platform.modelling.end()
        return platform.modelling.builds

    builds = process(part)

    assert [(), ("orders",), ()] == [build.held for build in builds]
    assert ("orders",) == builds[2].sources
