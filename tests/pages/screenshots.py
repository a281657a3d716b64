"""Screenshots of each page, light and dark, wide and narrow: `python -m tests.pages.screenshots`.

They go to build/screenshots, for people to look at; with --docs the few that the documents show
are made anew, too. They differ from run to run by their times, so nothing compares them.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.conftest import find_chromium
from tests.pages import showcase
from tests.pages.tabs import NARROW, Tab

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
WIDE = {"width": 1280, "height": 800}
SMALL = {"width": 1120, "height": 660}  # what a document shows must not weigh much
SCHEMES = ("light", "dark")
PAGES = {
    "overview": "/",
    "past": "/?as_of={past}",
    "changes": "/changes?from=1&stream=source:{source}",
    "monitoring": "/monitoring?metric={source}_{source}_row_count",
    "sources": "/sources",
    "source": "/sources/{source}",
    "failed": "/sources/{failed}",
    "files": "/sources/{source}/files",
    "types": "/add/source",
    "add": "/add/source/postgres",
    "models": "/models",
    "lineage": "/models?show=lineage&at={model}",
    "model": "/models/{model}",
    "run": "/model-runs/{job}",
    "catalogue": "/catalog",
    "table": "/catalog/{source}/{source}",
    "search": "/search?q=air",
    "query": "/query?embedded=1",
    "notebooks": "/notebooks",
    "schedules": "/schedules",
    "schedule": "/schedules/every-morning",
    "new-schedule": "/add/schedule",
    "governance": "/governance",
    "health": "/health",
    "logs": "/logs",
    "events": "/events?q=type:sync_*+since:30d",
    "event": "/events/{event}",
    "users": "/users",
    "user": "/users/{user}",
    "secrets": "/secrets",
    "account": "/account",
    "factor": "/account/2fa",
    "nothing": "/nothing-here",
}
# Which of them the documents show, and in which schemes.
SHOWN = {
    "overview": SCHEMES,
    "source": ("light",),
    "table": ("light",),
    "query": ("light",),
    "lineage": SCHEMES,
    "events": ("light",),
    "health": ("light",),
}


def things(server, data):
    """What the addresses of the pages name."""
    admin = server.client(session="admin")
    done = server.events(admin, type="sync_completed")
    events = admin.get("/api/events", params={"type": "models_built", "limit": 1}).json()["events"]
    models = [each["name"] for each in admin.get("/api/dbt/models").json()["models"]]
    return {
        "past": done[-1]["position"],
        "source": data.sources[0],
        "failed": data.sources[-1],
        "model": next((each for each in models if not each.startswith("stg_")), models[0]),
        "job": events[0]["data"]["job"],
        "event": done[-1]["position"],
        "user": admin.get("/api/admin/users").json()[0]["id"],
        "y": data.query.split(" from ")[0].split(", ")[-1],
        "sql": showcase.pretty(data.query),
    }


def prepare(name, page, known):
    """Bring a page into the state that is worth a picture."""
    if name == "query":
        page.fill("#sql", known["sql"])
        page.click("#run")
        page.locator("#answer table").wait_for()
        page.select_option("select[name=chart]", "bar")
        page.select_option("select[name=y]", known["y"])
        page.click("#draw")
        page.locator("#chart", has_text=f"{known['y']} by").wait_for()
    page.evaluate("document.fonts.ready")


def take(browser, server, known, folder):
    """Every page in each scheme and size; answers how many pictures were made."""
    for scheme in SCHEMES:
        for size in (WIDE, NARROW):
            end = f"{size['width']}-{scheme}.png"
            with Tab(browser, server, session="admin", size=size, scheme=scheme) as tab:
                for name, path in PAGES.items():
                    page = tab.go(path.format(**known))
                    prepare(name, page, known)
                    page.screenshot(path=folder / f"{name}-{end}", full_page=True)
            with Tab(browser, server, size=size, scheme=scheme) as tab:
                tab.go("/login").screenshot(path=folder / f"login-{end}", full_page=True)
    return len(SCHEMES) * 2 * (len(PAGES) + 1)


def show(browser, server, known):
    """The pictures of the documents."""
    PICTURES.mkdir(exist_ok=True)
    for scheme in SCHEMES:
        with Tab(browser, server, session="admin", size=SMALL, scheme=scheme) as tab:
            for name in (name for name, schemes in SHOWN.items() if scheme in schemes):
                page = tab.go(PAGES[name].format(**known))
                prepare(name, page, known)
                if name == "query":  # the answer is what one comes for
                    page.locator("#run").evaluate("button => button.scrollIntoView()")
                page.screenshot(path=PICTURES / f"{name}-{scheme}.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "screenshots")
    parser.add_argument("--docs", action="store_true", help="also those in docs/pictures")
    given = parser.parse_args()
    program = find_chromium()
    if program is None:
        parser.error("Chromium is not installed.")
    shutil.rmtree(given.folder, ignore_errors=True)
    given.folder.mkdir(parents=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        showcase.served(Path(scratch) / "project") as (server, data),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        known = things(server, data)
        count = take(browser, server, known, given.folder)
        if given.docs:
            show(browser, server, known)
        browser.close()
    print(f"{count} screenshots are in {given.folder}")  # noqa: T201 - a program for people


if __name__ == "__main__":
    main()
