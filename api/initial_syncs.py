"""/api/initial-sync: the first sync of a deployment, begun with a deploy token or by an admin."""

from datetime import datetime
from typing import Final

import msgspec

from api.authentication import deploy_proof
from api.call import Call
from commands.initial_syncs import (
    CancelInitialSync,
    IssueDeployToken,
    SkipInitialSource,
    StartInitialSync,
)
from domain.initial_syncs import MARK, TOKEN_LIFE, NoInitialSync
from projections import initial_syncs, sources, syncs

OPEN: Final = ("running", "queued")


class DeployToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token, shown this once; it is good for one initial sync, begun before it expires."""

    token: str
    expires_at: datetime


class InitialSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What was done."""

    status: str
    message: str
    job_id: int | None = None


class InitialFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A source that was not loaded."""

    name: str
    error: str


class InitialStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far the initial sync is; `phase` is idle, syncing, complete, cancelled or failed."""

    phase: str
    job_id: int | None = None
    total_sources: int = 0
    current_source_index: int = 0
    current_source_name: str | None = None
    completed_sources: list[str] = []
    failed_sources: list[InitialFailure] = []
    skipped_sources: list[str] = []
    cancel_requested: bool = False
    skip_current_requested: bool = False
    started_at: datetime | None = None
    completed_at: datetime | None = None
    error: str | None = None
    sources: dict[str, str] = {}  # each source's state


async def issue_token(call: Call) -> DeployToken:
    """Make a deploy token; one before it is good no more."""
    token = MARK + call.platform.new_token()
    proof, expires_at = deploy_proof(token, call.platform), call.platform.clock() + TOKEN_LIFE
    await call.send(IssueDeployToken(proof=proof, expires_at=expires_at))
    return DeployToken(token=token, expires_at=expires_at)


async def start(call: Call) -> InitialSaid:
    """Start the initial sync of all enabled sources."""
    names = tuple(each.config.name for each in sources.every(call.views) if each.config.enabled)
    if not names:
        return InitialSaid(status="skipped", message="No source is enabled.")
    outcome = await call.send(StartInitialSync(sources=names, proof=call.caller.deploy))
    job = outcome.recorded[-1].position
    return InitialSaid(status="started", message=f"Syncing {len(names)} source(s)", job_id=job)


async def status(call: Call) -> InitialStatus:
    """Tell how far the initial sync is."""
    run = initial_syncs.last(call.views)
    if run is None:
        return InitialStatus(phase="idle")
    done = [each for each in run.runs if each.status == "success"]
    failed = [each for each in run.runs if each.status in ("failed", "interrupted")]
    current = _current(run)
    ended = [each.ended_at for each in run.runs if each.ended_at is not None]
    return InitialStatus(
        phase=_phase(run, done),
        job_id=run.job,
        total_sources=len(run.runs),
        current_source_index=len(ended),
        current_source_name=None if current is None else current.source,
        completed_sources=[each.source for each in done],
        failed_sources=[InitialFailure(name=e.source, error=e.error or "") for e in failed],
        skipped_sources=sorted(run.skipped),
        cancel_requested=run.cancelled,
        skip_current_requested=current is not None and current.source in run.skipped,
        started_at=min(each.requested_at for each in run.runs) if run.runs else None,
        completed_at=max(ended) if run.ended and ended else None,
        error="; ".join(f"{e.source}: {e.error}" for e in failed if e.error) or None,
        sources={e.source: "skipped" if e.source in run.skipped else e.status for e in run.runs},
    )


async def skip_source(call: Call) -> InitialSaid:
    """Skip the source that is being synced."""
    run = _going(call)
    current = _current(run)
    if current is None:
        raise NoInitialSync
    await call.send(SkipInitialSource(source=current.source, job=run.job))
    return InitialSaid(status="ok", message=f"Skipping {current.source}", job_id=run.job)


async def cancel(call: Call) -> InitialSaid:
    """Cancel the initial sync; what was published stays."""
    run = _going(call)
    names = tuple(each.source for each in run.runs if each.status in OPEN)
    await call.send(CancelInitialSync(sources=names, job=run.job))
    return InitialSaid(status="ok", message="Cancellation requested", job_id=run.job)


def _going(call: Call) -> initial_syncs.InitialRun:
    run = initial_syncs.last(call.views)
    if run is None or run.ended:
        raise NoInitialSync
    return run


def _current(run: initial_syncs.InitialRun) -> syncs.Run | None:
    """The one that runs, else the next one; what is being skipped comes last."""
    left = [each for each in run.runs if each.status in OPEN]
    left.sort(key=lambda each: (each.source in run.skipped, each.status != "running"))
    return left[0] if left else None


def _phase(run: initial_syncs.InitialRun, done: list[syncs.Run]) -> str:
    if not run.ended:
        return "syncing"
    if run.cancelled:
        return "cancelled"
    return "complete" if done or not run.runs else "failed"
