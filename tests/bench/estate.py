"""A project of a small team, with a past: 50 sources, 200 models, schedules, monitors, people.

`python -m tests.bench.estate FOLDER` makes it and prints the token of an admin's session.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from commands import syncs
from commands.kernel import Origin
from commands.model_runs import EndModels, RequestModels, StartModels, TellModel
from commands.models import ApplyModels
from commands.monitors import EndMonitorRun, RequestMonitorRun
from commands.profiles import RecordProfile
from commands.profiling import Bucket, ColumnProfile, TableProfile
from domain.datasets import Column, Table
from domain.inputs import Account
from domain.model_runs import ModelsBuilt
from domain.monitor_runs import EVERYTHING, MonitorEvaluated, MonitorRunCompleted
from domain.profiles import TableProfiled
from infra import creation
from infra.configuration import project as configuration
from infra.project import Project
from infra.runtime import Runtime
from projections import monitors
from tests.bench import catalog, served
from tests.bench.history import name
from tests.pages.showcase import Moved, moved
from tests.server import template

SOURCES, MODELS, SCHEDULES = 50, 200, 20
DAYS = 30  # of the past: on each, every source is synced once
BUILDS = 5
COLUMNS = 12
BUCKETS = 20
ORIGIN = Origin(actor="system:scheduler", via="scheduler", correlation="estate")
TIMES = "".join(
    f"  - {{name: s{n:02d}, type: sync_only, cron: '{n} {n % 24} * * *', sources: [{name(n)}]}}\n"
    for n in range(SCHEDULES)
)


async def make(folder):
    clock = Moved(datetime.now(UTC) - timedelta(days=DAYS))
    with moved(clock):
        await creation.create(folder, name="estate", password=served.PASSWORD)
        project = Project(folder)
        template.without_models(folder)
        entries = "".join(served.ENTRY.format(name(number)) for number in range(SOURCES))
        project.sources_yml.write_text(f'version: "1.0"\nsources:\n{entries}')
        (folder / ".dango" / "schedules.yml").write_text(f"schedules:\n{TIMES}")
        with project.held():
            runtime = Runtime(project, configuration.read(project.folder))
            try:
                await runtime.start(policies=False)
                await _fill(runtime, clock)
                clock.now = datetime.now(UTC)
                hashed = await runtime.passwords.hash(served.PASSWORD)
                return await served.add(runtime, 0, hashed)
            finally:
                await runtime.stop()


async def _fill(runtime, clock):
    begun = clock.now
    for day in range(DAYS):
        clock.now = max(clock.now, begun + timedelta(days=day))
        await asyncio.gather(*(_synced(runtime, number, day) for number in range(SOURCES)))
        await _measured(runtime, day)
    await runtime.writer.send(
        ApplyModels(models=tuple(catalog.model(number) for number in range(MODELS))), ORIGIN
    )
    for _ in range(BUILDS):
        await _built(runtime)
    await _profiled(runtime)


async def _synced(runtime, number, day):
    send, source = runtime.writer.send, name(number)
    job = (await send(syncs.RequestSync(sources=(source,)), ORIGIN)).recorded[-1].position
    begin = syncs.StartSync(source=source, job=job, schema=f"raw_{source}", table=source)
    await send(begin, ORIGIN)
    if (number + day) % 17 == 0:
        end = syncs.FailSync(
            source=source, job=job, reason="Line 7 is broken.", file="a.csv", line=7, duration_s=0.5
        )
    else:
        rows = 10_000 + 37 * number + 11 * day
        table = Table(
            schema=f"raw_{source}", name=source, row_count=rows, columns=_columns(), inserted=rows,
            updated=0, deleted=0,
        )  # fmt: skip
        end = syncs.CompleteSync(
            source=source, job=job, rows=rows, tables=(table,), account=Account(), snapshot=job,
            duration_s=1.0 + number / 10,
        )  # fmt: skip
    await send(end, ORIGIN)


def _columns():
    return tuple(Column(name=f"column_{number}", type="BIGINT") for number in range(COLUMNS))


async def _measured(runtime, day):
    """A look at all that is watched by itself."""
    known = monitors.due(runtime.views.current, EVERYTHING)
    seen = monitors.published(runtime.views.current, EVERYTHING)
    asked = RequestMonitorRun(scope=EVERYTHING, monitors=known, seen=seen, wanted=True)
    job = (await runtime.writer.send(asked, ORIGIN)).recorded[-1].position
    told = tuple(
        MonitorEvaluated(
            monitor=each.name, job=job, source_table=each.source_table,
            value=10_000.0 + 11 * day, verdict="normal", compare="seasonal", basis="day_over_day",
            expected=10_000.0, snapshot=job,
        )
        for each in known
    )  # fmt: skip
    ended = MonitorRunCompleted(
        scope=EVERYTHING, job=job, evaluated=len(told), alerts=0, failed=0, snapshot=job
    )
    await runtime.writer.send(EndMonitorRun(ending=ended, results=told), ORIGIN)


async def _built(runtime):
    send = runtime.writer.send
    job = (await send(RequestModels(), ORIGIN)).recorded[-1].position
    await send(StartModels(job=job), ORIGIN)
    await asyncio.gather(
        *(send(TellModel(told=catalog.completed(job, n)), ORIGIN) for n in range(MODELS))
    )
    ending = ModelsBuilt(job=job, models=MODELS, tests=0, snapshot=job, duration_s=1.0)
    await send(EndModels(ending=ending), ORIGIN)


async def _profiled(runtime):
    """The first source's table is counted through, as of its last commit."""
    source = name(0)
    (snapshot,) = runtime.views.current.row(
        "SELECT max(snapshot) FROM run_ends WHERE source = :source", source=source
    )
    share = 1 / BUCKETS
    buckets = tuple(Bucket(low=n, high=n + 1, share=share) for n in range(BUCKETS))
    columns = tuple(
        ColumnProfile(
            name=column.name, type=column.type, null_count=3, distinct_count=900, min="0",
            max="20", mean=10.0, quantiles=("5", "10", "15"), histogram=buckets, top=("1", "2"),
        )
        for column in _columns()
    )  # fmt: skip
    names = {"schema": f"raw_{source}", "table": source, "snapshot": snapshot}
    found = TableProfile(**names, row_count=10_000, columns=columns)
    runtime.profiles.keep(found, runtime.platform.clock())
    told = TableProfiled(**names, rows=10_000, columns=COLUMNS)
    await runtime.writer.send(RecordProfile(profiled=told), ORIGIN)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(make(Path(sys.argv[1])))) + "\n")
