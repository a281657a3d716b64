"""The measurements of the disk: one a day, by the clock, of what really lies there."""

import asyncio
from datetime import timedelta

from commands.disks import DECIDERS, MeasureDisk
from domain.disks import DiskMeasured
from infra.disks import SETTLED, DiskClock, look
from infra.log.places import open_log
from infra.project import Project
from projections import disks
from tests.core import Core
from tests.decisions import NOW, Scenario
from tests.projections.reading import reading

TODAY = NOW.date()


def measured(at=NOW, **sizes):
    names = (*(f"{name}_bytes" for name in disks.PARTS), "free_bytes", "total_bytes")
    return DiskMeasured(measured_at=at, **{name: sizes.get(name, 7) for name in names})


def given(*events):
    return Scenario(DECIDERS, events)


def test_a_day_is_measured_once_and_none_before_the_last():
    today, before = measured(), measured(NOW - timedelta(days=1))
    given().when(MeasureDisk(measured=today)).then(today)
    given(before).when(MeasureDisk(measured=today)).then(today)
    given(today).when(MeasureDisk(measured=measured(free_bytes=1))).then()
    given(today).when(MeasureDisk(measured=before)).then()


def test_the_days_that_a_forecast_looks_back_on_are_kept_in_order_and_for_every_moment():
    days = [measured(NOW + timedelta(days=number)) for number in range(100)]
    with reading() as given_events:
        found = disks.newest(given_events(*days))
        assert [each.day for each in days[10:]] == [each.day for each in found]
        assert days[-1].day == disks.last(given_events(*days))
        assert [days[0].day] == [each.day for each in disks.newest(given_events(*days, as_of=1))]
        assert (disks.PARTS, 0) == (tuple(found[0].parts), found[0].used_bytes)
        assert disks.last(given_events()) is None


def test_the_clock_waits_after_a_start_and_then_measures_once_a_day(tmp_path):
    asked = []

    async def story():
        async with Core(tmp_path) as core:

            def measure(_):
                asked.append(measured(core.clock()))
                return asked[-1]

            begun = core.clock()
            clock = DiskClock(
                core.writer, lambda: core.views.current, measure, core.clock, backups=tuple
            )
            assert begun + SETTLED == await clock.look()
            assert [] == asked
            for hours in (1, 2, 3, 24, 25):
                core.clock.now = begun + timedelta(hours=hours)
                assert core.clock() < await clock.look()
            known = [each.day for each in disks.newest(core.views.current)]
            assert [TODAY, TODAY + timedelta(days=1)] == [each.day for each in asked] == known

    asyncio.run(story())


def test_what_lies_there_is_what_is_measured(tmp_path):
    project = Project.create(tmp_path / "shop", "shop")
    for path, size in (("data/uploads/orders/a.csv", 100), ("warehouse/data/x.parquet", 1_000)):
        file = project.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size)
    kept = tmp_path / "backups"
    backup = kept / "shop-20260101T000000Z-7"
    backup.mkdir(parents=True)
    (backup / "00000001").write_bytes(b"x" * 10)
    (kept / "something else").write_bytes(b"x" * 100)
    log = open_log(project.events)
    try:
        found = look(project, project.root / "dbt", [kept], log, at=NOW)
    finally:
        log.close()
    assert (100, 1_000, 10) == (found.uploads_bytes, found.warehouse_bytes, found.backups_bytes)
    assert (0, True) == (found.vault_bytes, found.log_bytes > 0)
    assert 0 < found.free_bytes < found.total_bytes
