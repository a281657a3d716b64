"""The pages of models: what they show to whom, what their forms do, and where the graph stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages import lineage
from api.pages.lineage import Node
from tests.modelled import CODE, model
from tests.pages.site import Site, look
from tests.pages.test_sources import actions, tell


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


async def shop(site):
    await site.configure("orders")
    await site.succeed("orders")
    clean = model("clean", layer="staging", depends_on=("source.shop.raw_orders.orders",))
    daily = model("daily", depends_on=(CODE.format("clean"),), tests=("t1", "t2"))
    await site.define(clean, daily, model("alone", sources=()))
    await site.build(clean=("success",), daily=("success", "pass", "fail"))


@tell
async def test_the_list_says_by_layer_how_each_model_stands(site, people):
    await shop(site)
    page = await look(people["viewer"], "/models")
    for words in ("Staging", "Marts", "1 of 2 fail", "Not built yet", "Tests fail in 1 model"):
        assert words in page.text
    assert "/models" not in actions(page)
    assert "/models" in actions(await look(people["editor"], "/models"))


@tell
async def test_a_model_shows_tests_code_and_what_it_is_made_of(site, people):
    await shop(site)
    code = site.project.root / "dbt" / "marts"
    code.mkdir(parents=True, exist_ok=True)
    (code / "daily.sql").write_text("select 'the code' as it_is")
    page = await look(people["viewer"], "/models/daily")
    for words in ("the code", "raw_orders.orders", "clean", "test_2", "Fails"):
        assert words in page.text
    assert page.has("a", href="/models/clean")
    assert page.has("a", href="/sources/orders")
    assert "alone" not in page.text
    assert "the code" not in (await look(people["anonymous"], "/models/daily")).text
    past = await look(people["viewer"], f"/models/daily?as_of={site.log.head()}")
    assert "the code" not in past.text
    assert "What reads it" in (await look(people["editor"], "/models/clean")).text


@tell
async def test_no_file_outside_of_the_dbt_project_is_shown(site, people):
    (site.project.root / "secret.txt").write_text("hidden")
    (site.project.root / "dbt").mkdir(exist_ok=True)
    for path in ("../secret.txt", str(site.project.root / "secret.txt"), "\0", "", "."):
        await site.define(model("odd", path=path))
        page = await look(people["admin"], "/models/odd")
        assert (200, False) == (page.status, "hidden" in page.text)


@tell
async def test_models_are_run_and_cancelled_with_forms(site, people):
    await shop(site)
    editor = people["editor"]
    answer = await editor.post("/models/clean/run?cascade=true")
    assert (303, "/models/clean") == (answer.status_code, answer.headers["location"])
    asked = site.recorded[-1]
    assert ("clean", True) == (asked.event.model, asked.event.cascade)
    cancelled = await editor.post(f"/model-runs/{asked.position}/cancel")
    assert (303, "/models") == (cancelled.status_code, cancelled.headers["location"])
    answer = await editor.post("/models", data={"select": "+daily 'tag:a b'", "full_refresh": "on"})
    assert 303 == answer.status_code
    event = site.recorded[-1].event
    assert (("+daily", "tag:a b"), True) == (event.select, event.full_refresh)
    for body in ({"select": "--vars"}, {"select": "'"}, {"other": "x"}):
        refused = await editor.post("/models", data=body)
        assert (422, True) == (refused.status_code, "data-problem" in refused.text), body
    assert 404 == (await editor.post("/models/none/run")).status_code
    assert 404 == (await editor.post("/model-runs/1/cancel")).status_code
    assert 403 == (await people["viewer"].post("/models")).status_code


names = st.integers(0, 25).map(lambda number: f"n{number}")


@given(st.lists(names, unique=True), st.lists(st.tuples(names, names)))
def test_no_two_boxes_of_a_graph_overlap_and_what_reads_stands_further_right(ids, edges):
    acyclic = [(a, b) for a, b in edges if int(a[1:]) < int(b[1:])]
    graph = lineage.layout([Node(id=name, label=name) for name in ids], acyclic)
    places = {each.node.id: (each.x, each.y) for each in graph.nodes}
    assert set(ids) == set(places)
    assert len(places) == len(set(places.values()))
    for a, b in acyclic:
        if a in places and b in places:
            assert places[a][0] < places[b][0]
    for x, y in places.values():
        assert x + lineage.BOX_W <= graph.width
        assert y + lineage.BOX_H <= graph.height


@given(st.lists(names, unique=True), st.lists(st.tuples(names, names)))
def test_a_cycle_is_drawn_too(ids, edges):
    nodes = [Node(id=name, label=name) for name in ids]
    assert len(ids) == len(lineage.layout(nodes, edges).nodes)
    assert lineage.layout(nodes, edges) == lineage.layout(nodes[::-1], edges[::-1])


def test_around_a_node_is_what_it_is_made_of_and_what_is_made_of_it():
    edges = [("a", "b"), ("b", "c"), ("x", "c"), ("c", "d")]
    assert {"a", "b", "c", "d"} == lineage.around(edges, "b")
