"""Maintenance that was asked for is carried out, seen, and ended in the log."""

import asyncio

import pytest

from commands.kernel import StorageFull
from commands.policies import tries
from commands.policies.jobs import BUG
from commands.policies.upkeep import UpkeepPolicy
from commands.ports import Maintained, WorkFailed
from commands.upkeep import (
    AbandonMaintenance,
    EndMaintenance,
    RequestMaintenance,
    StartMaintenance,
)
from infra import policies
from infra.policies import Runner
from tests.commands.syncing import ANNA, Unsteady
from tests.core import Core
from tests.patience import until

DONE = Maintained(
    snapshot=9, oldest_snapshot=4, files_merged=2, snapshots_expired=1, files_removed=3
)


class Warehouse:
    """A round lasts until the test says how it ends."""

    def __init__(self):
        self.rounds, self._end = [], None

    async def maintain(self, task, on_progress):
        self.rounds.append(task)
        self._end = asyncio.get_running_loop().create_future()
        return await self._end

    def end(self, result=DONE):
        if isinstance(result, Exception):
            self._end.set_exception(result)
        else:
            self._end.set_result(result)


class Platform:
    def __init__(self, core):
        self.core, self.warehouse, self.bus = core, Warehouse(), Unsteady(core.writer)
        self.policy = UpkeepPolicy(self.bus, self.warehouse, retention_days=30)
        self.runner = Runner(core.log, core.codec, core.writer, [self.policy])

    async def request(self):
        return (await self.core.send(RequestMaintenance(), ANNA)).position

    async def working(self, count=1):
        await until(lambda: count == len(self.warehouse.rounds))

    async def happened(self, *kinds):
        await until(lambda: len(kinds) <= len(self.kinds()))
        assert list(kinds) == self.kinds()

    def kinds(self):
        return [item.type.removeprefix("maintenance_") for item in self.core.stored()]

    def last(self):
        return self.core.stored()[-1].event


@pytest.fixture
def process(tmp_path, monkeypatch):
    """Run a part of a story in a process of its own; without a runner, nobody reacts."""
    monkeypatch.setattr(tries, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(policies, "RETRY_S", 0.01)

    def lived(part, *, failures=(), runs=True):
        async def live():
            async with Core(tmp_path) as core:
                platform = Platform(core)
                platform.bus.failures = list(failures)
                if runs:
                    await platform.runner.start()
                try:
                    return await part(platform)
                finally:
                    await platform.runner.stop()

        return asyncio.run(live())

    return lived


def test_a_round_is_asked_for_started_and_completed(process):
    async def part(platform):
        job = await platform.request()
        await platform.working()
        await platform.happened("requested", "started")
        platform.warehouse.end()
        await platform.happened("requested", "started", "completed")
        return job, platform.last()

    job, event = process(part)

    assert (job, 9, 4, 3) == (
        event.job,
        event.snapshot,
        event.oldest_snapshot,
        event.files_removed,
    )


@pytest.mark.parametrize(
    ("error", "reason"), [(WorkFailed("No memory."), "No memory."), (ZeroDivisionError(), BUG)]
)
def test_a_round_that_fails_says_why(process, error, reason):
    async def part(platform):
        await platform.request()
        await platform.working()
        platform.warehouse.end(error)
        await platform.happened("requested", "started", "failed")
        return platform.last().reason

    assert reason == process(part)


def test_a_request_that_comes_at_the_heels_of_an_ending_is_carried_out(process):
    async def part(platform):
        for count in range(1, 6):
            await platform.request()
            await platform.working(count)
            platform.warehouse.end()
            await until(lambda n=count: n == platform.kinds().count("completed"))
        return platform.kinds()

    assert ["requested", "started", "completed"] * 5 == process(part)


def test_an_ending_that_cannot_be_written_is_shown_and_written_later(process):
    async def part(platform):
        await platform.request()
        await platform.working()
        platform.bus.failures = [(EndMaintenance, StorageFull())] * 3
        platform.warehouse.end()
        await until(platform.runner.problem)
        assert "ending of maintenance 1" in platform.runner.problem()
        await platform.happened("requested", "started", "completed")
        await until(lambda: None is platform.runner.problem())

    process(part)


def test_a_start_that_cannot_be_written_is_written_later(process):
    async def part(platform):
        platform.bus.failures = [(StartMaintenance, StorageFull())] * 3
        await platform.request()
        await platform.working()
        platform.warehouse.end()
        await platform.happened("requested", "started", "completed")

    process(part)


def test_what_was_asked_for_while_nobody_listened_is_carried_out_by_the_next_process(process):
    async def asked(platform):
        await platform.request()

    async def part(platform):
        await platform.working()
        platform.warehouse.end()
        await platform.happened("requested", "started", "completed")

    process(asked, runs=False)
    process(part)


def test_a_round_of_a_process_that_ended_has_failed_before_the_next_one_begins(process):
    async def begun(platform):
        await platform.request()
        await platform.working()

    async def part(platform):
        await until(lambda: "failed" in platform.kinds())
        await platform.request()
        await platform.working()
        return platform.kinds()

    process(begun)
    kinds = process(part, failures=[(AbandonMaintenance, StorageFull())] * 2)

    assert ["requested", "started", "failed", "requested", "started"] == kinds
