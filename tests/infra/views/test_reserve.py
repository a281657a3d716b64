"""The room that is set aside: held, given up for what was recorded already, taken again."""

import asyncio
import errno
import os

import pytest

from commands.kernel import StorageFull
from commands.queries import RecordQuery
from domain.queries import QueryExecuted
from infra.views import reserve
from infra.views.reserve import RESERVE_KIB, Reserve
from projections.engine import ViewsBroken
from tests.core import Core

COMMANDS = 60


def query(number):
    return RecordQuery(executed=QueryExecuted(query_id=f"q{number}", outcome="x" * 1_000), sql="")


def pages(core, more):
    """Let the file of the views grow by so many pages, and no more, as a full disk does."""
    rows = core.views._store._database
    now = rows.execute("PRAGMA page_count").fetchone()[0]
    rows.execute(f"PRAGMA max_page_count={now + more}")


@pytest.fixture
def short(monkeypatch):
    """A disk that has not as much room as is to be set aside.

    It is only said to be: who asks a real one for more than it has takes all of it for a moment,
    and others find it full.
    """

    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(reserve.os, "posix_fallocate", refuse)


def test_the_room_is_held_while_the_log_is_open(tmp_path):
    async def live():
        async with Core(tmp_path) as core:
            await core.send(query(1))
            return (tmp_path / "reserve").stat().st_size

    assert RESERVE_KIB * 1024 == asyncio.run(live())
    assert not (tmp_path / "reserve").exists()


def test_where_no_room_can_be_set_aside_nothing_is_recorded(tmp_path, short):
    async def live():
        async with Core(tmp_path) as core:
            with pytest.raises(StorageFull):
                await core.send(query(1))
            return core.log.head(), core.views.broken

    assert (0, None) == asyncio.run(live())
    assert not (tmp_path / "reserve").exists()


def test_a_folder_that_takes_no_file_is_no_full_disk(tmp_path):
    assert Reserve(tmp_path / "missing" / "reserve").hold()


def test_what_was_recorded_on_a_full_disk_is_shown(tmp_path):
    async def live():
        async with Core(tmp_path) as core:
            await core.send(query(0))
            pages(core, 0)
            release = core.views._reserve.release

            def make_room():
                release()
                pages(core, COMMANDS * 10)

            core.views._reserve.release = make_room
            for number in range(1, COMMANDS):
                await core.send(query(number))
            core.views._reserve.release = release
            return core.views.broken, core.views.position

    assert (None, COMMANDS) == asyncio.run(live())


def test_views_that_stopped_for_want_of_room_go_on_when_there_is_some(tmp_path):
    async def live():
        async with Core(tmp_path) as core:
            pages(core, 0)
            for number in range(COMMANDS):
                await core.send(query(number))
            with pytest.raises(ViewsBroken):
                assert core.views.current
            await core.writer.call(core.views.resume)
            assert core.views.broken is not None
            pages(core, COMMANDS * 10)
            await core.writer.call(core.views.resume)
            return core.views.current.position, core.log.head()

    assert (COMMANDS, COMMANDS) == asyncio.run(live())
