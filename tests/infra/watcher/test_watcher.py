"""Files that are dropped are synced by themselves: once for a burst, when they have come whole."""

import asyncio
import contextlib
import os
from datetime import UTC, datetime

import pytest

from commands.kernel import Outcome
from domain.syncs import SyncRunning
from infra import clocks
from infra.watcher import watcher
from infra.watcher.watcher import Watched, Watcher
from tests.datasets import source
from tests.patience import until

WATCHED = Watched(debounce_s=0.3, patterns=("*.csv",), directories=("data", "later"))


class Bus:
    def __init__(self):
        self.asked, self.actors, self.busy = [], [], set()
        self.known, self.defects = [], 0

    async def send(self, command, origin):
        if self.defects:
            self.defects -= 1
            raise ValueError("a defect")
        for name in command.sources:
            if name in self.busy:
                raise SyncRunning(name, 7)
        self.asked.append(sorted(command.sources))
        self.actors.append(origin.actor)
        return Outcome(position=1)


def options(name):
    return {"directory": f"data/{name}", "file_pattern": "*.csv"}


@pytest.fixture
def watching(tmp_path):
    """A story in a project whose folders are watched."""
    names = ("orders", "users", "off")
    for name in names:
        (tmp_path / "data" / name).mkdir(parents=True)

    def lived(story, watched=WATCHED, synced=None):
        bus = Bus()
        bus.known = [(source(n, options=options(n), enabled=n != "off"), synced) for n in names]

        async def whole():
            watcher = Watcher(
                tmp_path, watched, bus, sources=lambda: bus.known, clock=lambda: datetime.now(UTC)
            )
            async with contextlib.AsyncExitStack() as stack:
                stack.push_async_callback(watcher.stop)
                await watcher.start()
                await asyncio.sleep(0.5)
                await story(watcher, bus)

        asyncio.run(whole())
        return bus

    return lived


def test_a_burst_is_one_job_of_the_sources_that_it_hit(watching, tmp_path):
    async def story(watcher, bus):
        for number in range(200):
            (tmp_path / "data" / "orders" / f"{number}.csv").write_text("id\n1\n")
        (tmp_path / "data" / "users" / "a.csv").write_text("id\n1\n")
        await until(lambda: ["orders", "users"] == watcher.pending)
        await until(lambda: bus.asked)
        assert [] == watcher.pending
        await asyncio.sleep(1)

    bus = watching(story)
    assert ([["orders", "users"]], ["watcher"]) == (bus.asked, bus.actors)


def test_what_is_dropped_while_the_views_stand_still_is_not_forgotten(watching, tmp_path):
    async def story(watcher, bus):
        bus.known = None
        (tmp_path / "data" / "orders" / "a.csv").write_text("id\n1\n")
        await until(lambda: bus.asked)
        assert [] == watcher.pending

    assert [["orders"]] == watching(story).asked


def test_a_look_that_meets_a_defect_is_not_the_last_one(watching, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(clocks, "RETRY_S", 0.1)

    async def story(watcher, bus):
        bus.defects = 1
        (tmp_path / "data" / "orders" / "a.csv").write_text("id\n1\n")
        await until(lambda: bus.asked)
        assert watcher.running

    assert [["orders"]] == watching(story).asked
    assert "what was dropped cannot be looked at: ValueError" in caplog.text


def test_a_name_that_is_no_utf8_does_not_end_the_watching(watching, tmp_path):
    async def story(watcher, bus):
        (tmp_path / "data" / "orders" / os.fsdecode(b"\xff\n.csv")).write_text("id\n1\n")
        await until(lambda: bus.asked)
        assert watcher.running
        await asyncio.sleep(1)
        (tmp_path / "data" / "users" / "a.csv").write_text("id\n1\n")
        await until(lambda: ["users"] == bus.asked[-1])

    bus = watching(story)
    assert ["orders", "users"] == bus.asked[0]


def test_a_file_that_grows_for_ever_is_asked_for_in_the_end(watching, tmp_path, monkeypatch):
    monkeypatch.setattr(watcher, "GROWING_S", 0.1)
    monkeypatch.setattr(watcher, "GROWING_S_MAX", 0.5)

    async def story(_, bus):
        with (tmp_path / "data" / "orders" / "log.csv").open("w") as file:
            while not bus.asked:
                file.write("1\n")
                file.flush()
                await asyncio.sleep(0.05)

    assert ["orders"] == watching(story).asked[0]


def test_what_no_source_reads_is_passed_over(watching, tmp_path):
    async def story(watcher, _):
        for name in ("a.txt", ".a.csv", "a.csv.part", ".dango-upload-1.part"):
            (tmp_path / "data" / "orders" / name).write_text("x")
        (tmp_path / "data" / "off" / "a.csv").write_text("id\n1\n")
        (tmp_path / "data" / "a.csv").write_text("id\n1\n")
        await asyncio.sleep(1)
        assert [] == watcher.pending

    assert [] == watching(story).asked


def test_a_file_that_grows_is_waited_for(watching, tmp_path):
    async def story(_, bus):
        with (tmp_path / "data" / "orders" / "a.csv").open("w") as file:
            for _number in range(12):
                file.write("id\n" * 10_000)
                file.flush()
                await asyncio.sleep(0.15)
            assert [] == bus.asked
        await until(lambda: bus.asked)

    assert [["orders"]] == watching(story).asked


def test_a_source_that_is_being_synced_waits_and_holds_nobody_back(watching, tmp_path):
    async def story(watcher, bus):
        bus.busy.add("orders")
        for name in ("orders", "users"):
            (tmp_path / "data" / name / "a.csv").write_text("id\n1\n")
        await until(lambda: [["users"]] == bus.asked)
        assert ["orders"] == watcher.pending

    watching(story)


def test_what_came_while_nobody_watched_is_noticed(watching, tmp_path):
    old, new = tmp_path / "data" / "orders" / "a.csv", tmp_path / "data" / "users" / "a.csv"
    for path, at in ((old, 1_000), (new, 3_000)):
        path.write_text("id\n1\n")
        os.utime(path, (at, at))

    async def story(_, bus):
        await until(lambda: bus.asked)

    assert [["users"]] == watching(story, synced=datetime.fromtimestamp(2_000, UTC)).asked


def test_without_auto_sync_nothing_watches(watching, tmp_path):
    async def story(watcher, _):
        (tmp_path / "data" / "orders" / "a.csv").write_text("id\n1\n")
        await asyncio.sleep(1)
        assert (False, []) == (watcher.running, watcher.pending)

    assert [] == watching(story, Watched(auto_sync=False, directories=("data",))).asked
