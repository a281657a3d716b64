"""The keys of a vault are changed while others work in it: nothing is lost, wrong or revived."""

import asyncio
import functools
import itertools

import pytest

from commands.kernel import Keep, Overloaded, StorageFull
from commands.ports import WorkFailed
from commands.secrets import VALUE
from infra import keys, master_keys, vault_keys
from infra.log import vault as vaults
from infra.log.places import archive
from infra.log.vault import Page
from infra.master_keys import KeyUnusable, MasterKeys
from infra.vault_keys import Rotation
from tests.engines import SQLite
from tests.infra.rotating import NAMES, Fate, Kept, Killed, Tasks, filled, living, unseen
from tests.patience import until
from tests.server.harness import tell


async def worked(core, job):
    """Change the keys while four tasks work; answers what came of both."""
    tasks, ended = Tasks(core), asyncio.Event()
    await tasks.fill()
    working = asyncio.create_task(tasks.work(ended))
    await until(lambda: tasks.done > 20)
    try:
        done = await core.rotation.rotate(job, master=False, on_progress=unseen)
    finally:
        ended.set()
        await working
    return tasks, done


def test_a_rotation_under_load_loses_nothing_and_leaves_nothing_under_the_old_key(memory, engine):
    async def live():
        async with Kept(memory, recorder=engine.recorder) as core:
            await core.rotation.rotate(1, master=False, on_progress=unseen)
            first, old = core.vault.ring.current, core.log.key("vault 1")
            tasks, done = await worked(core, 2)
            assert (0, 0, 0, 0) == tasks.verdict()
            assert first != core.vault.ring.current == done.key_id
            assert {done.key_id} == set(core.vault.counts())
            assert ["root", "vault 2"] == core.key_names()
            assert None is core.vault.ring.cipher(first)
            await core.writer.call(core.log.erase)
            assert core.vault.prove() == sum(core.vault.counts().values())
            left = b"".join(path.read_bytes() for path in memory.glob("events.db*"))
            assert not any(part in left for part in old)
            return tasks.done, done.rows

    operations, rows = asyncio.run(live())
    tell(f"{engine.name}: {operations} operations beside {rows} of {NAMES} sealed anew: 0 lost")


class Careless(Rotation):
    """Reads rows before the transaction that writes them."""

    async def _seal_all(self, on_progress):
        rows = archive(self._log.place).beside(self._log.place).vault
        for at in range(0, len(rows), 50):
            fresh = [
                Keep(row.kind, row.id, self._vault._open(row, self._vault.ring))
                for row in rows[at : at + 50]
            ]
            await self._writer.transact(functools.partial(self._vault.write, fresh))
        return Page(None, len(rows))


def test_a_rotation_that_reads_outside_of_its_transaction_is_found_out(memory):
    async def live():
        async with Kept(memory, rotation=Careless) as core:
            tasks, _ = await worked(core, 1)
            return tasks.verdict()

    _, wrong, revived, _ = asyncio.run(live())

    assert wrong > 0
    assert revived > 0


@pytest.fixture
def small(monkeypatch):
    """Pages of a few rows, without pauses."""
    monkeypatch.setattr(vaults, "PAGE_ROWS", 4)
    monkeypatch.setattr(vault_keys, "PAUSE_S_MAX", 0)


def read(process, values):
    return {id: process.vault.read("email", id) for id in values}


def killed(folder, engine, monkeypatch, last):
    """Let a process die before this step of a change of both keys, if it has so many."""
    with living(folder, engine) as process:
        process.rotate(1)
        values, first = filled(process), process.masters
    fate = Fate(last)
    with monkeypatch.context() as patched, living(folder, engine, fate) as process:
        arm(patched, fate)
        try:
            process.rotate(2, master=True)
        except Killed:
            return True, values, first
    return False, values, first


def arm(patched, fate):
    """Changes of the file of master keys are steps too."""
    write, sync = master_keys._write, master_keys.durable.sync

    def stepped(path, found):
        fate.step()
        write(path, found)
        fate.step()

    def synced(path):
        fate.step()
        sync(path)

    patched.setattr(master_keys, "_write", stepped)
    patched.setattr(master_keys.durable, "sync", synced)


def again(folder, engine, values, first):
    """The next start after a death: it reads all, and does the job again."""
    with living(folder, engine) as process:
        assert values == read(process, values)
        assert len(values) == process.vault.prove()
        process.rotate(2, master=True)
        assert values == read(process, values)
        assert {process.vault.ring.current: len(values)} == process.vault.counts()
        assert ["root", "vault 2"] == sorted(name for name, *_ in process.log.all_keys())
        assert 1 == len(master_keys.load(process.path).keys)
        with pytest.raises(KeyUnusable, match="not the one of this project"):
            keys.read(first, process.log)
    with living(folder, engine) as process:
        assert values == read(process, values)


@pytest.mark.usefixtures("small")
def test_killed_at_any_step_a_project_starts_and_the_job_is_done(tmp_path, engine, monkeypatch):
    """Of each step in turn: all is read, the job is carried out again, and one key is left."""
    for last in itertools.count():
        folder = tmp_path / str(last)
        folder.mkdir()
        died, values, first = killed(folder, engine, monkeypatch, last)
        again(folder, engine, values, first)
        if not died:
            break
    assert 15 == last
    tell(f"{engine.name}: killed at each of {last} steps of a change of both keys, all read after")


@pytest.mark.usefixtures("small")
def test_a_change_that_forgets_the_old_master_key_too_early_is_found_out(tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(
            MasterKeys, "followed_by", lambda self, key: MasterKeys(key, path=self.path)
        )
        _, values, first = killed(tmp_path, SQLite(), patched, 3)

    with pytest.raises(KeyUnusable, match="not the one of this project"):
        again(tmp_path, SQLite(), values, first)


class Refusing:
    """A writer that turns the first calls away."""

    def __init__(self, error):
        self.left, self.error = 2, error

    async def transact(self, _):
        self.left -= 1
        raise self.error if self.left >= 0 else Killed

    call = transact


@pytest.mark.parametrize(
    ("error", "ends"), [(Overloaded(retry_after=0), Killed), (StorageFull(), WorkFailed)]
)
def test_a_writer_without_room_is_asked_again_and_a_full_disk_ends_it(tmp_path, error, ends):
    master_keys.create(tmp_path / "master.key")
    rotation = Rotation(None, None, Refusing(error), tmp_path / "master.key")

    with pytest.raises(ends):
        asyncio.run(rotation.rotate(1, master=False, on_progress=unseen))


def test_secrets_of_sources_are_told_from_each_other_after_it(tmp_path, engine):
    """The digest of a value is that of before: it comes from the root key, which stays."""
    with living(tmp_path, engine) as process:
        digest = process.vault.digest(VALUE, "x")
        process.rotate(1, master=True)
        assert digest == process.vault.digest(VALUE, "x")
    with living(tmp_path, engine) as process:
        assert digest == process.vault.digest(VALUE, "x")
