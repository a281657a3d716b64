"""When data is too old: told once for each publication, by the clock alone."""

import asyncio
from datetime import timedelta

from commands.freshness import DECIDERS, LookAtFreshness
from commands.schedules import ApplySchedules
from commands.sources import ApplySources
from commands.syncs import CompleteSync, RequestSync, StartSync
from domain.freshness import SourceTurnedStale
from domain.schedules import Kind, Schedule
from domain.sources import SourceReconfigured, SourceRemoved
from infra.staleness import StaleClock
from projections import attention, live, sources
from tests.core import Core
from tests.datasets import completed, registered, requested, source, started, table
from tests.decisions import NOW, Scenario, ago, recorded

THEN = NOW - timedelta(hours=25)
SYNCED = tuple(ago(e, hours=25) for e in (registered(), requested(), started(2), completed(2)))
LOOK = LookAtFreshness(source="orders", at=NOW, after_hours=24.0)
STALE = SourceTurnedStale(source="orders", synced_at=THEN, after_hours=24.0)
NIGHTLY = Schedule(name="nightly", kind=Kind.SYNC, cron="@daily", sources=("orders",))


def given(*events):
    return Scenario(DECIDERS, events)


def test_data_turns_stale_when_its_time_has_passed_and_once():
    given(*SYNCED).when(LOOK).then(STALE)
    given(*SYNCED).when(LookAtFreshness(source="orders", at=NOW, after_hours=26.0)).then()
    given(*SYNCED, STALE).when(LOOK).then()


def test_a_sync_makes_it_fresh_and_it_may_turn_stale_again():
    again = (requested(), started(6), completed(6))
    given(*SYNCED, STALE, *again).when(LOOK).then()
    old = [ago(event, hours=24) for event in again]
    later = SourceTurnedStale(
        source="orders", synced_at=NOW - timedelta(hours=24), after_hours=24.0
    )
    given(*SYNCED, STALE, *old).when(LOOK).then(later)


def test_what_was_never_synced_is_switched_off_or_gone_does_not_turn_stale():
    off = SourceReconfigured(source="orders", config=source(enabled=False), changed=("enabled",))
    given(registered()).when(LOOK).then()
    given(*SYNCED, off).when(LOOK).then()
    given(*SYNCED, SourceRemoved(source="orders", schema="raw_orders")).when(LOOK).then()


def test_it_goes_out_live_as_a_change_of_freshness():
    kinds = [frame.kind for frame in live.frames(recorded(7, STALE))]

    assert ["freshness_update", "source_turned_stale"] == kinds


def test_the_clock_tells_sources_with_a_schedule_after_a_day_and_others_after_a_week(tmp_path):
    async def publish(core, name):
        job = (await core.send(RequestSync(sources=(name,)))).position
        schema = f"raw_{name}"
        await core.send(StartSync(source=name, job=job, schema=schema, table=name))
        tables = (table(name),)
        await core.send(CompleteSync(source=name, job=job, rows=3, tables=tables, snapshot=job))

    async def story():
        async with Core(tmp_path) as core:
            await core.send(ApplySources(sources=(source("orders"), source("users"))))
            await core.send(ApplySchedules(schedules=(NIGHTLY,)))
            for name in ("orders", "users"):
                await publish(core, name)
            clock = StaleClock(core.writer, lambda: core.views.current, core.clock)
            told = []
            for days in (0, 1, 1, 6):
                core.clock.forward(days=days, seconds=1)
                await clock.look()
                await clock.look()
                events = [item.event for item in core.stored()]
                told.append([e.source for e in events if isinstance(e, SourceTurnedStale)])
            assert [[], ["orders"], ["orders"], ["orders", "users"]] == told
            found = sources.every(core.views.current)
            assert ["stale", "stale"] == [health.status for health in found]
            needs = attention.every(core.views.current, found)
            turned = next(i for i in core.stored() if isinstance(i.event, SourceTurnedStale))
            assert turned.at == needs["orders"].since
            await publish(core, "orders")
            assert "synced" == sources.one(core.views.current, "orders").status

    asyncio.run(story())
