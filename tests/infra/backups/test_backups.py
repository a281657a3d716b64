"""Backups of a project that is at work, and what comes back of them elsewhere."""

import asyncio
import json
import shutil
import time

import pytest

from commands.backups import RequestBackup
from commands.ports import Query
from commands.secrets import SetSecret
from infra.backups import content, restore
from infra.backups.note import NoteUnreadable, NoteUntold
from infra.backups.sealing import VARIABLE, BackupDamaged, BackupKeyUnusable
from infra.backups.staging import STAGE, NotRestored
from infra.log.verify import verify
from infra.project import Project, ProjectInUse
from projections import backups, secrets
from tests import buckets
from tests.infra.backups.shops import (
    ANNA,
    KEY,
    SECRET,
    backed_up,
    kinds,
    let_in,
    quiet,
    rows,
    running,
    synced,
    who_gets_in,
    written,
)
from tests.patience import until


def test_a_backup_of_a_project_at_work_is_whole_up_to_its_position(shop, tmp_path):
    """Nothing that was acknowledged before it was asked for is missing, and no key is in it."""
    place, back = tmp_path / "backups", tmp_path / "back"

    async def live():
        async with running(shop) as runtime:
            await synced(runtime)
            stop = asyncio.Event()
            writing = asyncio.create_task(written(runtime, stop))
            await asyncio.sleep(0.3)
            asked_at = time.monotonic()
            (shop / "data" / "uploads" / "orders" / "b.csv").write_text("id,n\n1000,1\n")
            syncing = asyncio.create_task(synced(runtime))
            found = await backed_up(runtime, place)
            stop.set()
            await syncing
            return found, [at for at, when in await writing if when < asked_at], await writing

    found, before, all_known = asyncio.run(live())
    proved = restore.restore(str(place), back, None, quiet)

    assert ("made", None, False) == (found.status, found.error, found.encrypted)
    assert max(before) <= found.upto < max(position for position, _ in all_known)
    assert (found.backup, found.upto, found.digest) == (proved.backup, proved.upto, proved.digest)
    restored = rows(back)
    assert rows(shop)[: len(restored)] == restored
    assert found.upto == restored[-1][0]
    assert not (back / ".dango" / "master.key").exists()
    master = (shop / ".dango" / "master.key").read_text().strip()
    stored = b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())
    assert SECRET.encode() not in stored
    assert master.encode() not in stored


def test_a_project_comes_back_in_the_same_state_on_an_empty_machine(shop, tmp_path):
    place, back = tmp_path / "backups", tmp_path / "back"

    async def first():
        async with running(shop) as runtime:
            await synced(runtime)
            command = SetSecret(secret="TOKEN", value=SECRET.encode(), proof="p")
            await runtime.writer.send(command, ANNA)
            await let_in(runtime)
            assert (True, True, True, True) == who_gets_in(runtime)
            return await backed_up(runtime, place)

    found = asyncio.run(first())
    restore.restore(str(place / found.backup), back, None, quiet)
    shutil.copy(shop / ".dango" / "master.key", back / ".dango" / "master.key")

    async def again():
        async with running(back, serves=False) as runtime:
            assert (False, False, False, False) == who_gets_in(runtime)
            assert [] == await runtime.upkeep.check()
            (source,) = backups.newest(runtime.views.current, 9)
            assert ("made", found.backup, found.upto, found.digest, None) == (
                source.status,
                source.backup,
                source.upto,
                source.digest,
                source.error,
            )
            assert found.requested_at <= source.ended_at <= found.ended_at
            query = Query(sql="SELECT count(*), sum(n) FROM raw_orders.orders", rows_max=9)
            answer = await runtime.warehouse.query(query, 30)
            names = [each.name for each in secrets.every(runtime.views.current)]
            return answer, names, runtime.secret_values.get("TOKEN")

    answer, names, value = asyncio.run(again())

    assert 1 == len([kind for kind in kinds(back) if kind == "backup_restored"])
    assert not (back / ".dango" / "restored.json").exists()
    assert [[500, sum(range(500))]] == json.loads(bytes(answer.rows))
    assert (["TOKEN"], SECRET) == (names, value)
    assert verify(back / ".dango" / "events.db").ok
    uploaded = back / "data" / "uploads" / "orders" / "a.csv"
    assert uploaded.read_bytes() == (shop / uploaded.relative_to(back)).read_bytes()


def test_an_encrypted_backup_opens_with_its_key_alone(shop, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, KEY)
    place, back = tmp_path / "backups", tmp_path / "back"

    async def live():
        async with running(shop) as runtime:
            return await backed_up(runtime, place)

    found = asyncio.run(live())

    assert found.encrypted
    stored = b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())
    assert b"SQLite format" not in stored
    assert b"sources" not in stored
    assert found.digest == restore.prove(str(place), None, tmp_path, quiet).digest
    monkeypatch.setenv(VARIABLE, "cd" * 32)
    with pytest.raises(BackupDamaged):
        restore.restore(str(place), back, None, quiet)
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(BackupKeyUnusable):
        restore.restore(str(place), back, None, quiet)
    assert not back.exists()


def _flip(backup):
    file = backup / "00000003"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize(
    "harm",
    [
        _flip,
        lambda backup: (backup / "00000002").unlink(),
        lambda backup: (backup / "manifest").write_bytes(b"{}"),
        lambda backup: shutil.copy(backup / "00000000", backup / "00000001"),
    ],
    ids=["flipped", "lost", "untold", "swapped"],
)
def test_a_damaged_backup_is_told_and_never_becomes_a_project(shop, tmp_path, harm):
    place, back = tmp_path / "backups", tmp_path / "back"

    async def live():
        async with running(shop) as runtime:
            return await backed_up(runtime, place)

    harm(place / asyncio.run(live()).backup)

    (tmp_path / "temp").mkdir()
    with pytest.raises(BackupDamaged):
        restore.prove(str(place), None, tmp_path / "temp", quiet)
    with pytest.raises(BackupDamaged):
        restore.restore(str(place), back, None, quiet)
    assert not (back / content.LOG).exists()


def test_a_backup_is_restored_into_nothing_that_holds_something(shop, tmp_path):
    place = tmp_path / "backups"

    async def live():
        async with running(shop) as runtime:
            await backed_up(runtime, place)

    asyncio.run(live())
    before = rows(shop)

    with pytest.raises(NotRestored):
        restore.restore(str(place), shop, None, quiet)
    with pytest.raises(NotRestored):
        restore.restore(str(tmp_path / "none"), tmp_path / "new", None, quiet)
    assert before == rows(shop)


def test_what_backups_take_of_the_disk_is_known_wherever_they_were_made(shop, tmp_path):
    async def live():
        async with running(shop) as runtime:
            found = await backed_up(runtime, tmp_path / "elsewhere")
            return found, (await runtime.gauges.machine()).sizes.backups

    found, size = asyncio.run(live())

    assert found.size_bytes < size < found.size_bytes + 100_000  # and its manifest


def test_a_clock_that_fails_takes_no_request_away(shop, monkeypatch):
    async def live():
        async with running(shop) as runtime:
            clock = runtime.clocks[0]
            await clock.stop()

            async def broken():
                raise ZeroDivisionError

            monkeypatch.setattr(clock, "look", broken)
            clock.start()
            await until(lambda: clock.problem is not None)
            platform = runtime.platform
            assert [None] * 3 == [check() for check in platform.checks]
            assert [clock.problem] == platform.clocks()

    asyncio.run(live())


def _left(tmp_path, back):
    """What a restore that was killed has left: beside, or in a folder that was there before."""
    if back.exists():
        return back / STAGE
    return tmp_path / f".back{STAGE}"


@pytest.mark.parametrize("there", [False, True], ids=["new", "folder"])
def test_a_restore_that_was_broken_off_is_done_again(shop, tmp_path, there):
    place, back = tmp_path / "backups", tmp_path / "back"

    async def live():
        async with running(shop) as runtime:
            return await backed_up(runtime, place)

    found = asyncio.run(live())
    if there:
        back.mkdir()
    volume = back.stat().st_ino if there else None
    stage = _left(tmp_path, back)
    inside = []

    def killed(done, _):
        inside.append(stage.is_dir() and not (back / ".dango").exists())
        if done == 2:
            shutil.copytree(stage, tmp_path / "left")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore.restore(str(place), back, None, killed)
    assert [True, True] == inside
    assert not stage.exists()
    shutil.move(tmp_path / "left", stage)
    with pytest.raises(ProjectInUse), Project(stage).held():
        restore.restore(str(place), back, None, quiet)
    restore.restore(str(place), back, None, quiet)

    assert not stage.exists()
    assert found.upto == rows(back)[-1][0]
    assert volume in {None, back.stat().st_ino}
    uploaded = back / "data" / "uploads" / "orders" / "a.csv"
    assert uploaded.read_bytes() == (shop / uploaded.relative_to(back)).read_bytes()


def test_the_newest_are_kept_and_the_clock_asks_once(shop, tmp_path):
    place = tmp_path / "backups"
    more = f"backups: {{to: {place}, every: '* * * * *', keep: 2}}\n"

    async def live():
        async with running(shop, more=more) as runtime:
            for _ in range(3):
                await backed_up(runtime, place)
                await asyncio.sleep(1)
            command = RequestBackup(to=str(place), due_at=runtime.writer._clock())
            asked = await runtime.writer.send(command, ANNA)
            again = await runtime.writer.send(command, ANNA)
            await until(lambda: backups.newest(runtime.views.current, 1)[0].ended_at is not None)
            return asked, again, backups.newest(runtime.views.current, 9)

    asked, again, known = asyncio.run(live())

    assert (1, 0) == (len(asked.recorded), len(again.recorded))
    assert ["made", "made", "removed", "removed"] == [each.status for each in known]
    assert {each.backup for each in known[:2]} == {path.name for path in place.iterdir()}


def test_a_backup_goes_to_a_bucket_and_comes_back(shop, tmp_path, monkeypatch):
    with buckets.serving("kept-1", secret=SECRET) as access:
        s3 = buckets.as_yaml(access)
        more = f"backups: {{to: 's3://kept-1/shop', s3: {s3}, keep: 1}}\n"

        async def live():
            async with running(shop, more=more) as runtime:
                await synced(runtime)
                await backed_up(runtime, "s3://kept-1/shop")
                await asyncio.sleep(1)
                return await backed_up(runtime, "s3://kept-1/shop")

        found = asyncio.run(live())
        assert (None, "made") == (found.error, found.status)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{access.endpoint}")
        proved = restore.restore("s3://kept-1/shop", tmp_path / "back", None, quiet)

    assert found.backup == proved.backup
    assert rows(shop)[: found.upto] == rows(tmp_path / "back")


def test_a_project_that_was_restored_and_served_never_calls_its_own_backup_failed(shop, tmp_path):
    """Whichever comes first, a command alone or a server; and one that breaks off in between."""
    place, back = tmp_path / "backups", tmp_path / "back"

    async def first():
        async with running(shop) as runtime:
            await let_in(runtime)
            await backed_up(runtime, place)

    asyncio.run(first())
    restore.restore(str(place), back, None, quiet, keep_keys=True)
    shutil.copy(shop / ".dango" / "master.key", back / ".dango" / "master.key")
    note = back / ".dango" / "restored.json"
    left = note.read_bytes()

    async def again(broken=None):
        async with running(back, broken=broken) as runtime:
            assert (False, False, True, True) == who_gets_in(runtime)
            await backed_up(runtime, place)
            return [each.status for each in backups.newest(runtime.views.current, 9)]

    assert ["made", "made"] == asyncio.run(again())
    note.write_bytes(left)
    assert ["made", "made", "made"] == asyncio.run(again())
    note.write_bytes(left)
    with pytest.raises(NoteUntold, match="event 5"):
        asyncio.run(again(broken=RuntimeError("event 5")))
    note.write_bytes(b"{")
    with pytest.raises(NoteUnreadable, match="restore it once more"):
        asyncio.run(again())
    assert 1 == kinds(back).count("backup_restored")
    assert "backup_failed" not in kinds(back)
