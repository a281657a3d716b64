"""Vaults whose keys are changed: while others work in them, and by processes that die at it."""

import asyncio
import contextlib
import itertools
import time
from random import Random

from commands.kernel import Forget, Keep
from commands.secrets import VALUE, SetSecret
from infra import keys, master_keys
from infra.log.port import LogInUse
from infra.log.vault import Vault
from infra.master_keys import MasterKeys
from infra.vault_keys import Rotation
from tests.core import Clock, Core

MASTER = MasterKeys(bytes(range(32)))
ROOT = bytes(32)  # of tests.core
NAMES = 1_000
OPENS_MAX = 500  # tries, 0.01 s apart
FORGET, SET, CHANGE, READ = range(4)


def unseen(*_):
    """Nobody watches."""


class Kept(Core):
    """A core whose root key lies in its log, and whose vault has the keys that lie there."""

    def __init__(self, folder, *, masters=MASTER, rotation=Rotation, **more):
        super().__init__(folder, **more)
        if self.log.key(keys.ROOT_NAME) is None:
            self.log.begin()
            self.log.put_key(keys.ROOT_NAME, *masters.seal(keys.ROOT_NAME, ROOT))
            self.log.commit()
        self.vault.turn(keys.unlock(masters, self.log).ring)
        path = folder / "master.key"
        if not path.exists():
            path.touch(0o600)
            path.write_text(masters.keys[0].hex())
        self.rotation = rotation(self.log, self.vault, self.writer, path)

    def key_names(self):
        return sorted(name for name, *_ in self.log.all_keys())


class Tasks:
    """Four tasks over a thousand secrets, of which each is one task's; and what each must be."""

    def __init__(self, core):
        self.core, self.done, self.random = core, 0, Random(7)  # noqa: S311 - seeded
        self.may = {f"S{number}": {b"%d" % number} for number in range(NAMES)}
        self.wrong = []
        self._numbers = itertools.count()

    async def fill(self):
        """The first values: some end much later, some belong to somebody."""
        later = self.core.clock().replace(year=2030)
        await self.core.writer.keep(
            *(
                Keep(
                    VALUE,
                    name,
                    next(iter(values)),
                    later if number % 3 == 0 else None,
                    "anna" if number % 5 == 0 else None,
                )
                for number, (name, values) in enumerate(self.may.items())
            )
        )

    async def work(self, ended):
        """Until it has ended, and each task has done something."""
        await asyncio.gather(*(self._task(which, ended) for which in range(4)))

    async def _task(self, which, ended):
        names = [f"S{number}" for number in range(which, NAMES, 4)]
        self.random.shuffle(names)
        for name in itertools.cycle(names):
            await self._once(which, name)
            self.done += 1
            if ended.is_set():
                return

    async def _once(self, which, name):
        if which == READ:
            await asyncio.sleep(0)
            some = f"S{self.random.randrange(NAMES)}"
            if (found := self.core.vault.read(VALUE, some)) not in self.may[some]:
                self.wrong.append((some, found))
            return
        value = None if which == FORGET else b"value %d" % next(self._numbers)
        self.may[name] = {*self.may[name], value}  # while it is on its way
        if which == FORGET:
            await self.core.writer.keep(Forget(VALUE, name))
        elif which == SET:
            await self.core.send(SetSecret(secret=name, value=value, proof=value.decode()))
        else:
            await self.core.writer.keep(Keep(VALUE, name, value))
        self.may[name] = {value}

    def verdict(self):
        """How many are lost, wrong, revived; and wrong while they were read."""
        pairs = [(self.core.vault.read(VALUE, name), *may) for name, may in self.may.items()]
        bad = [(found, should) for found, should in pairs if found != should]
        lost = sum(found is None for found, _ in bad)
        revived = sum(should is None for _, should in bad)
        return lost, len(bad) - lost - revived, revived, len(self.wrong)


class Killed(BaseException):
    """The process is dead."""


class Fate:
    """Counts steps, and dies before the one that is named."""

    def __init__(self, last=None):
        self.last, self.steps = last, 0

    def step(self):
        if self.steps == self.last:
            raise Killed
        self.steps += 1


class Straight:
    """What a rotation needs of the writer, without a thread."""

    def __init__(self, log, fate):
        self._log, self._fate = log, fate

    async def transact(self, function):
        self._fate.step()
        self._log.begin()
        result = function()
        self._log.commit()
        return result

    async def call(self, function):
        self._fate.step()
        return function()


def opened(engine, path):
    """A log, as soon as the database has noticed that who held it is gone."""
    for _ in range(OPENS_MAX):
        try:
            return engine.recorder(path)
        except LogInUse:
            time.sleep(0.01)
    return engine.recorder(path)


class Process:
    """A process on a project: its log, its vault, its file of master keys."""

    def __init__(self, folder, engine, fate):
        self.path, self.fate = folder / "master.key", fate
        if not self.path.exists():
            master_keys.create(self.path)
        self.masters = master_keys.load(self.path)
        self.log = opened(engine, folder / "events.db")
        try:
            self.vault = Vault(self.log, keys.unlock(self.masters, self.log), Clock())
        except BaseException:
            self.log.close()
            raise
        self.rotation = Rotation(self.log, self.vault, Straight(self.log, fate), self.path)

    def keep(self, *changes):
        self.log.begin()
        self.vault.write(changes)
        self.log.commit()

    def rotate(self, job=1, *, master=False):
        return asyncio.run(self.rotation.rotate(job, master=master, on_progress=unseen))


@contextlib.contextmanager
def living(folder, engine, fate=None):
    """A process, until it ends or dies: what was not committed is gone then."""
    process = Process(folder, engine, fate or Fate())
    try:
        yield process
    finally:
        process.log.close()


def filled(process, number=10):
    process.keep(*(Keep("email", f"user-{each}", b"%d" % each) for each in range(number)))
    return {f"user-{each}": b"%d" % each for each in range(number)}
