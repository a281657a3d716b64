"""A server with models in a browser: lineage that is looked around in, pages that are fit for all.

One file, since it takes longest to have the models built.
"""

import pytest

from tests.pages.tabs import NARROW, Tab, misfits, pressed, reached, text_of, unfit

pytestmark = pytest.mark.browser

ALL = "/models?show=lineage"
NODE = "svg.lineage [id$='{}']"
PLACE = """name => {
  const box = document.querySelector(`svg.lineage [id$='${name}'] rect`).getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
}"""


def marked(page):
    """The names of what is marked, by how."""
    return page.evaluate(
        """() => Object.fromEntries(["at", "upstream", "downstream"].map((each) => [each,
          [...document.querySelectorAll(`svg.lineage.marked .node.${each}`)]
            .map((node) => node.dataset.name).sort()]))"""
    )


DAILY = {
    "at": ["daily"],
    "upstream": ["raw_orders.orders", "stg_orders"],
    "downstream": ["report", "weekly"],
}
NOTHING = {"at": [], "upstream": [], "downstream": []}


def width(page):
    return page.evaluate("document.querySelector('svg.lineage').getBoundingClientRect().width")


def live(page):
    page.locator("#state", has_text="Live").wait_for()
    return page


def test_pointer_and_focus_mark_what_is_up_and_downstream(browser, modelling):
    with Tab(browser, modelling, session="viewer") as tab:
        page = live(tab.go(ALL))
        assert NOTHING == marked(page)
        page.hover(NODE.format("daily"))
        assert DAILY == marked(page)
        assert "daily: 2 upstream, 2 downstream." == text_of(page, "[data-said]")
        assert "marts · downstream" == page.text_content(f"{NODE.format('weekly')} .said")
        tab.picture("lineage-marked")
        page.hover("h1")
        assert NOTHING == marked(page)
        page.focus(NODE.format("daily"))
        assert DAILY == marked(page)
        page.hover(NODE.format("calendar"))
        assert {**NOTHING, "at": ["calendar"]} == marked(page)
        page.hover("h1")
        assert DAILY == marked(page)  # the focus is where it was
        assert [] == tab.wrong


def test_what_the_address_marks_comes_back_when_the_pointer_goes(browser, modelling):
    with Tab(browser, modelling, session="viewer") as tab:
        page = live(tab.go(f"{ALL}&at=daily"))
        assert DAILY == marked(page)
        page.hover(NODE.format("calendar"))
        assert {**NOTHING, "at": ["calendar"]} == marked(page)
        page.hover("h1")
        assert DAILY == marked(page)


def test_the_wheel_changes_the_size_and_keeps_what_is_under_the_pointer(browser, modelling):
    with Tab(browser, modelling, session="viewer", size=NARROW) as tab:
        page = live(tab.go(ALL))
        page.focus(NODE.format("weekly"))
        x, y = page.evaluate(PLACE, "weekly")
        page.mouse.move(x, y)
        before = width(page)
        page.keyboard.down("Control")
        for _ in range(4):
            page.mouse.wheel(0, -100)
        page.keyboard.up("Control")
        page.wait_for_function(
            "was => document.querySelector('svg.lineage').getBoundingClientRect().width > was",
            arg=before * 1.5,
        )
        assert [x, y] == pytest.approx(page.evaluate(PLACE, "weekly"), abs=3)
        assert 1 == page.evaluate("visualViewport.scale")  # the page itself stays as it is
        page.wait_for_function("() => new URL(location.href).searchParams.get('zoom') > 150")
        assert [] == tab.wrong


def test_keys_change_the_size_within_bounds_and_events_leave_it(browser, modelling):
    with Tab(browser, modelling, session="editor") as tab:
        page = live(tab.go(ALL))
        natural = width(page)
        page.keyboard.press("-")  # elsewhere a key means nothing
        assert natural == width(page)
        reached(page, ".scroll:has(svg.lineage)")
        pressed(page, "+")
        assert pytest.approx(natural * 1.25, abs=2) == width(page)
        pressed(page, "-", "-")
        assert pytest.approx(natural * 0.8, abs=2) == width(page)
        pressed(page, *["-"] * 12)
        assert pytest.approx(natural / 4, abs=2) == width(page)
        assert "25 %" == text_of(page, "[data-zoomed]")
        page.evaluate("window.fresh = 0; addEventListener('refreshed', () => window.fresh++, true)")
        modelling.sync(modelling.client(session="editor"), "orders", full_refresh=True)
        page.wait_for_function("() => window.fresh > 0")
        assert pytest.approx(natural / 4, abs=2) == width(page)
        assert page.evaluate("document.activeElement.matches('.scroll')")
        pressed(page, "0")
        assert "whole" == text_of(page, "[data-zoomed]")
        page.wait_for_url("**zoom=whole")
        page.reload()
        assert "whole" == text_of(page, "[data-zoomed]")
        assert [] == tab.wrong


def test_links_change_the_size_in_place_and_without_scripts_by_their_address(browser, modelling):
    for script in (True, False):
        with Tab(browser, modelling, session="viewer", script=script) as tab:
            page = tab.go(ALL)
            natural = page.locator("svg.lineage").bounding_box()["width"]
            page.click("[data-zoom=larger]")
            page.wait_for_url("**zoom=1**")
            assert natural < page.locator("svg.lineage").bounding_box()["width"]
            page.click("[data-zoom=whole]")
            page.wait_for_url("**zoom=whole**")
            region = page.locator(".scroll:has(svg.lineage)").bounding_box()["width"]
            assert page.locator("svg.lineage").bounding_box()["width"] <= region
            page.select_option("select[name=at]", "daily")
            page.click(".around button")
            page.wait_for_url("**at=daily**")
            assert "whole" == text_of(page, "[data-zoomed]")
            assert "daily: 2 upstream, 2 downstream." == text_of(page, "[data-said]")
            assert script == page.locator("[data-keys]").is_visible()


def test_arrow_keys_go_along_the_edges(browser, modelling):
    with Tab(browser, modelling, session="viewer") as tab:
        page = live(tab.go(ALL))
        reached(page, NODE.format("raw_orders.orders"))
        walked = []
        keys = ("Right", "Right", "Right", "Right", "Right", "Left", "Left", "Left", "Left")
        for key in keys:
            pressed(page, f"Arrow{key}")
            walked.append(page.evaluate("document.activeElement.dataset.name"))
        assert walked[0] == "stg_orders"
        assert walked[1] in ("daily", "customers")
        assert walked[4] == "report"  # nothing reads it: the focus stays
        assert walked[8] == "raw_orders.orders"
        pressed(page, "ArrowDown")
        other = page.evaluate("document.activeElement.dataset.name")
        assert "calendar" == other or pressed(page, "ArrowUp") is None
        reached(page, NODE.format("daily"))
        assert DAILY == marked(page)
        pressed(page, "Enter")
        page.wait_for_url("**/models/daily")
        assert [] == tab.wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_marked_picture_is_fit_for_all(browser, modelling, scheme):
    with Tab(browser, modelling, session="viewer", scheme=scheme) as tab:
        page = tab.go(f"{ALL}&at=daily")
        tab.picture(f"lineage-{scheme}")
        assert [] == unfit(page)


def test_a_picture_that_is_larger_than_its_frame_opens_at_what_it_is_about(browser, modelling):
    with Tab(browser, modelling, session="viewer", size=NARROW) as tab:
        for name in ("report", "stg_orders"):
            page = tab.go(f"/models/{name}?zoom=300")
            page.wait_for_function("""name => {
                const node = document.querySelector(`.node[data-name="${name}"]`);
                const frame = node.closest(".scroll").getBoundingClientRect();
                const box = node.getBoundingClientRect();
                return box.left < frame.right && box.right > frame.left
                    && box.top < frame.bottom && box.bottom > frame.top;
            }""", arg=name)  # fmt: skip
        assert [] == tab.wrong


# fit for all


PAGES = {
    "models": "/models",
    "lineage": "/models?show=lineage&zoom=whole",
    "model": "/models/daily",
    "failed model": "/models/report",
    "model run": "/model-runs/{job}",
    "then": "/models/daily?as_of={job}",
    "catalogue": "/catalog",
    "model's table": "/catalog/marts/daily",
}


@pytest.fixture(scope="module")
def locked(modelling):
    """The same server, with a notebook that the admin edits and one that somebody else does."""
    for session, name in (("admin", "mine"), ("editor", "theirs")):
        client = modelling.client(session=session)
        made = client.post("/api/notebooks", json={"name": name, "template": "blank"})
        assert made.status_code == 201, made.text
        opened = client.post(f"/api/notebooks/{name}/lock")
        assert opened.status_code == 200, opened.text
    return modelling


def test_the_pages_of_models_are_fit_for_all(browser, modelling):
    with Tab(browser, modelling, session="admin") as tab:
        found = [
            misfit
            for name, path in PAGES.items()
            for misfit in misfits(tab, name, path.format(job=modelling.modelled))
        ]
        assert [] == found


def test_notebooks_that_are_locked_are_fit_for_all(browser, locked):
    with Tab(browser, locked, session="admin") as tab:
        assert [] == misfits(tab, "notebooks", "/notebooks")
        page = tab.page
        assert "Go on" in text_of(page, "#notebook-mine")
        assert "editor@example.org" in text_of(page, "#notebook-theirs")
        page.click("#force-theirs summary")  # the question is fit, too
        assert [] == unfit(page)
