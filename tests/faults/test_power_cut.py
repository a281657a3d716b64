"""The power goes at any moment: what was acknowledged is on the disk, and the log is sound.

A `kill -9` leaves the system's cache alone and so proves nothing about fsync. Here the real server
is recorded, system call by system call, and at every point of the recording the disk is rebuilt as
a power cut may leave it (disk.py says how); the real recovery code opens it. An acknowledgement is
the moment at which the server begins to send a successful answer: its own `sendto` in the trace.
"""

import itertools
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from tests.faults import planted
from tests.faults.commits import Commits, Judged, Verdict, is_log
from tests.faults.disk import Disk, lay_out
from tests.faults.recording import Recording, Step
from tests.faults.script import Script
from tests.faults.tracing import recorder, tracer_of
from tests.server.harness import ROOT, SERVE, Server, copied, lives, tell, until
from tests.server.template import ORDERS_ROWS

SEED = int(os.environ.get("DANGO_TEST_SEED", "20261121"))
IMAGES, IMAGES_SOAK = 1_000, 20_000
CANARY_IMAGES = 150
CANARY_SHARE_MIN = 0.5
WHOLE, WHOLE_SOAK = 2, 40  # images on which a whole server is started
ROUNDS, ROUNDS_SOAK = 6, 60  # of a key made and taken back, in each of the two lives
RECOVERY_S_MAX = 2.0
RUNNING = 409
COUNT = "select count(*) from raw_orders.orders"

pytestmark = pytest.mark.usefixtures("strace")


def live(server: Server, trace: Path, name: str, rounds: int, *, last: bool) -> None:
    """One life of the server, recorded: from its start to a stop, or to its sudden end."""
    server.under = recorder(trace)
    server.start()
    script, tracer = Script(server, name), tracer_of(server.pid)
    # Two at once, so that commands share a commit.
    with ThreadPoolExecutor(2) as pool:
        both = (script, Script(server, f"{name}-beside"))
        assert all(pool.map(lambda each: each.run(rounds, users=True), both))
    admin = server.client(session="admin")
    assert "success" == server.sync(admin, "orders")["status"]
    assert script.run(1)
    if last:
        server.kill()
    else:
        server.stop()
    until(lambda: not lives(tracer))


def record(server: Server, folder: Path, rounds: int) -> list[Step]:
    """Two lives, so that a stop and a start between them are cut too."""
    recording, steps = Recording(server.root), []
    for number in (1, 2):
        trace = folder / f"trace-{number}"
        live(server, trace, f"life{number}", rounds, last=number == 2)
        steps += recording.steps(trace)
    return steps


class Cuts:
    """A recording, and the moments at which it is cut."""

    def __init__(self, template: Path, steps: list[Step], folder: Path) -> None:
        self._template, self._steps, self._folder = template, steps, folder
        self._numbers = itertools.count()
        self.commits = Commits(template, steps, folder)

    def judged(self, images: int, random: Random) -> list[Judged]:
        """So many images of the log, at all moments alike; several of a moment if need be."""
        moments = sum(map(Disk(self._template, is_log).take, self._steps))
        disk, seen, made, found = Disk(self._template, is_log), 0, 0, []
        for step in self._steps:
            if not disk.take(step):
                continue
            seen += 1
            while made < images * seen // moments:
                made += 1
                image = disk.after_cut(random)
                judged = self._judged(image, disk.acknowledged)
                if judged.recovery_s > RECOVERY_S_MAX:  # by itself, or did the machine stop us?
                    again = self._judged(image, disk.acknowledged)
                    assert judged.verdict is again.verdict
                    judged = again
                found.append(judged)
        return found

    def _judged(self, image: dict[str, bytes | None], acknowledged: int) -> Judged:
        place = self._folder / f"image-{next(self._numbers)}"
        judged = self.commits.judge(image, acknowledged, place)
        shutil.rmtree(place)
        return judged

    def unsafe(self) -> set[str]:
        """What a cut at the end may take from the files of the project."""
        disk = Disk(self._template)
        for step in self._steps:
            disk.take(step)
        return disk.unsafe()

    def whole(self, count: int, random: Random) -> Iterator[tuple[dict[str, bytes | None], int]]:
        """Images of all files of the project, and what was acknowledged by then."""
        every = len(self._steps) / count
        chosen = {int(every * (number + random.random())) for number in range(count)}
        disk = Disk(self._template)
        for number, step in enumerate(self._steps):
            disk.take(step)
            if number in chosen:
                yield disk.after_cut(random), disk.acknowledged


def power_cuts(
    template, folder: Path, memory: Path, *, images: int, rounds: int, whole: int
) -> None:
    with copied(template, folder / "project") as server:
        before = folder / "before"
        shutil.copytree(server.root, before)
        steps = record(server, folder, rounds)
    random = Random(SEED)  # noqa: S311 - the same images for the same seed
    cuts, begun = Cuts(before, steps, memory), time.monotonic()
    found = cuts.judged(images, random)
    took_s, slowest_s = time.monotonic() - begun, max(each.recovery_s for each in found)
    counts = Counter(each.verdict for each in found)
    tell(
        f"{images} images of {len(cuts.commits.states)} commits, seed {SEED}: {dict(counts)},"
        f" the slowest recovery {slowest_s * 1e3:.0f} ms, {took_s:.1f} s in all"
    )
    assert {Verdict.KEPT: images} == counts
    assert RECOVERY_S_MAX > slowest_s
    assert set() == {name for name in cuts.unsafe() if name.endswith(".parquet")}
    starts = [
        started(template, folder / f"whole-{number}", image, acknowledged)
        for number, (image, acknowledged) in enumerate(cuts.whole(whole, random))
    ]
    usual_s = statistics.median(starts)
    tell(f"{whole} servers on whole images: ready after {usual_s:.2f} s, {max(starts):.2f} at most")


def sync(server: Server) -> None:
    """A sync, after those that go on already: one that was cut short is tried again by itself."""
    admin, path = server.client(session="admin"), "/api/sources/orders/sync"
    while (answer := admin.post(path, json={})).status_code == RUNNING:
        server.job(admin, answer.json()["job_id"])
    assert "success" == server.job(admin, answer.json()["job_id"])["status"]


def started(template, root: Path, image: dict[str, bytes | None], acknowledged: int) -> float:
    """Start a server on an image, on a machine that was started anew, and look at everything."""
    root.mkdir()
    lay_out(image, root)
    server = Server(root, template[1], planted.program(planted.rebooted))
    try:
        took_s = server.start()
        admin = server.client(session="admin")
        script = Script(server, "after")
        assert acknowledged <= server.head(admin)
        if server.events(admin, type="sync_completed"):
            assert [[ORDERS_ROWS]] == server.rows(admin, COUNT)
        assert script.run(1, users=True)
        sync(server)
        assert [[ORDERS_ROWS]] == server.rows(admin, COUNT)
        script.sound()
    finally:
        server.close()
        shutil.rmtree(root)
    return took_s


def test_a_new_project_is_on_the_disk_when_init_has_ended(tmp_path):
    place, trace = tmp_path / "place", tmp_path / "trace"
    place.mkdir()
    recording, disk = Recording(place), Disk(place)
    init = (sys.executable, *SERVE, "init", "shop", "--admin-email", "ada@example.org")
    stay = tuple(part for part in recorder(trace) if part != "-D")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run((*stay, *init), cwd=place, env=environment, check=True, stdout=subprocess.PIPE)
    for step in recording.steps(trace):
        disk.take(step)
    for name in (".dango/events.db", ".dango/master.key", "warehouse/catalog.sqlite"):
        assert f"shop/{name}" in disk.safe
    # Made anew, or of no worth, without this process.
    disposable = (
        "shop/.dango/views-",
        "shop/.dango/seen.db",
        "shop/.dango/tmp",
        "shop/.dango/lock",
    )
    assert set() == {name for name in disk.unsafe() if not name.startswith(disposable)}


@pytest.mark.timeout(300)  # seconds; it takes 20, but not on a machine that has much else to do
def test_no_power_cut_takes_what_was_acknowledged(template, tmp_path, memory):
    power_cuts(template, tmp_path, memory, images=IMAGES, rounds=ROUNDS, whole=WHOLE)


@pytest.mark.soak
def test_no_power_cut_of_a_long_run_takes_what_was_acknowledged(template, tmp_path, memory):
    power_cuts(template, tmp_path, memory, images=IMAGES_SOAK, rounds=ROUNDS_SOAK, whole=WHOLE_SOAK)


def test_a_log_that_is_not_synced_is_caught(template, tmp_path, memory):
    program = planted.program(planted.unsynced)
    with copied(template, tmp_path / "project", program) as server:
        before = tmp_path / "before"
        shutil.copytree(server.root, before)
        recording = Recording(server.root)
        live(server, tmp_path / "trace", "canary", ROUNDS, last=True)
        steps = [*recording.steps(tmp_path / "trace")]
    cuts = Cuts(before, steps, memory)
    random = Random(SEED)  # noqa: S311 - the same images for the same seed
    counts = Counter(each.verdict for each in cuts.judged(CANARY_IMAGES, random))
    tell(f"without fsync, {CANARY_IMAGES} images: {dict(counts)}")
    assert CANARY_IMAGES * CANARY_SHARE_MIN <= counts[Verdict.LOST] + counts[Verdict.CORRUPT]
