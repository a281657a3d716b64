"""The process is killed at the n-th system call that changes the disk, for one n after the other.

After each kill the server is started again on what is there, everything that was not acknowledged
is asked for again under its Idempotency-Key, and the next kill follows.
"""

import contextlib
import itertools
from collections.abc import Iterable

import pytest

from tests.faults import planted
from tests.faults.commits import LOG, WAL
from tests.faults.script import Script
from tests.faults.tracing import injecting
from tests.server.forks import Forks
from tests.server.harness import Server, copied, tell

CALLS = ("pwrite64", "fdatasync")
ROUNDS = 2  # of a key made and taken back; then an account
# The writer's thread makes about 120 and 10 of them in that time.
SOME = (("pwrite64", (1, 30, 61, 95)), ("fdatasync", (1, 4, 8)))

pytestmark = pytest.mark.usefixtures("strace")


class Kills:
    """One project that is killed again and again."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.acknowledged = self.unsure = self.kills = 0
        self.lost: list[str] = []
        self.doubled: list[str] = []

    def kill_at(self, call: str, number: int) -> bool:
        """Kill it there, start it again, and settle accounts; False when the script was over."""
        server = self.server
        script = Script(server, f"{call}-{number}")
        with injecting(server.pid, f"{call}:signal=KILL:when={number}"):
            survived = script.run(ROUNDS, users=True)
        if not survived:
            server.kill()  # it is dead; this waits for its children
            server.start()
        promised = {id for id, told in script.told.items() if told.acknowledged}
        self.lost += [id for id, types in script.stored().items() if id in promised and not types]
        self.unsure += len(script.again())
        stored = script.stored()
        self.lost += [id for id, types in stored.items() if not types]
        self.doubled += [id for id, types in stored.items() if len(types) > 1]
        self.acknowledged += len(promised)
        self.kills += not survived
        script.tidy()
        return not survived

    def settled(self) -> None:
        tell(
            f"{self.kills} kills: {self.acknowledged} acknowledged, {self.unsure} unknown and asked"
            f" again, {len(self.lost)} lost, {len(self.doubled)} doubled"
        )
        assert [] == self.lost
        assert [] == self.doubled


def killed(template, root, boundaries: Iterable[tuple[str, Iterable[int]]]) -> Kills:
    with (
        contextlib.closing(Forks()) as forks,
        copied(template, root, forks=forks) as server,
    ):
        kills = Kills(server)
        server.start()
        for call, numbers in boundaries:
            for number in numbers:
                if not kills.kill_at(call, number):
                    break
        Script(server, "end").sound()
    return kills


def test_a_kill_at_some_calls_loses_nothing_and_doubles_nothing(template, tmp_path):
    kills = killed(template, tmp_path / "project", SOME)
    assert sum(len(numbers) for _, numbers in SOME) == kills.kills
    kills.settled()


@pytest.mark.soak
def test_a_kill_at_every_call_loses_nothing_and_doubles_nothing(template, tmp_path):
    kills = killed(template, tmp_path / "project", [(call, itertools.count(1)) for call in CALLS])
    assert kills.kills > sum(len(numbers) for _, numbers in SOME)
    kills.settled()


def test_answers_before_the_commit_are_caught(template, tmp_path):
    with copied(template, tmp_path / "project", planted.program(planted.hasty)) as server:
        server.start()
        script = Script(server, "canary")
        files = (server.root / LOG, server.root / WAL)
        with injecting(server.pid, "pwrite64:signal=KILL:when=30", files):
            assert not script.run(ROUNDS * 10)
        server.kill()
        server.start()
        stored = script.stored()
    lost = [id for id, told in script.told.items() if told.acknowledged and not stored[id]]
    tell(f"answered before the commit: {len(lost)} lost")
    assert lost
