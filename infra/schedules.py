"""The schedules of a project, wired: clock, policy and the works that runs may do."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from commands.kernel import Clock
from commands.policies.scheduled import News, Part, Works
from commands.policies.scheduled_models import ModelsPart, ScheduledModels
from commands.policies.schedules import OpenScheduleRun, SchedulePolicy
from commands.ports import SecretValues
from domain.kernel import Recorded
from domain.schedules import Schedule
from infra.scheduler import Scheduler
from infra.scripts.run import PoolScripts
from infra.views.views import Views
from infra.workers.pool import Pool
from infra.writer import Writer
from projections import model_runs, schedules, sources


def policy(
    writer: Writer,
    views: Views,
    pool: Pool,
    *,
    root: Path,
    secrets: SecretValues,
    event: Callable[[int], Recorded | None],
    clock: Clock,
) -> SchedulePolicy:
    """What carries runs out."""

    def parts(job: int) -> list[Part]:
        found = schedules.syncs_of(views.current, job)
        return [Part(**{name: getattr(each, name) for name in _PART}) for each in found]

    def open_runs() -> Sequence[OpenScheduleRun]:
        return [
            OpenScheduleRun(
                job=run.job,
                schedule=run.schedule,
                started=run.status == "running",
                cancelling=run.cancelling,
            )
            for run in schedules.unended(views.current)
        ]

    news = News()
    works = Works(
        writer,
        known=lambda name: sources.one(views.current, name) is not None,
        parts=parts,
        scripts=PoolScripts(pool, root),
        secrets=secrets,
        models=ScheduledModels(writer, news, lambda job: _models(views, job)),
        news=news,
    )
    return SchedulePolicy(
        writer,
        works,
        config=lambda name: schedules.one(views.current, name),
        event=event,
        open_runs=open_runs,
        clock=clock,
        monotonic=time.monotonic,
    )


def _models(views: Views, job: int) -> ModelsPart | None:
    found = model_runs.of_schedule(views.current, job)
    if found is None:
        return None
    return ModelsPart(job=found.job, status=found.status, error=found.error)


def scheduler(writer: Writer, views: Views, clock: Clock) -> Scheduler:
    """What tells schedules that their moment has come."""

    def timetable() -> Iterable[tuple[Schedule, datetime]]:
        return [
            (line.config, line.followed_to)
            for line in schedules.every(views.current)
            if line.config.enabled
        ]

    made = Scheduler(writer, timetable, clock)
    writer.listeners.append(made.committed)
    return made


_PART = Part.__struct_fields__
