"""A browser, and a real server for it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from commands import model_runs, models
from domain.datasets import Column
from infra.configuration import project as configuration
from infra.project import Project
from infra.runtime import Runtime
from tests import modelled
from tests.server import template as templates
from tests.server.harness import copied, until
from tests.server.template import sources_yml, write_rows, write_sources


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    root = tmp_path_factory.mktemp("template") / "project"
    return root, templates.make(root)


@pytest.fixture(scope="module")
def server(template, tmp_path_factory):
    """A running server that the tests of one module share."""
    with copied(template, tmp_path_factory.mktemp("server") / "project") as found:
        found.start()
        yield found


FURNISHED = (
    ("/api/notebooks", {"name": "returns", "template": "explore"}),
    ("/api/queries", {"name": "Orders by day", "sql": "select 1 as one", "shared": True}),
    ("/api/catalog/orders/orders/profile", None),
)


@pytest.fixture(scope="module")
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def served(server):
    """A server with a good source, a new one and a broken one."""
    write_rows(server.root / "data/uploads/items/items.csv", 500)
    broken = server.root / "data/uploads/broken/broken.csv"
    write_rows(broken, 5)
    broken.write_text(broken.read_text() + "1,2,3,4,5\n")
    write_sources(server.root, sources_yml("orders", "items", "broken"))
    editor = server.client(session="editor")
    until(lambda: len(editor.get("/api/sources").json()) == 3)
    assert "success" == server.sync(editor, "orders")["status"]
    assert "failed" == server.sync(editor, "broken")["status"]
    for path, body in FURNISHED:
        answer = editor.post(path, json=body)
        assert answer.status_code in (200, 201), answer.text
    return server


RAW = "source.template.raw_orders.orders"
MODELS = {
    "stg_orders": (RAW,),
    "daily": ("stg_orders",),
    "weekly": ("daily",),
    "customers": ("stg_orders",),
    "report": ("weekly", "customers"),
    "calendar": (),
    **{f"area_{number}": () for number in range(12)},
}


@pytest.fixture(scope="module")
def modelling(template, tmp_path_factory):
    """A running server whose log tells of models: what they are made of, and one run of them."""
    with copied(template, tmp_path_factory.mktemp("models") / "project") as found:
        with ThreadPoolExecutor(1) as thread:  # the browser keeps this one's loop
            found.modelled = thread.submit(asyncio.run, _told(found.root)).result()
        found.start()
        yield found


async def _told(root):
    """Write down a run of models into a project that nobody serves; answers its job."""
    project, codes = Project(root), {name: modelled.CODE.format(name) for name in MODELS}
    known = [
        modelled.model(
            name,
            layer="staging" if name.startswith("stg_") else "marts",
            depends_on=tuple(codes.get(each, each) for each in reads),
            tests=("t1",),
        )
        for name, reads in MODELS.items()
    ]
    with project.held():
        runtime = Runtime(project, configuration.read(project.folder))
        runtime.writer.start()
        try:
            await runtime.writer.send(models.ApplyModels(models=tuple(known)), templates.ORIGIN)
            asked = await runtime.writer.send(model_runs.RequestModels(), templates.ORIGIN)
            job = asked.recorded[-1].position
            columns = (Column(name="day", type="DATE"), Column(name="sold", type="BIGINT"))
            told = [
                modelled.completed(job, name, columns=columns)
                for name in MODELS
                if name != "report"
            ]
            told += [modelled.completed(job, "report", "error", message="Column x is not there.")]
            for command in (
                model_runs.StartModels(job=job),
                *(model_runs.TellModel(told=each) for each in told),
                model_runs.TellModel(told=modelled.checked(job, "daily", "pass", "fail")),
                model_runs.EndModels(ending=modelled.failed(job, failed=("report",))),
            ):
                await runtime.writer.send(command, templates.ORIGIN)
        finally:
            await runtime.stop()
    return job
