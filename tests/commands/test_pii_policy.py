"""What is published is scanned; scans that were left are begun anew; endings are told."""

import asyncio

from commands.inspecting import Inspected
from commands.kernel import Origin
from commands.pii import RequestPiiScan
from commands.policies.jobs import BUG
from commands.policies.pii import PiiPolicy
from commands.ports import WorkFailed
from commands.sources import ApplySources
from commands.syncs import CompleteSync, RequestSync, StartSync
from domain.datasets import Column, Table
from domain.pii import Finding
from infra.policies import Runner
from projections import pii
from tests.core import Core
from tests.datasets import source
from tests.patience import until

ORIGIN = Origin(actor="user:anna", via="session:s1", correlation="her request")


class Warehouse:
    """A look lasts until the test says how it ends."""

    def __init__(self):
        self.tasks, self._end = [], None

    async def inspect(self, task):
        self.tasks.append(task)
        self._end = asyncio.get_running_loop().create_future()
        return await self._end

    def end(self, result=None):
        if isinstance(result, Exception):
            self._end.set_exception(result)
        else:
            tables = self.tasks[-1].tables
            first = tables[0]
            finding = Finding(
                schema=first.schema, table=first.table, column=first.columns[0].name,
                kind="EMAIL_ADDRESS", confidence=0.9, samples=3,
            )  # fmt: skip
            self._end.set_result(Inspected(findings=(finding,), tables=tables))


class Platform:
    def __init__(self, core):
        self.core, self.warehouse = core, Warehouse()
        self.policy = PiiPolicy(
            core.writer,
            self.warehouse,
            request=lambda job: next(i for i in core.stored() if i.position == job),
            open_scans=lambda: pii.open_scans(core.views.current),
            clock=core.clock,
        )
        self.runner = Runner(core.log, core.codec, core.writer, [self.policy])

    async def publish(self, *names):
        send = self.core.writer.send
        job = (await send(RequestSync(sources=("orders",)), ORIGIN)).position
        start = StartSync(source="orders", job=job, schema="raw_orders", table="orders")
        await send(start, ORIGIN)
        columns = tuple(Column(name=name, type="VARCHAR") for name in names)
        table = Table(schema="raw_orders", name="orders", row_count=3, columns=columns)
        done = CompleteSync(source="orders", job=job, rows=3, tables=(table,), snapshot=job)
        await send(done, ORIGIN)

    async def looking(self, count=1):
        await until(lambda: count == len(self.warehouse.tasks))

    def happened(self):
        return [item.type for item in self.core.stored() if item.type.startswith("pii_")]


def story(told):
    def test(tmp_path):
        async def live():
            async with Core(tmp_path) as core:
                await core.writer.send(ApplySources(sources=(source("orders"),)), ORIGIN)
                platform = Platform(core)
                await platform.runner.start()
                try:
                    await told(platform)
                finally:
                    await platform.runner.stop()

        asyncio.run(live())

    test.__doc__ = told.__doc__
    return test


@story
async def test_what_is_published_is_looked_through(platform):
    await platform.publish("email")
    await platform.looking()
    platform.warehouse.end()
    await until(lambda: ["pii_scan_requested", "pii_scanned"] == platform.happened())

    ended = platform.core.stored()[-1]
    assert ("policy:pii", "her request") == (ended.actor, ended.correlation)


@story
async def test_what_comes_while_a_scan_goes_on_is_looked_at_afterwards(platform):
    await platform.publish("email")
    await platform.looking()
    await platform.publish("email", "phone")
    platform.warehouse.end()
    await platform.looking(2)
    platform.warehouse.end()
    await until(lambda: 4 == len(platform.happened()))

    names = [column.name for column in platform.warehouse.tasks[1].tables[0].columns]
    assert ["phone"] == names


@story
async def test_a_scan_that_cannot_be_finished_ends_with_its_reason(platform):
    await platform.publish("email")
    await platform.looking()
    platform.warehouse.end(WorkFailed("The worker ran out of memory."))
    await until(lambda: "pii_scan_failed" in platform.happened())
    assert "The worker ran out of memory." == platform.core.stored()[-1].event.reason
    again = RequestPiiScan(source="orders", at=platform.core.clock(), wanted=True)
    await platform.core.writer.send(again, ORIGIN)
    await platform.looking(2)
    platform.warehouse.end(ValueError("a bug"))
    await until(lambda: 2 == platform.happened().count("pii_scan_failed"))

    assert BUG == platform.core.stored()[-1].event.reason


@story
async def test_a_scan_of_a_dead_process_is_begun_anew(platform):
    await platform.publish("email")
    await platform.looking()
    await platform.runner.stop()
    after = Platform(platform.core)
    await after.runner.start()
    await after.looking()
    after.warehouse.end()
    await until(lambda: ["pii_scan_requested", "pii_scanned"] == after.happened())
    await after.runner.stop()
