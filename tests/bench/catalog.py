"""The catalogue with a thousand models: lists, graph, summary, search; and counting a table."""

import asyncio
import statistics
import sys
import time
from pathlib import Path

import duckdb
import httpx

from commands.kernel import Origin
from commands.model_runs import EndModels, RequestModels, StartModels, TellModel
from commands.models import ApplyModels
from commands.profiling import Profile
from domain.datasets import Column
from domain.lineage import Derived, Lineage
from domain.lineage import Origin as From
from domain.model_runs import ModelCompleted, ModelsBuilt
from domain.models import Model, ModelColumn
from infra.configuration import project as configuration
from infra.inspecting import profiling
from infra.project import Project
from infra.runtime import Runtime
from tests.bench import http
from tests.bench.figures import Figure

MODELS, COLUMNS = 1_000, 20
REQUESTS, CHANGES = 200, 20
FIRST_MS = HELD_MS = 20
ROWS = 1_000_000
PATHS = {
    "summary": "/api/catalog/summary",
    "models": "/api/catalog/models",
    "lineage": "/api/catalog/lineage",
    "impact of the first": "/api/catalog/impact/model_0",
    "one model": "/api/catalog/models/model_500",
    "search": "/api/catalog/search?q=column_7",
    "search, spelled wrong": "/api/catalog/search?q=reveune",
}
MADE = """CREATE TABLE lake.main.t AS SELECT range AS id, 'user' || (range % 5000) AS name,
    random() * 1000 AS amount, (random() * 100)::INTEGER AS quantity,
    DATE '2020-01-01' + (range % 1000)::INTEGER AS day,
    TIMESTAMP '2020-01-01' + INTERVAL (range) SECOND AS at, range % 2 = 0 AS even,
    'c' || (hash(range) % 100000)::VARCHAR AS code, (random() * 1e6)::DECIMAL(12, 2) AS price,
    CASE WHEN range % 10 <> 0 THEN 'note ' || (range % 77) END AS note FROM range({})"""


def every(folder, cookies):
    project = folder / "project"
    http.python("catalog", str(project))
    with http.served(project, "watched") as (port, told):
        cookie = cookies[0] if isinstance(cookies, list) else next(iter(cookies.values()))
        headers = {"cookie": cookie if "=" in cookie else f"dango_session={cookie}"}
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base, headers=headers, timeout=30.0) as client:
            for name, path in PATHS.items():
                yield _asked(client, name, path)
            for name, path in PATHS.items():
                yield _anew(client, name, path)
    yield Figure(
        name="the event loop was held meanwhile, at most",
        value=told["held_ms"],
        unit="ms",
        limit=HELD_MS,
        least=False,
        note=f"{told['held_cpu_ms']:.1f} ms of it at work",
    )
    yield _profiled()


def _asked(client, name, path):
    times = []
    for _ in range(REQUESTS + 1):
        begin = time.perf_counter()
        answer = client.get(path)
        times.append((time.perf_counter() - begin) * 1000)
        assert 200 == answer.status_code, answer.text[:200]
    first, *others = times
    size = len(answer.content) / 1024
    return Figure(
        name=f"catalogue, {MODELS:,} models: {name}, p50",
        value=statistics.median(others),
        unit="ms",
        limit=5,
        least=False,
        note=f"first {first:.0f} ms, {size:,.0f} KiB, as the client sees it",
    )


def _anew(client, name, path):
    """The first request after a change, which finds nothing that is kept as it stands."""
    times = []
    for number in range(CHANGES):
        told = {"description": f"Told anew of {name}, {number}"}
        changed = client.put("/api/sources/source_01", json=told)
        assert 200 == changed.status_code, changed.text[:200]
        begin = time.perf_counter()
        assert 200 == client.get(path).status_code
        times.append((time.perf_counter() - begin) * 1000)
    return Figure(
        name=f"the same after a change: {name}, p50",
        value=statistics.median(times),
        unit="ms",
        limit=FIRST_MS,
        least=False,
        note=f"at most {max(times):.0f} ms",
    )


def _profiled():
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("ATTACH ':memory:' AS lake")
        connection.execute(MADE.format(ROWS))
        columns = [
            Column(name=name, type=kind)
            for name, kind, *_ in connection.execute("DESCRIBE lake.main.t").fetchall()
        ]
        wanted = Profile(schema="main", table="t")
        summary = min(_took(lambda: connection.execute("SUMMARIZE lake.main.t")) for _ in "ab")
        whole = min(_took(lambda: profiling.count(connection, wanted, columns)) for _ in "ab")
    return Figure(
        name=f"profile of {ROWS:,} x {len(columns)}, in summaries",
        value=whole / summary,
        unit="x",
        limit=2,
        least=False,
        note=f"{whole:.2f} s; SUMMARIZE {summary:.2f} s",
    )


def _took(work):
    """In time of the processor: one thread does all of it, and others may want it too."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def model(number):
    names = [f"column_{column}" for column in range(COLUMNS - 1)] + ["revenue"]
    parents = tuple(f"model.shop.model_{number // part}" for part in (2, 3) if number)
    return Model(
        name=f"model_{number}",
        unique_id=f"model.shop.model_{number}",
        path=f"marts/model_{number}.sql",
        layer="marts",
        materialization="table",
        schema="marts",
        relation=f"model_{number}",
        description=f"What model {number} tells of orders, customers and days",
        depends_on=tuple(sorted(set(parents))),
        sources=("source_00",),
        columns=tuple(ModelColumn(name=name, description=f"The {name}") for name in names[:5]),
        tests=(f"not_null_model_{number}",),
        code=f"select * from model_{number // 2}",
    )


def completed(job, number):
    names = [f"column_{column}" for column in range(COLUMNS - 1)] + ["revenue"]
    parent = f"model_{number // 2}"
    lineage = Lineage(
        schema="marts",
        table=f"model_{number}",
        columns=tuple(
            Derived(column=name, origins=(From(schema="marts", table=parent, column=name),))
            for name in names
        ),
    )
    columns = tuple(Column(name=name, type="BIGINT") for name in names)
    return ModelCompleted(
        job=job, model=f"model_{number}", status="success", rows=7, columns=columns, snapshot=1,
        lineage=lineage,
    )  # fmt: skip


async def fill(folder):
    """A thousand models and one run of them, in a project that nobody serves."""
    project = Project(Path(folder))
    origin = Origin(actor="system:bench", via="start", correlation="bench")
    with project.held():
        runtime = Runtime(project, configuration.read(project.folder))
        try:
            await runtime.start(policies=False)
            send = runtime.writer.send
            await send(ApplyModels(models=tuple(model(n) for n in range(MODELS))), origin)
            job = (await send(RequestModels(), origin)).position
            await send(StartModels(job=job), origin)
            for number in range(MODELS):
                await send(TellModel(told=completed(job, number)), origin)
            ending = ModelsBuilt(job=job, models=MODELS, tests=0, snapshot=1, duration_s=1.0)
            await send(EndModels(ending=ending), origin)
        finally:
            await runtime.stop()


if __name__ == "__main__":
    asyncio.run(fill(sys.argv[1]))
