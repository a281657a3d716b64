"""Every clock survives what goes wrong, says so, and stops at once."""

import asyncio
import logging
from datetime import timedelta

import pytest

from commands.kernel import Overloaded
from domain.schedules import Kind, Schedule
from infra import clocks, disks
from infra.backups.clock import BackupClock
from infra.clocks import Every, Ticking
from infra.disks import DiskClock
from infra.scheduler import Scheduler
from infra.staleness import StaleClock
from tests.core import Clock
from tests.decisions import NOW
from tests.patience import until
from tests.projections.reading import reading

PROMPT_S = 5  # a clock naps for half a minute
SCHEDULE = Schedule(name="nightly", kind=Kind.SYNC, cron="@daily", sources=("orders",))


class Log:
    """What each clock folds; broken while `error` is set."""

    def __init__(self, views):
        self.error, self.looks, self.views = None, 0, views

    def followed_to(self):
        self.looks += 1
        if self.error is not None:
            raise self.error
        return NOW

    def timetable(self):
        return [(SCHEDULE, self.followed_to())]

    def reader(self):
        self.followed_to()
        return self.views


class Prompt:
    """Takes commands and is done with them."""

    def __init__(self):
        self.sent = []

    async def send(self, command, origin):
        self.sent.append(command)


class Bus:
    """Takes commands; the first one stays under way."""

    def __init__(self):
        self.sent = []

    async def send(self, command, origin):
        self.sent.append(command)
        await asyncio.Event().wait()


def scheduler(log, bus):
    return Scheduler(bus, log.timetable, Clock())


def backups(log, bus):
    return BackupClock(
        bus,
        every="@daily",
        timezone="UTC",
        to="/b",
        followed_to=log.followed_to,
        clock=Clock(),
    )


def staleness(log, bus):
    return StaleClock(bus, log.reader, Clock())


def disk(log, _):
    return DiskClock(
        Prompt(), log.reader, lambda _: None, Clock(), settled=timedelta(), backups=tuple
    )


def every(log, _):
    async def look():
        log.followed_to()

    return Every("what is tried", look, 60.0, Clock())


EVERY = (scheduler, backups, staleness, disk, every)


@pytest.fixture
def log(monkeypatch):
    monkeypatch.setattr(clocks, "RETRY_S", 0.0)
    monkeypatch.setattr(disks, "LOOK_S_MAX", 60.0)
    with reading() as given:
        yield Log(given())


def test_all_clocks_are_tried_here(log):
    kinds = {type(make(log, Bus())) for make in EVERY}

    assert kinds == set(Ticking.__subclasses__())


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("error", [ZeroDivisionError("no"), Overloaded()])
def test_a_clock_survives_a_failure_and_says_so_until_it_is_over(log, make, error, caplog):
    caplog.set_level(logging.INFO, "dango.clocks")

    async def story():
        clock = make(log, Bus())
        log.error = error
        clock.start()
        await until(lambda: log.looks > 3)
        assert clock.running
        assert clock.problem == f"{clock.what} cannot be looked at: {type(error).__name__}"
        assert [clock.problem] == [each.getMessage() for each in caplog.records]
        log.error = None
        await until(lambda: clock.problem is None)
        assert clock.running
        assert "can be looked at again" in caplog.records[-1].getMessage()
        await clock.stop()
        assert not clock.running

    asyncio.run(story())


@pytest.mark.parametrize("make", EVERY)
def test_a_clock_stops_at_once_while_it_sleeps(log, make):
    async def story():
        clock = make(log, Bus())
        clock.start()
        await until(lambda: log.looks == 1)
        async with asyncio.timeout(PROMPT_S):
            await clock.stop()
        assert not clock.running

    asyncio.run(story())


@pytest.mark.parametrize("make", [scheduler, backups])
def test_a_clock_stops_at_once_while_a_command_is_under_way(log, make):
    async def story():
        bus = Bus()
        clock = make(log, bus)
        clock._clock.forward(days=2)
        clock.start()
        await until(lambda: bus.sent)
        async with asyncio.timeout(PROMPT_S):
            await clock.stop()
        assert not clock.running

    asyncio.run(story())


@pytest.mark.parametrize("make", EVERY)
def test_a_clock_looks_again_when_the_time_that_it_told_has_come(log, make):
    async def story():
        clock = make(log, Bus())
        clock.nap_s_max = 0.01
        clock.start()
        await until(lambda: log.looks == 1)
        clock._clock.forward(minutes=2)
        await until(lambda: log.looks == 2)
        await clock.stop()

    asyncio.run(story())


@pytest.mark.parametrize("make", EVERY)
def test_a_clock_that_is_started_twice_looks_once(log, make):
    async def story():
        clock = make(log, Bus())
        clock.start()
        clock.start()
        await until(lambda: log.looks)
        await asyncio.sleep(0.03)
        assert 1 == log.looks
        await clock.stop()

    asyncio.run(story())


@pytest.mark.parametrize("make", EVERY)
def test_a_clock_looks_again_when_the_time_was_put_back(log, make):
    async def story():
        clock = make(log, Bus())
        clock.nap_s_max = 0.01
        clock.start()
        await until(lambda: log.looks == 1)
        clock._clock.forward(hours=2)
        await until(lambda: log.looks == 2)
        clock._clock.forward(hours=-1)
        await until(lambda: log.looks == 3)
        await clock.stop()

    asyncio.run(story())


def test_a_clock_looks_again_when_the_time_was_put_back_while_it_looked(log):
    clock, backwards = Clock(), [{"hours": -1}]

    def measure(_):
        if backwards:
            clock.forward(**backwards.pop())

    async def story():
        looking = DiskClock(
            Prompt(), log.reader, measure, clock, settled=timedelta(), backups=tuple
        )
        clock.forward(hours=2)
        looking.start()
        await until(lambda: log.looks == 2)
        await looking.stop()

    asyncio.run(story())


def test_what_is_looked_at_over_and_over_needs_no_time_of_day():
    async def story():
        looks = []

        async def look():
            looks.append(len(looks))

        looking = Every("what is tried", look, 0.01)
        looking.start()
        await until(lambda: len(looks) > 2)
        await looking.stop()

    asyncio.run(story())
