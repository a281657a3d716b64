"""Bringing a source's data into the warehouse: asked for, started, ended in exactly one way.

A request may name several sources and is one job, known by the log position of its request. Each
source of it is a run. Invariant: a source has at most one run that has not ended.

    queued -> running -> success | failed | cancelled | interrupted
    queued -> cancelled
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from domain import sources
from domain.datasets import File, Table
from domain.kernel import Boundary, Event, Recorded, Refused, about

RETRIES_MAX: Final = 1  # how often a run that was interrupted is tried again by itself


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class SyncRequested(Event, frozen=True, kw_only=True, tag="sync_requested"):
    """Somebody or something wants these sources synced. Its position is the job's id."""

    permission: ClassVar[str] = "source.view"
    sources: tuple[str, ...]
    full_refresh: bool = False
    start_date: str | None = None  # YYYY-MM-DD, inclusive
    end_date: str | None = None
    allow_empty: bool = False  # an input without rows may empty the table
    retry: int = 0  # how many interrupted runs stand behind this one
    retry_of: int | None = None

    def stream(self) -> str:
        return f"source:{self.sources[0]}" if len(self.sources) == 1 else "syncs"

    def labels(self) -> tuple[str, ...]:
        return () if len(self.sources) == 1 else tuple(f"source:{name}" for name in self.sources)


class _RunEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "source.view"
    source: str
    job: int

    def stream(self) -> str:
        return f"source:{self.source}"

    def labels(self) -> tuple[str, ...]:
        return (f"job:{self.job}",)


class SyncStarted(_RunEvent, frozen=True, kw_only=True, tag="sync_started"):
    """A worker took the run."""


class SyncCompleted(_RunEvent, frozen=True, kw_only=True, tag="sync_completed"):
    """The data is published, in the warehouse commit `snapshot`."""

    rows: int  # loaded by this run
    tables: tuple[Table, ...]
    files: tuple[File, ...] = ()
    snapshot: int
    duration_s: float


class SyncFailed(_RunEvent, frozen=True, kw_only=True, tag="sync_failed"):
    """Nothing of this run was published; the earlier data stands."""

    reason: str
    file: str | None = None
    line: int | None = None
    duration_s: float = 0.0


class SyncCancelRequested(_RunEvent, frozen=True, kw_only=True, tag="sync_cancel_requested"):
    """The worker of a run is to be stopped."""


class SyncCancelled(_RunEvent, frozen=True, kw_only=True, tag="sync_cancelled"):
    """The run ended because somebody wanted it to."""


class SyncInterrupted(_RunEvent, frozen=True, kw_only=True, tag="sync_interrupted"):
    """The process died while the run was going on."""

    retry: int = 0


EVENTS: Final[tuple[type[Event], ...]] = (
    SyncRequested,
    SyncStarted,
    SyncCompleted,
    SyncFailed,
    SyncCancelRequested,
    SyncCancelled,
    SyncInterrupted,
)


class Run(msgspec.Struct, frozen=True):
    """A run that has not ended."""

    job: int
    running: bool = False
    cancelling: bool = False
    request: SyncRequested | None = None


class Syncs(msgspec.Struct, frozen=True):
    """The sources that there are, and the open run of each that has one."""

    known: frozenset[str] = frozenset()
    open: Mapping[str, Run] = {}

    def run(self, source: str, job: int) -> Run | None:
        """The open run of this source, if it belongs to this job."""
        run = self.open.get(source)
        return run if run is not None and run.job == job else None


def evolve(state: Syncs, recorded: Recorded) -> Syncs:
    """Fold one event."""
    match recorded.event:
        case sources.SourceRegistered(source=name):
            return msgspec.structs.replace(state, known=state.known | {name})
        case sources.SourceRemoved(source=name):
            return msgspec.structs.replace(state, known=state.known - {name})
        case SyncRequested() as request:
            queued = Run(recorded.position, request=request)
            return _opened(state, dict.fromkeys(request.sources, queued))
        case SyncStarted(source=name, job=job):
            return _changed(state, name, job, running=True)
        case SyncCancelRequested(source=name, job=job):
            return _changed(state, name, job, cancelling=True)
        case (
            SyncCompleted(source=name)
            | SyncFailed(source=name)
            | SyncCancelled(source=name)
            | SyncInterrupted(source=name)
        ):
            rest = {k: v for k, v in state.open.items() if k != name}
            return msgspec.structs.replace(state, open=rest)
        case _:
            return state


def _changed(state: Syncs, source: str, job: int, **flags: bool) -> Syncs:
    run = state.run(source, job)
    if run is None:
        return state
    return _opened(state, {source: msgspec.structs.replace(run, **flags)})


def _opened(state: Syncs, runs: Mapping[str, Run]) -> Syncs:
    return msgspec.structs.replace(state, open={**state.open, **runs})


def boundary(names: Sequence[str]) -> Boundary:
    """All that happened to these sources."""
    return about(*(f"source:{name}" for name in names))


def request(state: Syncs, wanted: SyncRequested) -> list[Event]:
    """Ask for a sync of one or several sources, all or none. Raises SourceMissing, SyncRunning."""
    names = tuple(dict.fromkeys(wanted.sources))  # named twice is wanted once
    for name in names:
        if name not in state.known:
            raise sources.SourceMissing(name)
    for name in names:
        if name in state.open:
            raise SyncRunning(name, state.open[name].job)
    return [msgspec.structs.replace(wanted, sources=names)] if names else []


def start(state: Syncs, source: str, job: int) -> list[Event]:
    """Take a queued run; nothing, when it is gone or taken already."""
    run = state.run(source, job)
    return [] if run is None or run.running else [SyncStarted(source=source, job=job)]


def end(state: Syncs, ending: SyncCompleted | SyncFailed | SyncCancelled) -> list[Event]:
    """End a running run, once."""
    run = state.run(ending.source, ending.job)
    return [] if run is None or not run.running else [ending]


def interrupt(state: Syncs, source: str, job: int) -> list[Event]:
    """The process that ran it is gone."""
    run = state.run(source, job)
    if run is None or not run.running:
        return []
    retry = run.request.retry if run.request is not None else 0
    return [SyncInterrupted(source=source, job=job, retry=retry)]


def cancel(state: Syncs, names: Sequence[str], job: int) -> list[Event]:
    """Stop what of a job has not ended. Raises SyncEnded when nothing is left to stop."""
    runs = {name: run for name in names if (run := state.run(name, job)) is not None}
    if not runs:
        raise SyncEnded(job)
    return [
        SyncCancelRequested(source=name, job=job)
        if run.running
        else SyncCancelled(source=name, job=job)
        for name, run in runs.items()
        if not run.cancelling
    ]


class SyncRunning(Refused):
    """The source has a run that has not ended."""

    def __init__(self, source: str, job: int) -> None:
        super().__init__(
            f"A sync of '{source}' is in progress already (job {job}).", job_id=job, source=source
        )


class SyncEnded(Refused):
    """The job has ended; there is nothing to cancel."""

    def __init__(self, job: int) -> None:
        super().__init__(f"Job {job} has ended already.", job_id=job)


class SyncMissing(Refused):
    """No job has this id."""

    def __init__(self, job: int) -> None:
        super().__init__(f"Job {job} not found.")
