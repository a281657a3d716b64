"""Building models: asked for, started, model by model, ended in exactly one way.

A request is one job, known by the log position of its request. Invariants: one job runs at a time;
somebody who asks while one runs, or while another one who asked waits, is refused. What follows
from a sync waits for its turn, and what follows from several syncs waits as one job. A run leaves
out what comes from a source whose drift nobody has accepted when it starts.

    queued -> running -> success | failed | cancelled | interrupted
    queued -> cancelled
"""

from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec

from domain import drift, models, sources
from domain.datasets import Column
from domain.kernel import Boundary, Clause, Event, Recorded, Refused, about
from domain.lineage import Lineage

TAG: Final = "models"


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one test came out: pass, warn, fail, error or skipped."""

    __test__: ClassVar[bool] = False  # pytest takes it for a class of tests otherwise
    test: str
    status: str
    column: str | None = None
    failures: int | None = None
    duration_s: float = 0.0
    message: str | None = None


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _RunEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "dbt.view"

    def stream(self) -> str:
        return TAG


class ModelsRunRequested(_RunEvent, frozen=True, kw_only=True, tag="models_run_requested"):
    """Somebody, or a sync, wants models built. Its position is the job's id.

    Without `select`, `model` and `sources` all models are meant.
    """

    select: tuple[str, ...] = ()  # dbt's own selectors
    model: str | None = None
    cascade: bool = True  # what reads the model is built too
    full_refresh: bool = False
    sources: tuple[str, ...] = ()  # whose data is new
    syncs: tuple[int, ...] = ()  # the jobs that brought it
    schedule: str | None = None  # whose run asked for it
    schedule_job: int | None = None


class ModelsRunExtended(_RunEvent, frozen=True, kw_only=True, tag="models_run_extended"):
    """A job that waited is to build what comes from one source more."""

    job: int
    source: str
    sync: int


class ModelsRunStarted(_RunEvent, frozen=True, kw_only=True, tag="models_run_started"):
    """A worker is at it. What comes from the sources that are `held` back is left out."""

    job: int
    held: tuple[str, ...] = ()


class ModelsBuilt(_RunEvent, frozen=True, kw_only=True, tag="models_built"):
    """All models were built, and no test failed; `snapshot` is the warehouse's last commit."""

    job: int
    models: int
    tests: int
    snapshot: int
    duration_s: float


class ModelsRunFailed(_RunEvent, frozen=True, kw_only=True, tag="models_run_failed"):
    """Something could not be built, or a test failed. What was built before is published."""

    job: int
    reason: str
    failed: tuple[str, ...] = ()  # models, the first ones
    file: str | None = None
    line: int | None = None
    snapshot: int | None = None
    duration_s: float = 0.0


class ModelsRunCancelRequested(
    _RunEvent, frozen=True, kw_only=True, tag="models_run_cancel_requested"
):
    """The worker is to be stopped."""

    job: int


class ModelsRunCancelled(_RunEvent, frozen=True, kw_only=True, tag="models_run_cancelled"):
    """The run ended because somebody wanted it to. What was built before is published."""

    job: int


class ModelsRunInterrupted(_RunEvent, frozen=True, kw_only=True, tag="models_run_interrupted"):
    """The process ended while the run was going on. What was built before is published."""

    job: int


class _OneEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "dbt.view"
    job: int
    model: str

    def stream(self) -> str:
        return f"model:{self.model}"

    def labels(self) -> tuple[str, ...]:
        return (f"models:{self.job}",)


class ModelStarted(_OneEvent, frozen=True, kw_only=True, tag="model_started"):
    """A model is being built."""


class ModelCompleted(_OneEvent, frozen=True, kw_only=True, tag="model_completed"):
    """A model was built (success), could not be (error), or had to be left out (skipped)."""

    status: str
    rows: int | None = None  # of its table now; None where counting takes too long
    columns: tuple[Column, ...] = ()
    snapshot: int | None = None  # the warehouse's commit
    duration_s: float = 0.0
    message: str | None = None
    file: str | None = None
    line: int | None = None
    sql: str | None = None  # the compiled code around the fault
    lineage: Lineage | None = None  # of what was built


class ModelTested(_OneEvent, frozen=True, kw_only=True, tag="model_tested"):
    """How the tests of a model came out."""

    tests: tuple[TestResult, ...]


EVENTS: Final[tuple[type[Event], ...]] = (
    ModelsRunRequested,
    ModelsRunExtended,
    ModelsRunStarted,
    ModelsBuilt,
    ModelsRunFailed,
    ModelsRunCancelRequested,
    ModelsRunCancelled,
    ModelsRunInterrupted,
    ModelStarted,
    ModelCompleted,
    ModelTested,
)
Ending = ModelsBuilt | ModelsRunFailed | ModelsRunCancelled | ModelsRunInterrupted
Told = ModelStarted | ModelCompleted | ModelTested


class Run(msgspec.Struct, frozen=True):
    """A job that has not ended; `told` is what the log knows already, by kind and model."""

    request: ModelsRunRequested
    running: bool = False
    cancelling: bool = False
    told: frozenset[tuple[str, str]] = frozenset()
    held: tuple[str, ...] = ()


class ModelRuns(msgspec.Struct, frozen=True):
    """The jobs that have not ended, in order, the models that there are, what is held back."""

    open: Mapping[int, Run] = {}
    known: frozenset[str] = frozenset()
    drifts: drift.Drifts = drift.Drifts()


def evolve(state: ModelRuns, recorded: Recorded) -> ModelRuns:
    """Fold one event."""
    match recorded.event:
        case models.ModelRegistered(model=name):
            return msgspec.structs.replace(state, known=state.known | {name})
        case models.ModelRemoved(model=name):
            return msgspec.structs.replace(state, known=state.known - {name})
        case (
            drift.DriftDetected()
            | drift.DriftAccepted()
            | sources.SourceRegistered()
            | sources.SourceRemoved()
        ):
            return msgspec.structs.replace(state, drifts=drift.evolve(state.drifts, recorded))
        case ModelsRunRequested() as request:
            return _with(state, recorded.position, Run(request))
        case (
            ModelsRunExtended()
            | ModelsRunStarted()
            | ModelsRunCancelRequested()
            | ModelStarted()
            | ModelCompleted()
            | ModelTested()
        ) as event if event.job in state.open:
            return _with(state, event.job, _changed(state.open[event.job], event))
        case (
            ModelsBuilt(job=job)
            | ModelsRunFailed(job=job)
            | ModelsRunCancelled(job=job)
            | ModelsRunInterrupted(job=job)
        ):
            rest = {k: v for k, v in state.open.items() if k != job}
            return msgspec.structs.replace(state, open=rest)
        case _:
            return state


def _with(state: ModelRuns, job: int, run: Run) -> ModelRuns:
    return msgspec.structs.replace(state, open={**state.open, job: run})


def _changed(run: Run, event: Event) -> Run:
    match event:
        case ModelsRunExtended():
            return msgspec.structs.replace(run, request=extended(run.request, event))
        case ModelsRunStarted(held=held):
            return msgspec.structs.replace(run, running=True, held=held)
        case ModelsRunCancelRequested():
            return msgspec.structs.replace(run, cancelling=True)
        case ModelStarted(model=name) | ModelCompleted(model=name) | ModelTested(model=name):
            return msgspec.structs.replace(run, told=run.told | {(event.type_name(), name)})
        case _:
            return run


def extended(asked: ModelsRunRequested, event: ModelsRunExtended) -> ModelsRunRequested:
    """A request with what was added to it."""
    return msgspec.structs.replace(
        asked,
        sources=tuple(dict.fromkeys((*asked.sources, event.source))),
        syncs=tuple(dict.fromkeys((*asked.syncs, event.sync))),
    )


def boundary(
    *, model: str | None = None, job: int | None = None, holding: bool = False
) -> Boundary:
    """All jobs; whether there is this model; what was told of this job's models; what is held."""
    found = about(TAG)
    if holding:
        found += drift.holding()
    if model is not None:
        there = (models.ModelRegistered, models.ModelRemoved)
        found += (Clause(there, (f"model:{model}",)),)
    return found if job is None else (*found, *about(f"models:{job}"))


def request(state: ModelRuns, wanted: ModelsRunRequested) -> list[Event]:
    """Ask for a run. Raises ModelMissing, ModelsRunning."""
    if wanted.model is not None and wanted.model not in state.known:
        raise models.ModelMissing(wanted.model)
    for job, run in state.open.items():
        if run.running or not run.request.syncs:
            raise ModelsRunning(job)
    return [wanted]


def follow(state: ModelRuns, source: str, sync: int) -> list[Event]:
    """Build what comes from a source that was synced: by the job that waits, or a new one."""
    if any(_covers(run, source, sync) for run in state.open.values()):
        return []
    for job, run in state.open.items():
        if not run.running and run.request.syncs:
            return [ModelsRunExtended(job=job, source=source, sync=sync)]
    return [ModelsRunRequested(sources=(source,), syncs=(sync,))]


def _covers(run: Run, source: str, sync: int) -> bool:
    # A run that began without the source's models does not cover them, once they may be built.
    there = source in run.request.sources and sync in run.request.syncs
    return there and source not in run.held


def start(state: ModelRuns, job: int) -> list[Event]:
    """Take a queued job; nothing, when it is gone or taken, or another one runs."""
    run = state.open.get(job)
    if run is None or any(each.running for each in state.open.values()):
        return []
    return [ModelsRunStarted(job=job, held=tuple(sorted(drift.held(state.drifts))))]


def tell(state: ModelRuns, told: Told) -> list[Event]:
    """What became of one model of a running job, once."""
    run = state.open.get(told.job)
    if run is None or not run.running or (told.type_name(), told.model) in run.told:
        return []
    return [told]


def end(state: ModelRuns, ending: Ending) -> list[Event]:
    """End a running job, once. What was to be cancelled and is interrupted is cancelled."""
    run = state.open.get(ending.job)
    if run is None or not run.running:
        return []
    if isinstance(ending, ModelsRunInterrupted) and run.cancelling:
        return [ModelsRunCancelled(job=ending.job)]
    return [ending]


def cancel(state: ModelRuns, job: int) -> list[Event]:
    """Stop a job. Raises ModelsRunEnded when it has ended, or never was."""
    run = state.open.get(job)
    if run is None:
        raise ModelsRunEnded(job)
    if run.cancelling:
        return []
    return [ModelsRunCancelRequested(job=job) if run.running else ModelsRunCancelled(job=job)]


class ModelsRunning(Refused):
    """A job has not ended."""

    def __init__(self, job: int) -> None:
        super().__init__(f"Models are being built already (job {job}).", job_id=job)


class ModelsRunEnded(Refused):
    """The job has ended; there is nothing to cancel."""

    def __init__(self, job: int) -> None:
        super().__init__(f"Job {job} has ended already.", job_id=job)


class ModelsRunMissing(Refused):
    """No job has this id."""

    def __init__(self, job: int) -> None:
        super().__init__(f"Job {job} not found.")
