"""What is published is measured and judged; what was left is begun anew; endings are told."""

import asyncio

from commands.inspecting import DrilledDown, Measured, Reading
from commands.monitors import ApplyMonitors
from commands.policies.monitors import BUG
from commands.ports import WorkFailed
from commands.sources import ApplySources
from commands.syncs import CompleteSync, RequestSync, StartSync
from domain.monitor_runs import Part
from domain.monitors import Monitor
from infra.inspecting import wired
from infra.policies import Runner
from projections import monitors
from tests.core import ORIGIN, Core
from tests.datasets import source, table
from tests.patience import until

TURNOVER = Monitor(
    name="turnover",
    source_table="raw_orders.orders",
    value_expression="sum(amount)",
    drill_down=("region", "email"),
)
RUN = "monitor_run_completed"


class Warehouse:
    """Numbers are what the test says."""

    def __init__(self):
        self.values, self.drilled, self.snapshot = {}, [], 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def measure(self, task):
        await self.gate.wait()
        if isinstance(self.values, Exception):
            raise self.values
        self.snapshot += 1
        known = [Reading(monitor=m.name, value=self.values.get(m.name, 3.0)) for m in task.monitors]
        return Measured(snapshot=self.snapshot, readings=tuple(known))

    async def drill_down(self, task):
        self.drilled.append(task)
        part = Part(column="region", key="north", now=0.0, before=100.0, share=1.0)
        return DrilledDown(parts=(part,))


class Platform:
    def __init__(self, core, warehouse=None):
        self.core, self.warehouse = core, warehouse or Warehouse()

        def request(job):
            return next(item for item in core.stored() if item.position == job)

        self.policy = wired.monitoring(core.writer, self.warehouse, core.views, request, core.clock)
        self.runner = Runner(core.log, core.codec, core.writer, [self.policy])

    async def publish(self):
        send = self.core.send
        job = (await send(RequestSync(sources=("orders",)))).position
        await send(StartSync(source="orders", job=job, schema="raw_orders", table="orders"))
        tables = (table(),)
        await send(CompleteSync(source="orders", job=job, rows=3, tables=tables, snapshot=job))

    async def ran(self, count):
        await until(lambda: count == self.happened().count(RUN))

    def happened(self):
        return [item.type for item in self.core.stored() if item.type.startswith("monitor_")]

    def last(self, monitor):
        known = monitors.every(self.core.views.current)
        return next(each.result for each in known if each.config.name == monitor)


def story(told):
    def test(tmp_path):
        async def live():
            async with Core(tmp_path) as core:
                await core.send(ApplySources(sources=(source("orders"),)))
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
async def test_each_table_of_a_source_has_its_rows_counted_without_being_asked(platform):
    await platform.publish()
    await platform.ran(1)

    told = ["monitor_run_requested", "monitor_evaluated", RUN]
    assert told == platform.happened()
    (watched,) = monitors.every(platform.core.views.current)
    assert ("orders_orders_row_count", 3.0, "no_baseline") == (
        watched.config.name,
        watched.result.value,
        watched.result.verdict,
    )
    ended = platform.core.stored()[-1]
    assert ("policy:monitors", ORIGIN.correlation) == (ended.actor, ended.correlation)


@story
async def test_an_anomaly_is_an_alert_once_and_says_where_it_comes_from(platform):
    await platform.core.send(ApplyMonitors(monitors=(TURNOVER,)))
    for day in range(10):
        platform.warehouse.values = {"turnover": 100.0 + day % 2}
        await platform.publish()
        await platform.ran(day + 1)
        platform.core.clock.forward(days=1)
    assert "normal" == platform.last("turnover").verdict
    for count in (11, 12):
        platform.warehouse.values = {"turnover": 0.0}
        await platform.publish()
        await platform.ran(count)

    alerts = [
        item.event
        for item in platform.core.stored()
        if item.type == "monitor_evaluated" and item.event.verdict == "alert"
    ]
    assert [True, False] == [each.raised for each in alerts]
    assert ("region", "north") == (alerts[0].drill_down[0].column, alerts[0].drill_down[0].key)
    assert 101.0 == alerts[0].expected
    # The commit of a week before.
    assert 4 == platform.warehouse.drilled[0].before


@story
async def test_what_is_published_during_a_run_is_looked_at_behind_it(platform):
    platform.warehouse.gate.clear()
    await platform.publish()
    await until(lambda: ["monitor_run_requested"] == platform.happened())
    await platform.publish()
    platform.warehouse.gate.set()
    await platform.ran(2)

    await asyncio.sleep(0.1)
    assert 2 == platform.happened().count("monitor_run_requested")


@story
async def test_a_run_that_fails_says_why(platform):
    for error, reason in ((WorkFailed("No memory."), "No memory."), (ValueError("a bug"), BUG)):
        platform.warehouse.values = error
        await platform.publish()
        await until(lambda: "monitor_run_failed" == platform.core.stored()[-1].type)
        assert reason == platform.core.stored()[-1].event.reason


@story
async def test_a_run_of_a_dead_process_is_begun_anew(platform):
    platform.warehouse.gate.clear()
    await platform.publish()
    await until(lambda: ["monitor_run_requested"] == platform.happened())
    await platform.runner.stop()
    after = Platform(platform.core)
    await after.runner.start()
    await after.ran(1)
    await after.runner.stop()


@story
async def test_nothing_runs_by_itself_when_the_file_says_so(platform):
    await platform.core.send(ApplyMonitors(monitors=(TURNOVER,), enabled=False))
    await platform.publish()
    await asyncio.sleep(0.1)

    assert ["monitor_added"] == platform.happened()
