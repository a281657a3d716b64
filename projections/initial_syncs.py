"""The deploy token, and the last initial sync: its job tells the rest."""

from datetime import datetime
from typing import Final

import msgspec

from domain import initial_syncs
from domain.backups import BackupRestored
from domain.kernel import Recorded
from projections import syncs
from projections.engine import Projection, Reader, Rows, Table

TOKENS: Final = Table(
    name="deploy_tokens",
    columns={
        "one": "INTEGER NOT NULL",
        "proof": "TEXT NOT NULL",
        "job": "INTEGER",  # the run that it began; NULL: none yet
        "expires_at": "TEXT",
    },
    key=("one",),
)
RUNS: Final = Table(
    name="initial_syncs",
    columns={"one": "INTEGER NOT NULL", "job": "INTEGER NOT NULL", "cancelled": "INTEGER NOT NULL"},
    key=("one",),
)
SKIPPED: Final = Table(
    name="initial_skips",
    columns={"source": "TEXT NOT NULL", "job": "INTEGER NOT NULL"},
    key=("source", "job"),
)


def _issued(rows: Rows, e: initial_syncs.DeployTokenIssued, _: Recorded) -> None:
    expires_at = None if e.expires_at is None else e.expires_at.isoformat()
    rows.put(TOKENS, one=1, proof=e.proof, job=None, expires_at=expires_at)


def _started(rows: Rows, e: initial_syncs.InitialSyncStarted, r: Recorded) -> None:
    # The request is the next event of the same decision.
    rows.put(RUNS, one=1, job=r.position + 1, cancelled=0)
    if e.proof is not None:
        rows.put(TOKENS, one=1, proof=e.proof, job=r.position + 1, expires_at=None)


def _skipped(rows: Rows, e: initial_syncs.InitialSourceSkipped, _: Recorded) -> None:
    rows.put(SKIPPED, source=e.source, job=e.job)


def _restored(rows: Rows, e: BackupRestored, _: Recorded) -> None:
    if e.keys_ended:
        rows.clear(TOKENS)


def _cancelled(rows: Rows, e: initial_syncs.InitialSyncCancelled, _: Recorded) -> None:
    rows.put(RUNS, one=1, job=e.job, cancelled=1)


PROJECTION: Final = Projection(
    name="initial_syncs",
    tables=(TOKENS, RUNS, SKIPPED),
    on={
        initial_syncs.DeployTokenIssued: _issued,
        initial_syncs.InitialSyncStarted: _started,
        initial_syncs.InitialSourceSkipped: _skipped,
        initial_syncs.InitialSyncCancelled: _cancelled,
        BackupRestored: _restored,
    },
)


class InitialRun(msgspec.Struct, frozen=True, kw_only=True):
    """The last initial sync."""

    job: int
    cancelled: bool
    runs: tuple[syncs.Run, ...]
    skipped: frozenset[str]

    @property
    def ended(self) -> bool:
        """Whether all of its sources have."""
        return all(run.ended_at is not None for run in self.runs)


def last(reader: Reader) -> InitialRun | None:
    """The last initial sync; None before the first."""
    row = reader.row("SELECT job, cancelled FROM initial_syncs WHERE one = 1")
    if row is None:
        return None
    skipped = reader.rows("SELECT source FROM initial_skips WHERE job = :job", job=row[0])
    return InitialRun(
        job=row[0],
        cancelled=bool(row[1]),
        runs=tuple(syncs.of_job(reader, row[0])),
        skipped=frozenset(name for (name,) in skipped),
    )


def token_good(reader: Reader, proof: str, now: datetime) -> bool:
    """Whether a token may ask: it lives and has not begun a run, or its own run goes on."""
    row = reader.row("SELECT proof, job, expires_at FROM deploy_tokens WHERE one = 1")
    if row is None or row[0] != proof:
        return False
    if row[1] is None:
        return row[2] is None or now < datetime.fromisoformat(row[2])
    run = last(reader)
    return run is not None and run.job == row[1] and not run.ended
