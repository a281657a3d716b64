"""A log that moved is the same log: its events, hashes, keys and sealed values."""

import asyncio
import contextlib

import pytest

from commands.kernel import Keep
from infra import keys
from infra.log.move import Moved, NotMoved, copy
from infra.log.places import open_log
from infra.log.port import LogInUse
from infra.log.vault import Vault
from infra.log.verify import verify
from infra.master_keys import MasterKeys
from tests.core import Clock, Core
from tests.engines import Postgres, SQLite
from tests.infra.rotating import living
from tests.infra.writing import query

MASTER = MasterKeys(bytes(range(32)))


@pytest.fixture
def source(tmp_path):
    """A log in its file, with 30 events, a key, sealed values and a policy."""
    folder = tmp_path / "source"
    folder.mkdir()
    write(folder, range(30))
    return SQLite().place(folder)


def write(folder, numbers):
    async def live():
        async with Core(folder) as core:
            for number in numbers:
                await core.send(query(number, f"SELECT {number}"))
            await core.writer.keep(Keep("email", "anna", b"a@b.io", owner="ben"))
            await core.writer.transact(lambda: core.log.move_policy("syncs", core.log.last))
            await core.writer.call(lambda: keys.unlock(MASTER, core.log))

    asyncio.run(live())


@pytest.fixture
def target(tmp_path, postgres):
    return Postgres(postgres).place(tmp_path)


def lived(folder, recorder):
    async def live():
        async with Core(folder, recorder=recorder) as core:
            assert b"SELECT 7" == core.vault.read("query", "q7")
            assert 30 == core.log.policy_position("syncs") == core.views.position
            assert 31 == (await core.send(query("new"))).position
            return keys.unlock(MASTER, core.log).id

    return asyncio.run(live())


def test_a_log_moves_to_postgresql_and_lives_on_there(tmp_path, source, target):
    noted = verify(source)

    moved = copy(source, target)

    assert Moved(events=30, head=30, hash=noted.hash) == moved
    assert noted == verify(target)
    with contextlib.closing(open_log(source)) as log:
        key = keys.unlock(MASTER, log).id
    assert key == lived(tmp_path, lambda _: open_log(target))


def test_its_vault_opens_there_and_back_with_the_data_keys_that_move_along(tmp_path, target):
    folder, back = tmp_path / "sealed", tmp_path / "back.db"
    folder.mkdir()
    with living(folder, SQLite()) as process:
        process.keep(*(Keep("email", f"user-{n}", b"%d" % n) for n in range(9)))
        process.rotate(4)
        masters, current = process.masters, process.vault.ring.current

    copy(SQLite().place(folder), target)
    copy(target, back)

    for place in (target, back):
        with contextlib.closing(open_log(place)) as log:
            vault = Vault(log, keys.unlock(masters, log), Clock())
            assert (9, {current: 9}, 4) == (vault.prove(), vault.counts(), vault.ring.number)


def test_it_moves_back(tmp_path, source, target):
    copy(source, target)

    moved = copy(target, tmp_path / "events.db")

    assert (30, verify(source).hash) == (moved.events, moved.hash)
    lived(tmp_path, open_log)


def test_moving_again_changes_nothing_and_brings_what_is_new(tmp_path, source, target):
    first, again = copy(source, target), copy(source, target)
    assert (30, 0, first.hash) == (first.events, again.events, again.hash)

    write(tmp_path / "source", range(30, 40))

    assert 10 == copy(source, target).events
    assert verify(source) == verify(target)


def test_another_log_is_not_written_over(tmp_path, source, target):
    copy(source, target)
    before = verify(target)
    folder = tmp_path / "another"
    folder.mkdir()
    write(folder, range(5, 50))

    with pytest.raises(NotMoved, match="another log"):
        copy(SQLite().place(folder), target)
    assert before == verify(target)


def test_a_target_that_went_on_is_not_cut_back(tmp_path, source, target):
    copy(source, target)
    lived(tmp_path, lambda _: open_log(target))

    with pytest.raises(NotMoved, match="a longer one"):
        copy(source, target)
    assert 31 == verify(target).head


def test_a_damaged_log_does_not_move(source, target):
    with contextlib.closing(open_log(source)) as log:
        log.connection.execute("UPDATE events SET data = X'00' WHERE position = 7")

    with pytest.raises(NotMoved, match="damaged at 7"):
        copy(source, target)


def test_what_a_server_holds_is_not_moved_over(source, target):
    with contextlib.closing(open_log(target)), pytest.raises(LogInUse):
        copy(source, target)
