"""What a log held after each of its commits, and which of these states an image shows."""

import hashlib
import sqlite3
import time
from enum import Enum
from pathlib import Path

import msgspec

from infra.log.sqlite import SQLiteLog
from infra.log.verify import verify
from tests.faults.disk import Disk, lay_out
from tests.faults.recording import Step, Written

LOG = ".dango/events.db"
WAL = f"{LOG}-wal"
TABLES = ("events", "event_tags", "vault", "keys", "policies")
WAL_HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24


class Verdict(Enum):
    """What became of what was promised."""

    KEPT = "kept"
    LOST = "lost"
    CORRUPT = "corrupt"


class State(msgspec.Struct, frozen=True):
    """All rows of all tables, as a digest, and the last position."""

    head: int
    digest: str


class Damaged(Exception):
    """SQLite finds the file damaged."""


class Judged(msgspec.Struct, frozen=True):
    """A verdict, and how long the recovery took."""

    verdict: Verdict
    recovery_s: float


def is_log(name: str) -> bool:
    """Whether a file is one of the log's, or a folder above them."""
    return name in (LOG, WAL, f"{LOG}-journal", ".dango")


def read(path: Path) -> State:
    """Open a log as a start does, with all that SQLite does to recover it.

    Raises sqlite3.Error, Damaged.
    """
    log = SQLiteLog(path)
    try:
        digest = hashlib.sha256()
        for table in TABLES:
            for row in log.connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2"):
                digest.update(repr(row).encode())
        if log.connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            raise Damaged
        return State(log.last, digest.hexdigest())
    finally:
        log.close()


class Commits:
    """The states of a log through a recorded run, in their order; each of them is proved."""

    def __init__(self, root: Path, steps: list[Step], folder: Path) -> None:
        self.states: list[State] = []
        self._ending = False
        disk = Disk(root, is_log)
        self._note(disk, folder / "state-0")
        for number, step in enumerate(steps, 1):
            disk.take(step)
            if self._ends_commit(step):
                self._note(disk, folder / f"state-{number}")

    def _note(self, disk: Disk, place: Path) -> None:
        place.mkdir()
        lay_out(disk.as_it_is(), place)
        state = read(place / LOG)
        # All rows of all tables are in the digest: what is proved of this file holds of every
        # image that shows the same state.
        proof = verify(place / LOG)
        assert (True, state.head) == (proof.ok, proof.head)
        if state not in self.states:
            self.states.append(state)

    def _ends_commit(self, step: Step) -> bool:
        """Whether the WAL has got the last page of a commit.

        A frame is a header and a page; bytes 4 to 8 of the header of a commit's last frame are not
        zero (sqlite.org/fileformat2.html#the_write_ahead_log).
        """
        if not isinstance(step, Written) or step.path != WAL or step.offset < WAL_HEADER_BYTES:
            return False
        if len(step.data) == FRAME_HEADER_BYTES:
            self._ending = any(step.data[4:8])
            return False
        return self._ending

    def judge(self, image: dict[str, bytes | None], acknowledged: int, place: Path) -> Judged:
        """Lay an image out, recover it, and compare it with what was promised."""
        place.mkdir()
        lay_out(image, place)
        begun = time.monotonic()
        if not (place / LOG).exists():
            return Judged(Verdict.LOST, 0.0)
        try:
            verdict = self._verdict(read(place / LOG), acknowledged)
        except (sqlite3.Error, Damaged):
            verdict = Verdict.CORRUPT
        return Judged(verdict, time.monotonic() - begun)

    def _verdict(self, state: State, acknowledged: int) -> Verdict:
        # Not one of the states that there were: a commit that is there in part, or one that those
        # behind it stand on is missing.
        if state not in self.states:
            return Verdict.CORRUPT
        promised = next(n for n, each in enumerate(self.states) if each.head >= acknowledged)
        return Verdict.KEPT if state in self.states[promised:] else Verdict.LOST
