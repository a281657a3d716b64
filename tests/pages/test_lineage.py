"""A picture of lineage as its address asks for it: what is marked, how large it is."""

import pytest

from api.pages import graphs
from tests.modelled import CODE, model
from tests.pages.site import Site, look
from tests.pages.test_sources import tell

ALL = "/models?show=lineage"
WRONG = ("24", "301", "-1", "x", "", "1e2", "\u0665\u0660")


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


async def shop(site):
    """From orders: clean, daily, top; and one that stands alone."""
    await site.configure("orders")
    await site.succeed("orders")
    await site.define(
        model("clean", depends_on=("source.shop.raw_orders.orders",)),
        model("daily", depends_on=(CODE.format("clean"),)),
        model("top", depends_on=(CODE.format("daily"),)),
        model("alone"),
    )


def nodes(page):
    """Of each node its classes, by its name."""
    found = [values for _, values in page.tags if "data-place" in values]
    return {each["aria-label"].split(",")[0]: set(each["class"].split()) for each in found}


def drawing(page):
    return next(v for _, v in page.tags if "lineage" in v.get("class", "").split())


@tell
async def test_what_is_up_and_downstream_of_a_node_is_marked_in_words_too(site, people):
    await shop(site)
    page = await look(people["viewer"], f"{ALL}&at=daily")
    assert {
        "raw_orders.orders": {"node", "upstream"},
        "clean": {"node", "upstream"},
        "daily": {"node", "at"},
        "top": {"node", "downstream"},
        "alone": {"node"},
    } == nodes(page)
    assert "daily: 2 upstream, 1 downstream." in page.text
    assert 3 == sum("edge on" == values.get("class") for _, values in page.tags)
    assert page.has("a", **{"aria-label": "clean, marts, Not built yet, upstream"})
    plain = await look(people["viewer"], ALL)
    assert {frozenset({"node"})} == {frozenset(each) for each in nodes(plain).values()}
    assert "upstream," not in plain.text


@tell
async def test_who_asks_for_what_is_not_there_is_told(site, people):
    await shop(site)
    for path, status in (
        (f"{ALL}&at=none", 404),
        ("/models/daily?at=alone", 404),  # it is not in that picture
        (f"{ALL}&at=", 200),  # as the form sends it when nothing is chosen
        *((f"{ALL}&zoom={wrong}", 422) for wrong in WRONG),
        *((f"{ALL}&zoom={right}", 200) for right in ("25", "300", "whole")),
    ):
        assert status == (await look(people["viewer"], path)).status, path


@tell
async def test_the_size_is_in_the_picture_and_in_the_links_that_change_it(site, people):
    await shop(site)
    plain = drawing(await look(people["viewer"], ALL))
    half = await look(people["viewer"], f"{ALL}&at=daily&zoom=50")
    assert int(plain["width"]) // 2 == int(drawing(half)["width"])
    assert int(plain["height"]) // 2 == int(drawing(half)["height"])
    assert plain["viewbox"] == drawing(half)["viewbox"]
    for zoom in ("35", "70", "whole"):
        assert half.has("a", href=f"{ALL}&at=daily&zoom={zoom}#lineage"), zoom
    whole = drawing(await look(people["viewer"], f"{ALL}&zoom=whole"))
    assert ("100%", True) == (whole["width"], int(whole["height"]) <= graphs.WHOLE_HEIGHT)
    for zoom, links in (("25", ("25", "35")), ("300", ("200", "300"))):
        bound = await look(people["viewer"], f"{ALL}&zoom={zoom}")
        for each in links:
            assert bound.has("a", href=f"{ALL}&zoom={each}#lineage"), (zoom, each)


@tell
async def test_the_past_is_marked_and_sized_as_well(site, people):
    await shop(site)
    head = site.log.head()
    page = await look(people["viewer"], f"{ALL}&at=daily&zoom=70&as_of={head}")
    assert page.has("a", href=f"{ALL}&at=daily&zoom=100&as_of={head}#lineage")
    assert page.has("input", name="as_of", type="hidden", value=str(head))


@tell
async def test_the_pages_of_one_model_and_one_table_have_the_same(site, people):
    await shop(site)
    await site.build(daily=("success",))
    for path in ("/models/daily", "/catalog/marts/daily"):
        page = await look(people["viewer"], f"{path}?zoom=140&at=clean")
        assert page.has("a", href=f"{path}?at=clean&zoom=200#lineage"), path
        assert {"node", "at"} == nodes(page)["clean"]


def test_where_there_are_too_many_for_a_picture_one_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(graphs, "NODES_MAX", 3)
    site = Site(tmp_path)

    async def story():
        await shop(site)
        viewer = (await site.people())["viewer"]
        assert "too many models" in (await look(viewer, ALL)).text
        page = await look(viewer, f"{ALL}&at=top")
        assert {"node", "at", "focus"} == nodes(page)["top"]
        assert "alone" not in nodes(page)

    site.run(story)
