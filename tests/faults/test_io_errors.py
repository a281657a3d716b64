"""The disk answers a write or a sync of the log with an I/O error: nobody is told a lie.

After a sync that failed, nobody can know what is on the disk. So what was under way is answered
"outcome unknown", nothing is written any more, reading goes on, and a restart tells what is there.
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

ROUNDS = 2
READS = ("/api/sources", "/api/events", "/api/auth/api-keys", "/api/logs", "/api/admin/users", "/")
SYNCS_TRIED = 4
SOME = (("fdatasync", (1, 6)), ("pwrite64", (1, 19, 42)))
CALLS = ("fdatasync", "pwrite64")

pytestmark = pytest.mark.usefixtures("strace")


def fail_at(server: Server, call: str, number: int) -> Script:
    """The script against a log whose n-th call fails."""
    script = Script(server, f"{call}-{number}")
    files = (server.root / LOG, server.root / WAL)
    with injecting(server.pid, f"{call}:error=EIO:when={number}", files):
        assert script.run(ROUNDS, users=True)
    return script


def truthful(script: Script) -> bool:
    """Every answer says what is so; answers whether the disk failed at all."""
    failed = False
    for id, told in script.told.items():
        failed = failed or not told.acknowledged
        wanted = (503, "outcome_unknown") if failed else (told.status, None)
        assert wanted == (told.status, told.error_code), id
    admin = script.server.client(session="admin")
    assert dict.fromkeys(READS, 200) == {path: admin.get(path).status_code for path in READS}
    stands = script.server.get_ready() == 503
    # It may have failed after the last answer, when that was to be kept.
    assert stands or not failed
    return stands


def settle(script: Script, *, gently: bool) -> list[str]:
    """End the server, start it, ask again; answers which acknowledged ones are not there."""
    server = script.server
    if gently:
        server.stop()
    else:
        server.kill()
    server.start()
    stored = script.stored()
    lost = [id for id, told in script.told.items() if told.acknowledged and not stored[id]]
    script.again()
    assert script.wanted() == script.stored()
    script.tidy()
    return lost


def failing(template, root, places: Iterable[tuple[str, Iterable[int]]]) -> int:
    """How many of these places were reached; each is tried on the project that the last left."""
    failures = answers = unknown = 0
    with (
        contextlib.closing(Forks()) as forks,
        copied(template, root, forks=forks) as server,
    ):
        server.start()
        for call, numbers in places:
            for number in numbers:
                script = fail_at(server, call, number)
                if not truthful(script):
                    break
                failures += 1
                answers += len(script.told)
                unknown += sum(not told.acknowledged for told in script.told.values())
                assert [] == settle(script, gently=number % 2 == 0)
        Script(server, "end").sound()
    tell(f"{failures} I/O errors: {answers} answers, {unknown} of them unknown, 0 lost, 0 doubled")
    return failures


def test_an_io_error_is_answered_as_unknown_and_stops_the_writing(template, tmp_path):
    assert sum(len(n) for _, n in SOME) == failing(template, tmp_path / "project", SOME)


@pytest.mark.soak
def test_an_io_error_at_every_call_is_answered_as_unknown(template, tmp_path):
    every = [(call, itertools.count(1)) for call in CALLS]
    assert sum(len(n) for _, n in SOME) < failing(template, tmp_path / "project", every)


def test_a_success_without_a_commit_is_caught(template, tmp_path):
    with copied(template, tmp_path / "project", planted.program(planted.trusting)) as server:
        lost = []
        for number in range(1, SYNCS_TRIED + 1):  # one of them is the commit of a command
            server.start()
            script = fail_at(server, "fdatasync", number)
            server.kill()
            server.start()
            stored = script.stored()
            server.stop()
            lost += [id for id, told in script.told.items() if told.acknowledged and not stored[id]]
    tell(f"acknowledged although the commit had failed: {lost}")
    assert lost
