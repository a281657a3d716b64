"""Bringing a source's data into the warehouse: asked for, started, ended in exactly one way.

A request may name several sources and is one job, known by the log position of its request. Each
source of it is a run. Invariants: a source has at most one run that has not ended, and a schema is
written by at most one run, whoever the configuration says it belongs to by then.

    queued -> running -> success | failed | cancelled | interrupted
    queued -> cancelled
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from domain import inputs, sources
from domain.datasets import FILES_TOLD_MAX, File, RefusedFile, Table, manifest, told
from domain.kernel import Boundary, Event, Recorded, Refused, about

RETRIES_MAX: Final = 1  # how often a run that was interrupted is tried again by itself
# How long a run waits that follows one which failed for a passing reason: once each.
PAUSES_S: Final = (30, 120, 300)


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class SyncRequested(Event, frozen=True, kw_only=True, tag="sync_requested"):
    """Somebody or something wants these sources synced. Its position is the job's id."""

    permission: ClassVar[str] = "source.view"
    sources: tuple[str, ...]
    full_refresh: bool = False
    start_date: str | None = None  # YYYY-MM-DD, inclusive
    end_date: str | None = None
    allow_empty: bool = False  # an input without rows may empty the table
    retry: int = 0  # how many runs stand behind this one that were interrupted or failed
    retry_of: int | None = None  # the job that this one tries again
    wait_s: int = 0  # how long it stays queued at least
    rollback_of: int | None = None  # nothing is read: this job and all since are undone
    schedule: str | None = None  # what asked for it
    schedule_job: int | None = None  # the run of that schedule
    models: bool = True  # what reads the sources is built afterwards

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


class _WritingEvent(_RunEvent, frozen=True, kw_only=True):
    schema: str = ""  # the one that the run may write to; empty when it never could

    def labels(self) -> tuple[str, ...]:
        return (f"job:{self.job}", *_schema_tag(self.schema))


class SyncStarted(_WritingEvent, frozen=True, kw_only=True, tag="sync_started"):
    """A worker took the run. Until it ends, nobody else writes to the schema."""

    table: str = ""


class SyncCompleted(_WritingEvent, frozen=True, kw_only=True, tag="sync_completed"):
    """The data is published, in the warehouse commit `snapshot`.

    When the process died between the commit and this event, what only it knew is None.
    """

    rows: int  # loaded by this run
    tables: tuple[Table, ...]
    files: tuple[File, ...] = ()  # the largest, at most FILES_TOLD_MAX
    file_count: int | None = None  # of all files
    file_bytes: int | None = None
    manifest: str | None = None  # a hash over all files, see domain/datasets.py
    snapshot: int
    duration_s: float | None = None
    refused: tuple[RefusedFile, ...] = ()  # left out; at most FILES_TOLD_MAX
    refused_count: int = 0  # of all of them
    rejected: int | None = None  # rows that could not be taken


class SourceRolledBack(_RunEvent, frozen=True, kw_only=True, tag="source_rolled_back"):
    """A source's tables and state are as they were before a job."""

    undone: int  # the job
    snapshot: int  # the commit that did it


class SyncFailed(_WritingEvent, frozen=True, kw_only=True, tag="sync_failed"):
    """Nothing of this run was published; the earlier data stands."""

    reason: str
    file: str | None = None
    line: int | None = None
    duration_s: float = 0.0
    transient: bool = False  # the reason may pass: it is tried again by itself
    retry: int = 0  # how many runs stand behind this one


class SyncCancelRequested(_RunEvent, frozen=True, kw_only=True, tag="sync_cancel_requested"):
    """The worker of a run is to be stopped."""


class SyncCancelled(_WritingEvent, frozen=True, kw_only=True, tag="sync_cancelled"):
    """The run ended because somebody wanted it to."""


class SyncInterrupted(_WritingEvent, frozen=True, kw_only=True, tag="sync_interrupted"):
    """The process died while the run was going on."""

    retry: int = 0


EVENTS: Final[tuple[type[Event], ...]] = (
    SyncRequested,
    SyncStarted,
    SyncCompleted,
    SourceRolledBack,
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
    schema: str = ""


class Syncs(msgspec.Struct, frozen=True):
    """The sources that there are, the open run of each that has one, and who writes where."""

    known: frozenset[str] = frozenset()
    open: Mapping[str, Run] = {}
    writing: Mapping[str, tuple[str, int]] = {}  # tag of a schema -> source and job
    learned: inputs.Inputs = inputs.Inputs()

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
        case SyncStarted(source=name, job=job, schema=schema):
            writing = {**state.writing, **dict.fromkeys(_schema_tag(schema), (name, job))}
            state = msgspec.structs.replace(state, writing=writing)
            return _changed(state, name, job, running=True, schema=schema)
        case SyncCancelRequested(source=name, job=job):
            return _changed(state, name, job, cancelling=True)
        case inputs.FileFormatFound() | inputs.ColumnsDrifted() as found:
            return msgspec.structs.replace(state, learned=inputs.evolve(state.learned, found))
        case (
            SyncCompleted(source=name, job=job)
            | SyncFailed(source=name, job=job)
            | SyncCancelled(source=name, job=job)
            | SyncInterrupted(source=name, job=job)
        ):
            rest = {k: v for k, v in state.open.items() if k != name}
            writing = {k: v for k, v in state.writing.items() if v != (name, job)}
            return msgspec.structs.replace(state, open=rest, writing=writing)
        case _:
            return state


def _changed(state: Syncs, source: str, job: int, **fields: bool | str) -> Syncs:
    run = state.run(source, job)
    if run is None:
        return state
    return _opened(state, {source: msgspec.structs.replace(run, **fields)})


def _opened(state: Syncs, runs: Mapping[str, Run]) -> Syncs:
    return msgspec.structs.replace(state, open={**state.open, **runs})


def _schema_tag(schema: str) -> tuple[str, ...]:
    return (f"schema:{schema.casefold()}",) if schema else ()


def boundary(names: Sequence[str], schema: str = "") -> Boundary:
    """All that happened to these sources, and whoever wrote to this schema."""
    return about(*(f"source:{name}" for name in names), *_schema_tag(schema))


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


def start(state: Syncs, wanted: SyncStarted) -> list[Event]:
    """Take a queued run; nothing, when it is gone or taken already. Raises SchemaBusy."""
    run = state.run(wanted.source, wanted.job)
    if run is None or run.running:
        return []
    for tag in _schema_tag(wanted.schema):
        if tag in state.writing:
            raise SchemaBusy(wanted.schema, *state.writing[tag])
    return [wanted]


def end(state: Syncs, ending: SyncCompleted | SyncFailed | SyncCancelled) -> list[Event]:
    """End a running run, once."""
    run = state.run(ending.source, ending.job)
    if run is None or not run.running:
        return []
    ending = msgspec.structs.replace(ending, schema=run.schema)
    if isinstance(ending, SyncFailed) and run.request is not None:
        ending = msgspec.structs.replace(ending, retry=run.request.retry)
    return [ending]


def pause_s(failed: SyncFailed) -> int | None:
    """How long to wait before the run is tried again; None when it is not."""
    if not failed.transient or failed.retry >= len(PAUSES_S):
        return None
    return PAUSES_S[failed.retry]


def complete(state: Syncs, ending: SyncCompleted, account: inputs.Account | None) -> list[Event]:
    """End a running run whose data is published; `account` is None when nobody knows it."""
    run = state.run(ending.source, ending.job)
    undone = None if run is None or run.request is None else run.request.rollback_of
    if undone is not None:
        ended = end(state, ending)
        back = SourceRolledBack(
            source=ending.source, job=ending.job, undone=undone, snapshot=ending.snapshot
        )
        return [back, *ended] if ended else []
    if account is None:
        return end(state, ending)
    ending = msgspec.structs.replace(
        ending,
        files=told(account.files),
        file_count=len(account.files),
        file_bytes=sum(file.size_bytes for file in account.files),
        manifest=manifest(account.files),
        refused=account.refused[:FILES_TOLD_MAX],
        refused_count=len(account.refused),
        rejected=sum(file.rejected for file in account.files),
    )
    ended = end(state, ending)
    found = inputs.learn(state.learned, ending.source, ending.job, account)
    return [*found, *ended] if ended else []


def left_out(ending: SyncCompleted) -> str | None:
    """The sentence about files that were refused; None when none was."""
    if not ending.refused:
        return None
    more = ending.refused_count - 1
    also = f" {more} more of its files cannot be read either." if more else ""
    return f"{ending.refused[0].reason}{also}"


def interrupt(state: Syncs, source: str, job: int) -> list[Event]:
    """The process that ran it is gone. What was to be cancelled is, and is not tried again."""
    run = state.run(source, job)
    if run is None or not run.running:
        return []
    if run.cancelling:
        return [SyncCancelled(source=source, job=job, schema=run.schema)]
    retry = run.request.retry if run.request is not None else 0
    return [SyncInterrupted(source=source, job=job, schema=run.schema, retry=retry)]


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


class SchemaBusy(Refused):
    """Another run writes to the schema, which was its source's when it started."""

    def __init__(self, schema: str, source: str, job: int) -> None:
        super().__init__(
            f"Schema '{schema}' is written by the sync of '{source}' (job {job}).",
            job_id=job,
            source=source,
        )


class SyncEnded(Refused):
    """The job has ended; there is nothing to cancel."""

    def __init__(self, job: int) -> None:
        super().__init__(f"Job {job} has ended already.", job_id=job)


class SyncMissing(Refused):
    """No job has this id."""

    def __init__(self, job: int) -> None:
        super().__init__(f"Job {job} not found.")
