"""Asking for models to be built, looking how far they are, stopping them."""

from datetime import datetime
from typing import Any, Final

import msgspec

from api.call import Call
from api.errors import invalid
from api.sources import clamp
from commands.model_runs import CancelModels, RequestModels
from domain.model_runs import ModelsRunCancelRequested, ModelsRunMissing
from projections import model_runs, models

RUNS: Final = 20
SELECTORS_MAX: Final = 100
SELECTOR_CHARS_MAX: Final = 500


class ModelRunBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model is to be built; it goes before the parameter of the same name."""

    cascade: bool | None = None


class RunBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which models to build; all, when nothing is selected. `select` is in dbt's own words."""

    select: list[str] = []
    full_refresh: bool = False


class RunAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A run was asked for; `job_id` is what its status and its cancelling are asked by."""

    success: bool
    message: str
    started_at: datetime
    job_id: int


class ModelRunAnswer(RunAnswer, frozen=True, kw_only=True):
    """The same for one model."""

    model_name: str


class ModelRunView(msgspec.Struct, frozen=True, kw_only=True):
    """A run."""

    id: int
    status: str
    select: tuple[str, ...]
    model: str | None
    cascade: bool
    full_refresh: bool
    sources: tuple[str, ...]  # whose data was new
    syncs: tuple[int, ...]  # the jobs that brought it
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration_seconds: float | None
    models: int | None
    tests: int | None
    failed: tuple[str, ...]
    error: str | None
    file: str | None
    line: int | None
    snapshot: int | None


class ModelRunDetails(ModelRunView, frozen=True, kw_only=True):
    """A run, with what became of each model so far."""

    results: list[model_runs.Result]


class ModelRunList(msgspec.Struct, frozen=True, kw_only=True):
    """Runs, newest first; `auto_dbt`: whether a sync leads to one."""

    auto_dbt: bool
    runs: list[ModelRunView]


class CancelAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The run is being stopped, or was before it started."""

    status: str
    job_id: int


async def run_model(
    call: Call,
    model_name: str,
    data: ModelRunBody | None = None,
    cascade: bool = True,  # noqa: FBT001, FBT002 - a query parameter
) -> ModelRunAnswer:
    """Build one model, and with `cascade` what reads it."""
    read = call.platform.read_models
    if read is not None and models.one(call.views, model_name) is None:
        await read(model_name)  # somebody may have written it a moment ago
    if data is not None and data.cascade is not None:
        cascade = data.cascade
    outcome = await call.send(RequestModels(model=model_name, cascade=cascade))
    asked = outcome.recorded[0]
    return ModelRunAnswer(
        success=True,
        message=f"dbt model '{model_name}' run started",
        model_name=model_name,
        started_at=asked.at,
        job_id=asked.position,
    )


async def run_models(call: Call, data: RunBody | None = None) -> RunAnswer:
    """Build all models, or those that dbt's selectors name."""
    body = data or RunBody()
    if len(body.select) > SELECTORS_MAX:
        raise invalid("select", f"names more than {SELECTORS_MAX} selectors")
    for number, selector in enumerate(body.select):
        _check(f"select[{number}]", selector)
    command = RequestModels(select=tuple(body.select), full_refresh=body.full_refresh)
    asked = (await call.send(command)).recorded[0]
    return RunAnswer(
        success=True, message="dbt run started", started_at=asked.at, job_id=asked.position
    )


async def list_runs(call: Call, limit: int = RUNS, sync: int | None = None) -> ModelRunList:
    """List runs, newest first; with `sync` those that this job of syncs led to."""
    if sync is None:
        found = model_runs.newest(call.views, clamp(limit))
    else:
        found = model_runs.of_sync(call.views, sync)[::-1]
    return ModelRunList(
        auto_dbt=call.platform.settings.auto_dbt,
        runs=[ModelRunView(**_fields(run)) for run in found],
    )


async def run_status(call: Call, job_id: int) -> ModelRunDetails:
    """Tell how far a run is."""
    run = model_runs.one(call.views, job_id)
    if run is None:
        raise ModelsRunMissing(job_id)
    return ModelRunDetails(**_fields(run), results=model_runs.results(call.views, job_id))


async def cancel_run(call: Call, job_id: int) -> CancelAnswer:
    """Stop a run: at once when it waits, else by ending its worker."""
    if model_runs.one(call.views, job_id) is None:
        raise ModelsRunMissing(job_id)
    sent = await call.send(CancelModels(job=job_id))
    ending = any(isinstance(each.event, ModelsRunCancelRequested) for each in sent.recorded)
    return CancelAnswer(status="cancelling" if ending else "cancelled", job_id=job_id)


def _check(path: str, selector: str) -> None:
    """What would be an option of dbt's is none of its selectors."""
    if not selector.strip() or selector.lstrip().startswith("-"):
        raise invalid(path, "is no selector")
    if len(selector) > SELECTOR_CHARS_MAX or not selector.isprintable():
        raise invalid(path, f"must be up to {SELECTOR_CHARS_MAX} printable characters")


def _fields(run: model_runs.Run) -> dict[str, Any]:
    asked, started_at, ended_at = run.asked, run.started_at, run.ended_at
    took_s = None
    if started_at is not None and ended_at is not None:
        took_s = round((ended_at - started_at).total_seconds(), 3)
    return {
        "id": run.job,
        "status": run.status,
        "select": asked.select,
        "model": asked.model,
        "cascade": asked.cascade,
        "full_refresh": asked.full_refresh,
        "sources": asked.sources,
        "syncs": asked.syncs,
        "requested_by": run.requested_by,
        "requested_at": run.requested_at,
        "started_at": started_at,
        "ended_at": ended_at,
        "duration_seconds": took_s,
        "models": run.models,
        "tests": run.tests,
        "failed": run.failed,
        "error": run.error,
        "file": run.error_file,
        "line": run.error_line,
        "snapshot": run.snapshot,
    }
