"""docs/reference/pages.md: each item of each page is there, or struck with a reason.

Where an item is: an element, a form, something to take along, or a test that does it.
"""

import re
from pathlib import Path

from api.platform import HttpSettings
from api.routes import ROUTES
from domain.permissions import Role
from tests.modelled import model
from tests.pages.site import PASSWORD, Site, look
from tests.pages.test_monitoring import measured
from tests.pages.test_sources import actions

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "pages.md"
TESTS = Path(__file__).parents[1]
EVERY = "Every page"
PATHS = {
    EVERY: "/sources",
    "/changes": "/changes?from=1&stream=source:orders",
    "/events/{position}": "/events/{job}",
    "/invite/{token}": "/invite/some",
    "/monitoring": "/monitoring?metric=orders_orders_row_count",
    "/search": "/search?q=d",
    "/sources/{name}": "/sources/orders",
    "/sources/{name}/files": "/sources/orders/files",
    "/models/{name}": "/models/daily",
    "/catalog/{owner}/{table}": "/catalog/orders/orders",
    "/model-runs/{job}": "/model-runs/{built}",
    "/schedules/{name}": "/schedules/nightly",
    "/users/{id}": "/users/{user}",
}


FOR_NOBODY = {"/login", "/invite/{token}"}  # who is logged in has no business there
PLACE = re.compile(r"`(#[\w-]+|(?:GET|POST) [^`]+|test_\w+)`")
STRUCK = re.compile(r"~~[^~]+~~: \S+ \S+ .+")  # a reason has a few words


def items(body):
    return [line[2:] for line in body.splitlines() if line.startswith("- ")]


def sections():
    for section in PAGE.read_text().split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        yield title.strip("`"), items(body)


def checklist():
    """Each page, with its items and where each is found."""
    for title, found in sections():
        kept = [item for item in found if not item.startswith("~~")]
        yield title, [(item, PLACE.findall(item)) for item in kept]


async def furnish(site):
    await site.configure("orders", "items")
    for columns in (("id", "gone"), ("id",)):
        await site.succeed("orders", columns=columns)
    await site.fail("orders", "no")
    running = await site.begin("items")
    await site.define(model("daily", depends_on=("source.shop.orders.orders",)))
    built = (await site.build(daily=("success", "pass"))).event.job
    await site.schedule("nightly")
    user = await site.add("ben@example.org", PASSWORD, Role.EDITOR)
    folder = site.project.root / "data" / "orders"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("id\n1\n")
    await notebooks(site)
    await measured(site, 10.0)
    kept = {"name": "Sales", "sql": "select 1"}
    saved = (await (await site.logged_in()).post("/api/queries", json=kept)).json()["id"]
    return {"user": user, "job": running.position, "saved": saved, "built": built}


async def notebooks(site):
    """One that nobody edits, one that the admin edits, one that somebody else does."""
    admin, ben = await site.logged_in(), await site.logged_in("ben@example.org", PASSWORD)
    for name, holder in (("free", None), ("mine", admin), ("theirs", ben)):
        await admin.post("/notebooks", data={"name": name})
        if holder is not None:
            await holder.post(f"/notebook/{name}/open")


def test_every_item_of_the_checklist_is_on_its_page(tmp_path):
    site = Site(tmp_path, settings=HttpSettings(query_functions=("sum",)))

    async def story():
        known = await furnish(site)
        admin, missing = await site.logged_in(), []
        for page, items in checklist():
            client = site.client() if page in FOR_NOBODY else admin
            found = await look(client, PATHS.get(page, page).format(**known))
            ids = {values["id"] for _, values in found.tags if "id" in values}
            posts = actions(found) | actions(await look(admin, "/sources/items"))
            posts = {path.partition("?")[0] for path in posts}
            for item, places in items:
                for place in places:
                    if place.startswith("test_"):
                        continue
                    kind, _, path = place.format(**known).partition(" ")
                    if kind == "GET":
                        there = 200 == (await admin.get(path)).status_code
                    else:
                        there = path in posts if kind == "POST" else place[1:] in ids
                    missing += [] if there else [f"{page}: {place} of {item}"]
        assert [] == missing

    site.run(story)


def test_every_item_says_where_it_is_or_why_it_is_not():
    told = "\n".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    defined = set(re.findall(r"def (test_\w+)", told))
    wrong = []
    for page, found in sections():
        for item in found:
            if item.startswith("~~"):
                wrong += [] if STRUCK.fullmatch(item) else [f"{page}: no reason: {item}"]
                continue
            places = PLACE.findall(item)
            wrong += [] if places else [f"{page}: nowhere: {item}"]
            tests = {place for place in places if place.startswith("test_")}
            wrong += [f"{page}: no such test: {name}" for name in tests - defined]

    assert [] == wrong


def test_the_checklist_has_every_page_that_the_menu_leads_to():
    from api.pages.navigation import MENU, SETTINGS

    listed = {page for page, _ in checklist()} - {EVERY}
    entries = {entry.path for entry in (*MENU, *SETTINGS)}
    assert {"/api/docs"} == entries - listed
    there = {re.sub(r"{\w+:\w+}", "{}", route.path) for route in ROUTES if route.page}
    assert set() == {re.sub(r"{\w+}", "{}", page) for page in listed} - there
