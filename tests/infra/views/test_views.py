"""The views that serve: broken aloud, built anew when in doubt, exchanged while in use."""

import asyncio
import contextlib
import threading

import pytest

from commands.queries import RecordQuery
from domain.queries import QueryExecuted
from domain.registry import EVENTS
from infra.log.worker import check
from infra.views.store import connect
from projections.audit import PROJECTION as AUDIT
from projections.engine import Projection, Table, ViewsBroken
from projections.table import PROJECTIONS
from tests.core import Core
from tests.folding import build

SWAPS = 6
COMMANDS = 120


def query(number=1):
    return RecordQuery(executed=QueryExecuted(query_id=f"q{number}", outcome=""), sql="")


def stumble(rows, event, r):
    if event.query_id == "q2":
        raise KeyError(event.query_id)


STUMBLING = Projection(name="stumbling", tables=(), on={QueryExecuted: stumble})
LIST = Table(
    name="list",
    columns={"position": "INTEGER NOT NULL", "name": "TEXT NOT NULL"},
    key=("name",),
    grows="position",
)


def enlist(rows, event, r):
    rows.put(LIST, position=r.position, name=None if event.query_id == "q2" else event.query_id)


HOLLOW = Projection(name="list", tables=(LIST,), on={QueryExecuted: enlist})


def lived(folder, *numbers, **fields):
    """Send queries to a core; answers what a look at it gave."""

    async def live():
        async with Core(folder, **fields) as core:
            for number in numbers:
                await core.send(query(number))
            return core.views.path

    return asyncio.run(live())


@contextlib.contextmanager
def reopened(folder, **fields):
    with contextlib.closing(Core(folder, **fields)) as core:
        yield core


def positions(reader):
    return [row[0] for row in reader.rows("SELECT position FROM events ORDER BY position")]


# broken


@pytest.mark.parametrize("stumbling", [STUMBLING, HOLLOW], ids=lambda each: each.name)
def test_an_event_that_cannot_be_applied_stops_the_views_and_not_the_log(tmp_path, stumbling):
    async def live():
        async with Core(tmp_path, projected=(AUDIT, stumbling)) as core:
            for number in (1, 2, 3):
                assert number == (await core.send(query(number))).position
            return core.views, core.log.head()

    views, head = asyncio.run(live())

    assert (2, stumbling.name) == (views.broken.position, views.broken.projection)
    assert (1, 3) == (views.position, head)
    with pytest.raises(ViewsBroken, match="event 2"):
        _ = views.current
    with pytest.raises(ViewsBroken, match="event 2"), views.past(1, views._clock()):
        pass


@pytest.mark.parametrize("stumbling", [STUMBLING, HOLLOW], ids=lambda each: each.name)
def test_views_that_broke_stay_broken_until_the_code_can_take_the_event(tmp_path, stumbling):
    lived(tmp_path, 1, 2, 3, projected=(AUDIT, stumbling))

    with reopened(tmp_path, projected=(AUDIT, stumbling)) as core:
        assert 2 == core.views.broken.position
    for path in tmp_path.glob("views-*"):
        path.unlink()
    with reopened(tmp_path, projected=(AUDIT, stumbling)) as core:
        assert 2 == core.views.broken.position
        with pytest.raises(ViewsBroken):
            _ = core.views.current
    with reopened(tmp_path, projected=(AUDIT,)) as core:
        assert [1, 2, 3] == positions(core.views.current)


def test_an_event_that_nobody_knows_stops_the_views_by_name(tmp_path):
    lived(tmp_path, 1, 2)
    known = [kind for kind in EVENTS if kind is not QueryExecuted]

    for path in tmp_path.glob("views-*"):
        path.unlink()
    with reopened(tmp_path, events=known, projected=(AUDIT,)) as core:
        assert 1 == core.views.broken.position
        assert "query_executed" in str(core.views.broken)


# built anew


def harmed(folder, sql):
    path = lived(folder, 1, 2, 3)
    with contextlib.closing(connect(path)) as database:
        database.execute("DELETE FROM events WHERE position = 2")
        database.execute(sql)
    return path


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE _state SET value = 'another boot' WHERE name = 'boot'",
        "DELETE FROM _state WHERE name = 'complete'",
        "UPDATE _state SET value = 4 WHERE name = 'position'",
        "DROP TABLE _state",
    ],
)
def test_a_file_that_may_be_wrong_is_folded_anew(tmp_path, sql):
    harmed(tmp_path, sql)

    with reopened(tmp_path) as core:
        assert [1, 2, 3] == positions(core.views.current)
        assert None is core.views.broken


def test_a_file_that_was_closed_whole_is_taken_as_it_is(tmp_path):
    harmed(tmp_path, "SELECT 1")

    with reopened(tmp_path) as core:
        assert [1, 3] == positions(core.views.current)


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\7" * 5_000])
def test_a_file_that_is_no_database_is_folded_anew(tmp_path, content):
    lived(tmp_path, 1, 2, 3).write_bytes(content)

    with reopened(tmp_path) as core:
        assert [1, 2, 3] == positions(core.views.current)


def test_a_file_that_is_behind_catches_up(tmp_path):
    path = lived(tmp_path, 1, 2)
    behind = path.read_bytes()
    lived(tmp_path, 3, 4)
    path.write_bytes(behind)

    with reopened(tmp_path) as core:
        assert [1, 2, 3, 4] == positions(core.views.current)


def test_a_file_of_other_code_is_replaced_and_deleted(tmp_path):
    path = lived(tmp_path, 1)
    old = path.rename(tmp_path / "views-000000000000.db")

    with reopened(tmp_path) as core:
        assert [1] == positions(core.views.current)
    assert (False, True) == (old.exists(), path.exists())


# compared


def test_what_serves_is_what_the_log_says_until_somebody_changes_a_row(tmp_path):
    path = lived(tmp_path, 1, 2, 3)
    with reopened(tmp_path) as core:
        assert [] == check(core.codec, core.path, path)
        with contextlib.closing(connect(path)) as database:
            database.execute("UPDATE events SET actor = 'user:eve' WHERE position = 2")

        assert ["events: position 2 differs"] == check(core.codec, core.path, path)
    assert [] == list(tmp_path.glob("*.check*"))


# exchanged


async def swap(core):
    beside = core.views.path.with_name("beside.db")
    await asyncio.to_thread(build, beside, PROJECTIONS, EVENTS, core.stored())
    await core.writer.call(lambda: core.views.swap(beside))


class Watchers:
    """Threads that look at now and at the past without a pause; `troubles` is what they saw."""

    def __init__(self, core):
        self.core, self.troubles, self.looks = core, [], 0
        self.stopped = threading.Event()
        looks = (self.now, self.now, self.past, self.past)
        self.threads = [threading.Thread(target=self.run, args=(look,)) for look in looks]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def run(self, look):
        while not self.stopped.wait(0.001):
            try:
                look()
                self.looks += 1
            except Exception as error:  # noqa: BLE001 - told by the test
                self.troubles.append(repr(error))

    def now(self):
        (count, last), before = self._counted(self.core.views.current), self.core.views.position
        assert count == last >= before - COMMANDS

    def past(self):
        position = self.core.views.position // 2
        with self.core.views.past(position, self.core.clock()) as past:
            assert (position, position) == self._counted(past)

    def _counted(self, reader):
        return reader.row("SELECT count(*), coalesce(max(position), 0) FROM events")


def test_views_are_exchanged_under_readers_and_writers_without_anybody_noticing(tmp_path):
    async def live():
        async with Core(tmp_path) as core:
            await core.send(query(0))
            with Watchers(core) as watchers:
                sending = asyncio.create_task(send_all(core))
                for _ in range(SWAPS):
                    await swap(core)
                await sending
            assert [] == watchers.troubles
            assert watchers.looks > 100
            assert COMMANDS + 1 == core.views.position == core.log.head()
            assert [] == check(core.codec, core.path, core.views.path)
            assert await core.views.reached(COMMANDS + 1, 0.1)
            assert not await core.views.reached(COMMANDS + 2, 0.01)

    async def send_all(core):
        for number in range(1, COMMANDS + 1):
            outcome = await core.send(query(number))
            assert outcome.position <= core.views.current.position
            await asyncio.sleep(0.001)

    asyncio.run(live())


def test_who_looks_at_the_past_looks_on_while_the_views_are_exchanged(tmp_path):
    async def live():
        async with Core(tmp_path) as core:
            await core.send(query(1))
            await core.send(query(2))
            with core.views.past(1, core.clock()) as before:
                assert [1] == positions(before)
                await swap(core)
                await core.send(query(3))
                assert [1] == positions(before)
            with core.views.past(2, core.clock()) as after:
                assert [1, 2] == positions(after)
            assert 3 == core.views.current.position

    asyncio.run(live())


def test_views_that_broke_serve_again_after_an_exchange(tmp_path):
    async def live():
        async with Core(tmp_path, projected=(AUDIT, STUMBLING)) as core:
            for number in (1, 2, 3):
                await core.send(query(number))
            core.views.projections = (AUDIT,)
            beside = core.views.path.with_name("beside.db")
            build(beside, (AUDIT,), EVENTS, core.stored())
            await core.writer.call(lambda: core.views.swap(beside))
            assert 4 == (await core.send(query(4))).position
            return positions(core.views.current)

    assert [1, 2, 3, 4] == asyncio.run(live())
