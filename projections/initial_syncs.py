"""The deploy token, and the last initial sync: its job tells the rest."""

from typing import Final

import msgspec

from domain import initial_syncs
from domain.kernel import Recorded
from projections import syncs
from projections.engine import Projection, Reader, Rows, Table

TOKENS: Final = Table(
    name="deploy_tokens",
    columns={"one": "INTEGER NOT NULL", "proof": "TEXT NOT NULL", "spent": "INTEGER NOT NULL"},
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
    rows.put(TOKENS, one=1, proof=e.proof, spent=0)


def _started(rows: Rows, e: initial_syncs.InitialSyncStarted, r: Recorded) -> None:
    # The request is the next event of the same decision.
    rows.put(RUNS, one=1, job=r.position + 1, cancelled=0)
    if e.proof is not None:
        rows.put(TOKENS, one=1, proof=e.proof, spent=1)


def _skipped(rows: Rows, e: initial_syncs.InitialSourceSkipped, _: Recorded) -> None:
    rows.put(SKIPPED, source=e.source, job=e.job)


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


def token_good(reader: Reader, proof: str) -> bool:
    """Whether a token may ask: it has not begun a run, or its run goes on."""
    row = reader.row("SELECT proof, spent FROM deploy_tokens WHERE one = 1")
    if row is None or row[0] != proof:
        return False
    run = last(reader) if row[1] else None
    return run is None or not run.ended
