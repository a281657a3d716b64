"""What a log held after each of its commits, and which of these states an image shows."""

import contextlib
import hashlib
import sqlite3
import time
from enum import Enum
from pathlib import Path

import msgspec

from infra.log.sqlite import SQLiteLog
from infra.log.verify import verify
from tests.faults.disk import Disk, lay_out
from tests.faults.recording import Acknowledged, Step, Written

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


def is_log(name: str) -> bool:
    """Whether a file is one of the log's, or a folder above them."""
    return name in (LOG, WAL, f"{LOG}-journal", ".dango")


def read(path: Path) -> State:
    """Open a log as a start does, with all that SQLite does to recover it. Raises sqlite3.Error."""
    log = SQLiteLog(path)
    try:
        digest = hashlib.sha256()
        for table in TABLES:
            for row in log.connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2"):
                digest.update(repr(row).encode())
        return State(log.last, digest.hexdigest())
    finally:
        log.close()


class Commits:
    """The states of a log through a recorded run, in their order."""

    def __init__(self, root: Path, steps: list[Step], folder: Path) -> None:
        self.states: list[State] = []
        disk, number = Disk(root, is_log), 0
        for step in [Acknowledged(0), *steps]:
            disk.take(step)
            if step == Acknowledged(0) or self._ends_commit(step):
                number += 1
                place = folder / f"state-{number}"
                place.mkdir()
                lay_out(disk.as_it_is(), place)
                state = read(place / LOG)
                if not self.states or self.states[-1] != state:
                    self.states.append(state)

    @staticmethod
    def _ends_commit(step: Step) -> bool:
        """Whether a page of the WAL was written: the state that it leads to may be a new one."""
        return (
            isinstance(step, Written)
            and step.path == WAL
            and step.offset >= WAL_HEADER_BYTES
            and len(step.data) > FRAME_HEADER_BYTES
        )

    def judge(self, image: dict[str, bytes | None], acknowledged: int, place: Path) -> "Judged":
        """Lay an image out, recover it, and compare it with what was promised."""
        place.mkdir()
        lay_out(image, place)
        if not (place / LOG).exists():
            return Judged(Verdict.LOST, 0.0)
        begun = time.monotonic()
        try:
            state = read(place / LOG)
            took_s = time.monotonic() - begun
            return Judged(self._verdict(state, acknowledged, place / LOG), took_s)
        except sqlite3.Error:
            return Judged(Verdict.CORRUPT, time.monotonic() - begun)

    def _verdict(self, state: State, acknowledged: int, log: Path) -> Verdict:
        with contextlib.closing(sqlite3.connect(log)) as database:
            sound = database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        proof = verify(log)
        if not sound or not proof.ok or proof.head != state.head:
            return Verdict.CORRUPT
        promised = next(n for n, each in enumerate(self.states) if each.head >= acknowledged)
        # Not one of the states that there were: a commit that is there in part, or one that the
        # next ones stand on is missing.
        if state not in self.states:
            return Verdict.CORRUPT
        return Verdict.KEPT if state in self.states[promised:] else Verdict.LOST


class Judged(msgspec.Struct, frozen=True):
    """A verdict, and how long the recovery took."""

    verdict: Verdict
    recovery_s: float
