"""The pages in a real browser: live, quiet in the console, faithful to their policy.

Screenshots go to the folder named by DANGO_SCREENSHOTS, for people to look at.
"""

import os
import re
from pathlib import Path

import pyotp
import pytest

from tests.server.harness import copied, until
from tests.server.template import PASSWORD, sources_yml, write_rows, write_sources

pytestmark = pytest.mark.browser

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
TIMEOUT_MS = 15_000
VIOLATIONS = """
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


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
    return server


class Tab:
    """One page in a browser of its own; `wrong` is what it complained of."""

    def __init__(self, browser, server, *, session=None, size=WIDE, script=True, scheme="light"):
        self.server, self.noise = server, []
        self.context = browser.new_context(
            viewport=size, java_script_enabled=script, color_scheme=scheme
        )
        if session is not None:
            token = server.people.sessions[session]
            self.context.add_cookies([{"name": "dango_session", "value": token, "url": server.url}])
        self.context.set_default_timeout(TIMEOUT_MS)
        self.page, self.script = self.context.new_page(), script
        if script:
            self.page.add_init_script(VIOLATIONS)
        self.page.on("console", lambda message: self.noise.append(message.text))
        self.page.on("pageerror", lambda error: self.noise.append(str(error)))
        self.page.on("request", self._asked)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def _asked(self, request):
        if not request.url.startswith((self.server.url, "data:", "blob:")):
            self.noise.append(f"asked for {request.url}")

    def go(self, path):
        self.page.goto(f"{self.server.url}{path}")
        return self.page

    @property
    def wrong(self):
        violations = self.page.evaluate("window.violations") if self.script else []
        return [*self.noise, *violations]

    def picture(self, name):
        if folder := os.environ.get("DANGO_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def text_of(page, selector):
    return page.locator(selector).inner_text()


def test_who_logs_in_and_presses_sync_sees_the_row_change_in_place(browser, served):
    with Tab(browser, served) as tab:
        page = tab.go("/login?next=/")
        page.fill("input[name=email]", "editor@example.org")
        page.fill("input[name=password]", PASSWORD)
        page.click("button")
        page.wait_for_url(f"{served.url}/")
        page.locator("#state", has_text="Live").wait_for()
        page.evaluate("window.stayed = document.querySelector('#source-items')")
        page.focus("#sync-items")
        page.keyboard.press("Enter")
        page.locator("#source-items .status", has_text=re.compile(r"^\s*Synced$")).wait_for()
        assert "500" in text_of(page, "#source-items")
        assert "Sync of items completed" in text_of(page, "#stream")
        assert page.evaluate("window.stayed === document.querySelector('#source-items')")
        assert [] == tab.wrong


def test_an_open_page_follows_what_others_do_and_keeps_its_place(browser, served):
    with Tab(browser, served, session="viewer") as tab:
        page = tab.go("/")
        page.locator("#state", has_text="Live").wait_for()
        page.locator("details.menu summary").click()
        field = page.locator(".pop input[name=as_of]")
        field.fill("12")
        before = text_of(page, "#position")
        served.sync(served.client(session="editor"), "orders")
        page.locator("#stream li").first.get_by_text("Sync of orders completed").wait_for()
        assert int(before) < int(text_of(page, "#position"))
        assert "12" == field.input_value()
        assert page.evaluate("document.querySelector('details.menu').open")
        assert page.evaluate("document.activeElement.name") == "as_of"
        assert [] == tab.wrong


def test_a_page_whose_server_is_gone_says_so_and_catches_up(browser, template, tmp_path):
    with copied(template, tmp_path / "project") as server:
        server.start()
        with Tab(browser, server, session="admin") as tab:
            page = tab.go("/")
            page.locator("#state", has_text="Live").wait_for()
            server.kill()
            page.locator("#offline").wait_for(timeout=10_000)
            server.start()
            server.sync(server.client(session="editor"), "orders")
            page.locator("#offline").wait_for(state="hidden", timeout=30_000)
            page.locator("#source-orders", has_text="1,000").wait_for()


def test_without_scripts_everything_can_be_read_and_done(browser, served):
    with Tab(browser, served, script=False) as tab:
        page = tab.go("/events")
        assert page.url.endswith("/login?next=/events")
        page.fill("input[name=email]", "admin@example.org")
        page.fill("input[name=password]", PASSWORD)
        page.click("button")
        assert page.url == f"{served.url}/events"
        page.fill("input[name=q]", "type:sync_completed")
        page.click("form.filter button")
        page.locator("#events tbody th a").first.click()
        page.click("text=Verify the log")
        assert "The chain holds." in text_of(page, "#proof")
        page.click("text=Overview as of here")
        assert "State as of" in text_of(page, ".then")
        assert 0 == page.locator("form[method=post][action^='/sources/']").count()
        page.click("text=Back to now")
        page.click("#sync-orders")
        assert page.url == f"{served.url}/"
        page.click("button[title='Log out']")
        assert page.url == f"{served.url}/login"


def pressed(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def reached(page, what, most=60):
    """Go on with Tab until the focus is on this."""
    for _ in range(most):
        if page.evaluate("what => document.activeElement.matches(what)", what):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{what} is not reached by Tab")


def typed(page, text):
    """Type into the field that the page offers; it gets the focus with the first picture only."""
    page.locator("input:focus").wait_for()
    page.keyboard.type(text)


def logged_in_by_keyboard(page, server, email):
    page.goto(f"{server.url}/login?next=/account")
    typed(page, email)
    pressed(page, "Tab")
    page.keyboard.type(PASSWORD)
    pressed(page, "Enter")


@pytest.mark.parametrize("script", [True, False], ids=["scripts", "no scripts"])
def test_a_second_factor_is_set_up_and_signed_in_with_by_keyboard_alone(browser, served, script):
    admin, email = served.client(session="admin"), f"keys-{script}@example.org".lower()
    made = admin.post("/api/admin/users", json={"email": email}).json()
    token = made["invite_url"].rpartition("/")[2]
    body = {"token": token, "password": PASSWORD}
    assert 200 == served.client().post("/api/auth/accept-invite", json=body).status_code
    with Tab(browser, served, script=script) as tab:
        logged_in_by_keyboard(tab.page, served, email)
        tab.page.wait_for_url(f"{served.url}/account")
        reached(tab.page, "a[href='/account/2fa']")
        pressed(tab.page, "Enter")
        tab.page.wait_for_url("**/account/2fa")
        typed(tab.page, PASSWORD)
        pressed(tab.page, "Enter")
        app = pyotp.TOTP(text_of(tab.page, "#secret"))
        assert 100 < tab.page.locator(".qr svg").bounding_box()["width"]
        tab.picture(f"setup-{script}")
        typed(tab.page, app.now())
        pressed(tab.page, "Enter")
        tab.page.locator("#codes").wait_for()
        codes = tab.page.locator("#codes li").all_inner_texts()
        assert 8 == len(codes)
        tab.picture(f"codes-{script}")
        reached(tab.page, "a.primary")
        pressed(tab.page, "Enter")
        tab.page.wait_for_url(f"{served.url}/account")
        tab.picture(f"account-{script}")
        assert [] == tab.wrong
    with Tab(browser, served, script=script) as tab:
        logged_in_by_keyboard(tab.page, served, email)
        tab.page.wait_for_url("**/login/code?**")
        typed(tab.page, codes[0])
        pressed(tab.page, "Enter")
        tab.page.wait_for_url(f"{served.url}/account")
        assert "on" in text_of(tab.page, "section[aria-labelledby=you]")
        assert [] == tab.wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_page_complains_or_is_wider_than_its_window(browser, served, scheme, size):
    last = served.events(served.client(session="admin"), type="sync_completed")[-1]["position"]
    pages = {
        "login": "/login",
        "overview": "/",
        "past": f"/?as_of={last}",
        "events": "/events",
        "event": f"/events/{last}",
        "account": "/account",
        "factor": "/account/2fa",
    }
    for name, path in pages.items():
        session = None if name == "login" else "admin"
        with Tab(browser, served, session=session, size=size, scheme=scheme) as tab:
            width = tab.go(path).evaluate("document.documentElement.scrollWidth")
            assert (name, size["width"]) == (name, width)
            assert (name, []) == (name, tab.wrong)
            tab.picture(f"{name}-{scheme}-{size['width']}")


@pytest.mark.parametrize("viewer", ["docs", "redoc"])
def test_the_viewers_of_the_api_show_it_without_another_host(browser, served, viewer):
    with Tab(browser, served) as tab:
        page = tab.go(f"/api/{viewer}")
        page.locator("#viewer h1", has_text="Dango").first.wait_for()
        page.locator("#viewer", has_text="sources").wait_for()
        assert [] == tab.wrong
        tab.picture(viewer)
