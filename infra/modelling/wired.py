"""What the policy of the models is given: settings, and what it asks of the views."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from commands.kernel import Bus, Origin
from commands.modelling import Build, Modelling
from commands.models import ApplyModels
from commands.policies.model_runs import ModelRunPolicy, OpenModelRun
from domain.kernel import Recorded
from infra.configuration.project import PlatformBlock, Settings
from infra.modelling.settings import ModelSettings
from infra.project import Project
from infra.views.views import Views
from infra.warehouse.settings import Settings as WarehouseSettings
from projections import model_runs, sources, syncs
from projections.engine import Reader

LOOKED_BACK: Final = 100  # syncs of a source, for the one that brought its data
ORIGIN: Final = Origin(actor="system:models", via="watcher", correlation="models")


def settings(project: Project, given: Settings, warehouse: WarehouseSettings) -> ModelSettings:
    """Where the dbt project lies: below the project."""
    return ModelSettings(
        warehouse=warehouse,
        project=str(project.root / given.platform.dbt_project_dir),
        docs=str(project.dbt_docs),
        name=given.project.name,
    )


def reader(bus: Bus, modelling: Modelling, views: Views) -> Callable[[str], Awaitable[None]]:
    """Reads the dbt project anew, for whom names a model that is not known yet."""

    async def read(name: str) -> None:
        if not await modelling.names(name):
            return
        found = await modelling.read(sources.schemas(views.current))
        command = ApplyModels(models=found.models, exposures=found.exposures, tables=found.tables)
        await bus.send(command, ORIGIN)

    return read


def policy(
    bus: Bus,
    modelling: Modelling,
    views: Views,
    request: Callable[[int], Recorded | None],
    platform: PlatformBlock,
) -> ModelRunPolicy:
    """The policy over the views as they stand when it asks."""

    def open_runs() -> Sequence[OpenModelRun]:
        return [_open(run, views.current) for run in model_runs.unended(views.current)]

    def describe(name: str) -> str | None:
        found = sources.one(views.current, name)
        return found.config.description if found else None

    def syncing(job: int) -> bool:
        return any(run.job == job for run in syncs.unended(views.current))

    def followed(job: int) -> bool:
        known = {
            run.source
            for run in syncs.of_job(views.current, job)
            if run.status == "success" and sources.one(views.current, run.source) is not None
        }
        runs = [run.asked for run in model_runs.unended(views.current) if job in run.asked.syncs]
        return known <= {name for asked in runs for name in asked.sources}

    def brought(name: str) -> int | None:
        return next(
            (run.job for run in syncs.of_source(views.current, name, LOOKED_BACK) if run.snapshot),
            None,
        )

    return ModelRunPolicy(
        bus,
        modelling,
        open_runs=open_runs,
        request=request,
        describe=describe,
        syncing=syncing,
        followed=followed,
        brought=brought,
        monotonic=time.monotonic,
        automatic=platform.auto_dbt,
        pause_s=platform.dbt_coalesce_seconds,
    )


def _open(run: model_runs.Run, views: Reader) -> OpenModelRun:
    asked = run.asked
    build = Build(
        job=run.job,
        select=asked.select,
        model=asked.model,
        cascade=asked.cascade,
        full_refresh=asked.full_refresh,
        sources=asked.sources,
        schemas=sources.schemas(views),
    )
    return OpenModelRun(running=run.status == "running", build=build, syncs=asked.syncs)
