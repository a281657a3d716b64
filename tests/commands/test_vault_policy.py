"""New keys that were asked for are made; a job that a process died at is carried out again."""

import asyncio

import pytest

from commands.policies import tries
from commands.policies.jobs import BUG
from commands.ports import WorkFailed
from commands.vault import EndVaultRotation, Rotated, RotateVault
from domain import vault
from infra import policies, vault_keys
from infra.policies import Runner
from projections import vault as rotations
from projections.live import Ring
from tests.commands.syncing import ANNA, Unsteady
from tests.infra.rotating import Kept
from tests.patience import until


class VaultKeys:
    """A rotation lasts until the test says how it ends."""

    master_given = False

    def __init__(self):
        self.begun, self._end = [], None

    async def rotate(self, job, *, master, on_progress):
        self.begun.append((job, master))
        on_progress(vault_keys.Progress(phase="sealing anew", done=3, total=7))
        self._end = asyncio.get_running_loop().create_future()
        return await self._end

    def end(self, result):
        if isinstance(result, Exception):
            self._end.set_exception(result)
        else:
            self._end.set_result(result)


DONE = Rotated(key_id="k1", rows=7)


class Platform:
    def __init__(self, core, keys):
        self.core, self.keys, self.bus = core, keys or core.rotation, Unsteady(core.writer)
        self.ring = Ring(0)
        self.policy = vault_keys.policy(
            self.bus, self.keys, core.views, self.event, ring=self.ring, clock=core.clock
        )
        self.runner = Runner(core.log, core.codec, core.writer, [self.policy])

    def event(self, position):
        return next(item for item in self.core.stored() if item.position == position)

    async def ask(self, **how):
        return (await self.core.send(RotateVault(**how), ANNA)).position

    def endings(self):
        return [e.event for e in self.core.stored() if "requested" not in e.type]


@pytest.fixture
def process(tmp_path, monkeypatch):
    """Run a part of a story in a process of its own."""
    monkeypatch.setattr(tries, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(policies, "RETRY_S", 0.01)

    def lived(part, *, keys=None, runs=True, failures=()):
        async def live():
            async with Kept(tmp_path) as core:
                platform = Platform(core, keys)
                platform.bus.failures = list(failures)
                if runs:
                    await platform.runner.start()
                try:
                    return await part(platform)
                finally:
                    await platform.runner.stop()

        return asyncio.run(live())

    return lived


def test_new_keys_are_made_and_it_is_told_how_far_that_is(process):
    async def part(platform):
        job = await platform.ask(master=True)
        await until(lambda: platform.keys.begun)
        frames = platform.ring.read(0, 9)
        assert ["vault_rotation_progress"] == [frame.kind for frame in frames]
        assert ["config.manage"] == [frame.permission for frame in frames]
        assert 3 == platform.policy.progress.done
        platform.keys.end(DONE)
        await until(platform.endings)
        return job, platform.keys.begun, platform.endings()

    job, begun, (ending,) = process(part, keys=VaultKeys())

    assert [(job, True)] == begun
    assert (job, "k1", 7, True) == (ending.job, ending.key_id, ending.rows, ending.master)


@pytest.mark.parametrize(
    ("error", "reason"), [(WorkFailed("No room."), "No room."), (ZeroDivisionError(), BUG)]
)
def test_a_rotation_that_fails_says_why_and_the_next_one_can_be_asked_for(process, error, reason):
    async def part(platform):
        await platform.ask()
        await until(lambda: platform.keys.begun)
        platform.keys.end(error)
        await until(platform.endings)
        await platform.ask()
        await until(lambda: len(platform.keys.begun) == 2)
        return platform.endings()

    assert [vault.VaultRotationFailed(job=1, reason=reason)] == process(part, keys=VaultKeys())


def test_what_a_dead_process_was_at_is_carried_out_once_more_and_only_once(process):
    async def begun(platform):
        await platform.ask()
        await until(lambda: platform.keys.begun)

    async def part(platform):
        await until(platform.endings)
        await asyncio.sleep(0.05)
        assert 1 == len(platform.endings())
        assert platform.endings()[0].key_id == platform.core.vault.ring.current
        assert ["root", "vault 1"] == platform.core.key_names()
        return rotations.one(platform.core.views.current, 1)

    process(begun, keys=VaultKeys())
    found = process(part)
    process(part)

    assert ("rotated", "user:anna", None) == (found.status, found.requested_by, found.error)


def test_an_ending_that_cannot_be_written_is_written_later(process):
    async def part(platform):
        await platform.ask()
        await until(platform.endings)
        return platform.endings()

    failures = [(EndVaultRotation, vault_keys.StorageFull())] * 2
    (ending,) = process(part, failures=failures)

    assert isinstance(ending, vault.VaultRotated)
