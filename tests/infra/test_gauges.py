"""Looks at the machine: seldom, beside everything else, and bounded."""

import asyncio
from datetime import timedelta

import pytest

from infra import gauges
from infra.gauges import LOOK_S, RATE_S, MachineGauges
from infra.project import Project
from tests.core import Clock
from tests.decisions import history
from tests.patience import until


class Pool:
    def status(self):
        return ()


class Ticks:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def project(tmp_path):
    made = Project.create(tmp_path / "shop", "shop")
    (made.uploads / "orders").mkdir()
    (made.uploads / "orders" / "a.csv").write_bytes(b"x" * 1_000)
    (made.data / "part.parquet").write_bytes(b"x" * 2_000)
    return made


@pytest.fixture
def looks(project):
    ticks = Ticks()
    made = MachineGauges(project, Pool(), Clock(), dbt=project.root / "dbt", monotonic=ticks)
    made.ticks, made.count, measure = ticks, 0, made._measure

    def counted(*given):
        made.count += 1
        return measure(*given)

    made._measure = counted
    return made


def test_the_machine_is_looked_at_once_in_a_while_however_many_ask(looks):
    async def story():
        await asyncio.gather(*(looks.machine() for _ in range(50)))
        assert 1 == looks.count
        looks.ticks.now += LOOK_S
        first = await looks.machine()
        await until(lambda: looks._looking is None)
        assert 2 == looks.count
        assert first is not await looks.machine()

    asyncio.run(story())


def test_what_was_seen_is_told_no_more_when_a_look_fails(looks, caplog):
    measure = looks._measure

    def failing(*_):
        raise OSError("no disk")

    async def story():
        await looks.machine()
        looks._measure = failing
        looks.ticks.now += LOOK_S
        await looks.machine()
        await until(lambda: looks._looking is None)
        with pytest.raises(RuntimeError, match="could not be looked at"):
            await looks.machine()
        assert ["the machine could not be looked at"] == [r.getMessage() for r in caplog.records]
        looks._measure = measure
        looks.ticks.now += LOOK_S
        assert await looks.machine()

    asyncio.run(story())


def test_it_tells_what_the_system_says(looks):
    found = asyncio.run(looks.machine())

    assert 0 < found.disk_free_bytes < found.disk_total_bytes
    assert 0 < found.memory_available_bytes < found.memory_total_bytes
    assert 0 < found.process_bytes < found.memory_total_bytes
    assert 0 <= found.cpu_pct <= 100
    assert ({"orders": 1_000}, 2_000) == (found.sizes.uploads, found.sizes.warehouse)


def test_a_count_of_files_ends(project, monkeypatch):
    assert gauges.sizes(project, project.root / "dbt").complete
    monkeypatch.setattr(gauges, "FILES_MAX", 1)

    assert not gauges.sizes(project, project.root / "dbt").complete


def test_the_rate_of_events_is_the_mean_of_a_while(looks):
    looks.committed(history(*[None] * 10))
    looks.ticks.now += 60
    looks.committed(history(*[None] * 20))

    assert 30.0 == looks.events_per_minute()
    looks.ticks.now += RATE_S
    assert 0 < looks.events_per_minute() <= 4.0
    looks.ticks.now += 1
    assert 0.0 == looks.events_per_minute()


def test_a_trouble_keeps_its_beginning_until_nobody_asks_for_it(looks):
    clock = looks._clock
    begun = looks.since("disk")
    clock.now += timedelta(minutes=4)
    assert begun == looks.since("disk")
    clock.now += timedelta(minutes=6)

    assert clock.now == looks.since("disk")


def test_backups_are_counted_where_they_lie_and_nothing_beside_them(project, tmp_path):
    kept = tmp_path / "kept"
    (kept / "shop-20260102T030405Z-17").mkdir(parents=True)
    (kept / "shop-20260102T030405Z-17" / "00000000").write_bytes(b"x" * 3_000)
    (kept / "photos").mkdir()
    (kept / "photos" / "a.jpg").write_bytes(b"x" * 500)
    places = [kept, tmp_path / "gone"]

    found = gauges.sizes(project, project.root / "dbt", places)

    assert (3_000, True) == (found.backups, found.complete)
