"""What changed: between two positions, of one thing, and since one was here last."""

import re

import pytest

from api.pages import visits
from tests.pages.site import Site, look
from tests.pages.test_sources import tell


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@tell
async def test_two_positions_are_compared_for_all_things_and_for_one(site, people):
    await site.configure("orders", "items")
    before = site.log.head()
    await site.succeed("orders", rows=4321)
    viewer = people["viewer"]

    page = await look(viewer, f"/changes?from={before}")
    assert (200, []) == (page.status, page.wrong)
    assert "3 events about 1 thing." in page.text  # asked for, begun and done
    assert page.has("a", href="/sources/orders")
    assert "items" not in page.text

    one = await look(viewer, f"/changes?from={before}&stream=source:orders")
    assert one.has("tr", **{"class": "changed"})
    assert "not_synced synced" in one.text  # before, after
    assert "4321" in one.text
    same = await look(viewer, f"/changes?from={before}&to={before}&stream=source:orders")
    assert "4321" not in same.text
    then = await look(viewer, f"/changes?from=1&stream=source:orders&as_of={before}")
    assert "4321" not in then.text


@tell
async def test_who_may_not_see_a_thing_is_not_shown_how_it_differs(site, people):
    user = await site.add("ben@example.org", "some other secret")
    for caller, status in (("viewer", 403), ("editor", 403), ("admin", 200)):
        page = await look(people[caller], f"/changes?from=1&stream=user:{user}")
        assert status == page.status
    assert "user:" not in (await look(people["viewer"], "/changes?from=1")).text


@pytest.mark.parametrize(
    "query",
    ["from=x", "from=-1", "from=99999999", "from=5&to=2", "to=" + "9" * 30, "stream=query:1"],
)
def test_what_are_no_positions_is_explained(site, query):
    @tell
    async def story(site, people):
        page = await look(people["admin"], f"/changes?{query}")
        assert (422, []) == (page.status, page.wrong)

    story(site)


def news(page):
    found = re.search(r"([\w ]*?)(\d+) events? about (\d+) things? since you were here", page.text)
    return None if found is None else (int(found[2]), int(found[3]))


@tell
async def test_the_overview_says_what_happened_since_the_visit_before(site, people):
    viewer = people["viewer"]
    await site.configure("orders")
    assert None is news(await look(viewer, "/"))  # the first visit
    await site.succeed("orders")
    assert (3, 1) == news(await look(viewer, "/"))  # the same visit: it goes on
    assert (3, 1) == news(await look(viewer, "/"))
    site.clock.forward(seconds=visits.AWAY.total_seconds() + 1)
    assert None is news(await look(viewer, "/"))  # another visit, and nothing happened since
    await site.fail("orders", "no")
    site.clock.forward(seconds=visits.AWAY.total_seconds() + 1)
    assert (3, 1) == news(await look(viewer, "/"))
    assert visits.COOKIE not in people["anonymous"].cookies
    assert visits.COOKIE not in (await people["anonymous"].get("/")).cookies


@tell
async def test_a_cookie_of_another_log_or_of_nobody_is_no_visit(site, people):
    viewer = people["viewer"]
    await site.configure("orders")
    for value in ("", "x", "1.2", "999999.999999.1", "5.2.1", "1.2.3.4", "9" * 40):
        viewer.cookies.set(visits.COOKIE, value)
        page = await look(viewer, "/")
        assert (200, None) == (page.status, news(page))
        viewer.cookies.delete(visits.COOKIE)


@tell
async def test_the_overview_names_what_needs_somebody_and_what_is_next(site, people):
    await site.configure("orders")
    await site.schedule("nightly")
    page = await look(people["viewer"], "/")
    assert "It has never been synced" in page.text
    assert page.has("a", href="/schedules/nightly")
    nobody = await look(people["anonymous"], "/")
    assert "It has never been synced" not in nobody.text
    assert not nobody.has("a", href="/schedules/nightly")
