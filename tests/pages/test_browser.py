"""The pages in a real browser: live, quiet in the console, faithful to their policy.

Screenshots go to the folder named by DANGO_SCREENSHOTS, for people to look at.
"""

import re
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from tests.pages.tabs import Tab, misfits, pressed, reached, text_of, typed
from tests.server.harness import copied
from tests.server.template import PASSWORD

pytestmark = pytest.mark.browser


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
        done = page.locator("#stream li", has_text="Sync of orders completed")
        told = done.count()
        served.sync(served.client(session="editor"), "orders")
        done.nth(told).wait_for()
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


MISSED = 100
SHOWN = """() => {
  const main = document.querySelector("main").cloneNode(true);
  for (const time of main.querySelectorAll("time")) time.textContent = "";
  return [document.querySelector("#position").textContent, main.innerHTML];
}"""


class Wire:
    """The socket of a page, which can be cut and joined again."""

    def __init__(self, page):
        self.cut, self.sockets = False, []
        page.route_web_socket("**/ws?**", self.opened)

    def opened(self, socket):
        if self.cut:
            socket.close()
        else:
            self.sockets.append(socket)
            socket.connect_to_server()

    def part(self):
        self.cut = True
        for socket in self.sockets:
            socket.close()


def test_a_page_whose_socket_was_cut_while_much_happened_ends_as_a_fresh_one(browser, served):
    admin = served.client(session="admin")
    with Tab(browser, served, session="admin") as tab:
        wire = Wire(tab.page)
        page = tab.go("/")
        page.locator("#state", has_text="Live").wait_for()
        before = int(text_of(page, "#position"))
        wire.part()
        page.locator("#state", has_text="Live").wait_for(state="hidden")
        for number in range(MISSED):
            if number % 20 == 0:
                told = {"description": f"Told while nobody heard, {number}"}
                assert 200 == admin.put("/api/sources/items", json=told).status_code
            else:
                made = admin.post("/api/auth/api-keys", json={"name": f"key {number}"})
                assert made.status_code in (200, 201), made.text
        assert str(before) == text_of(page, "#position")  # it heard of nothing
        wire.cut = False
        page.locator("#state", has_text="Live").wait_for()
        head = admin.get("/api/events", params={"limit": 1}).json()["events"][0]["position"]
        assert before + MISSED <= head
        page.locator("#position", has_text=str(head)).wait_for()
        kept = page.evaluate(SHOWN)
        page.reload()
        page.locator("#state", has_text="Live").wait_for()
        assert page.evaluate(SHOWN) == kept
        assert "Told while nobody heard, 80" in text_of(page, "#source-items")


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


def test_no_page_complains_or_is_wider_than_its_window(browser, served):
    last = served.events(served.client(session="admin"), type="sync_completed")[-1]["position"]
    pages = {
        "login": "/login",
        "overview": "/",
        "past": f"/?as_of={last}",
        "events": "/events",
        "event": f"/events/{last}",
        "changes": "/changes?from=1&stream=source:orders",
        "monitoring": "/monitoring?metric=orders_orders_row_count",
        "sources": "/sources?sort=-rows",
        "source": "/sources/orders",
        "failed": "/sources/broken",
        "source then": f"/sources/orders?as_of={last}",
        "files": "/sources/orders/files",
        "types": "/add/source",
        "add": "/add/source/postgres",
        "models": "/models",
        "catalog": "/catalog",
        "table": "/catalog/orders/orders",
        "search": "/search?q=o",
        "notebooks": "/notebooks",
        "lineage": "/models?show=lineage",
        "query": "/query",
        "schedules": "/schedules",
        "new schedule": "/add/schedule",
        "governance": "/governance",
        "health": "/health",
        "logs": "/logs",
        "users": "/users",
        "secrets": "/secrets",
        "account": "/account",
        "factor": "/account/2fa",
    }
    wrong = []
    for session in (None, "admin"):
        with Tab(browser, served, session=session) as tab:
            for name, path in pages.items():
                if (session is None) == (name == "login"):
                    wrong += misfits(tab, name, path)
    assert [] == wrong


def test_a_statement_is_answered_in_place_and_an_error_beside_it(browser, served):
    with Tab(browser, served, session="editor") as tab:
        page = tab.go("/query")
        page.fill("#sql", "select order_id, item from raw_orders.orders order by 1 limit 3")
        page.click("#run")
        page.locator("#answer table").wait_for()
        assert "3 rows" in text_of(page, "#answer")
        page.locator("#history", has_text="raw_orders.orders").wait_for()
        page.evaluate("window.stayed = true")
        served.sync(served.client(session="editor"), "orders")
        assert "3 rows" in text_of(page, "#answer")  # what others do leaves the answer alone
        page.fill("#sql", "select nothing from nowhere")
        page.click("#run")
        page.locator("#answer .problem").wait_for()
        assert "nowhere" in text_of(page, "#answer")
        assert "select nothing from nowhere" == page.input_value("#sql")
        assert page.evaluate("window.stayed")
        with page.expect_download() as download:
            page.fill("#sql", "select 1 as one")
            page.click("button[name=format][value=csv]")
        assert download.value.suggested_filename.endswith(".csv")
        assert [] == [line for line in tab.wrong if "400" not in line]


def test_a_source_is_rolled_back_after_a_question_and_the_page_follows(browser, served):
    editor = served.client(session="editor")
    served.sync(editor, "orders")
    runs = editor.get("/api/sources/orders/details").json()["history"]
    with Tab(browser, served, session="editor") as tab:
        page = tab.go("/sources/orders")
        page.locator("#state", has_text="Live").wait_for()
        page.locator("#runs details.confirm summary").first.click()
        page.locator("#runs details.confirm[open] button.danger").click()
        page.wait_for_function(
            "count => document.querySelectorAll('#runs tbody tr').length > count", arg=len(runs)
        )
        assert page.url.endswith("/sources/orders")
        assert [] == tab.wrong


DASHBOARD_REQUESTS_MAX = 8
DASHBOARD_BYTES_MAX = 60_000


def test_the_dashboard_is_few_requests_and_few_bytes(browser, served):
    with Tab(browser, served, session="viewer") as tab:
        asked = []
        tab.page.on("requestfinished", lambda request: asked.append(request))  # noqa: PLW0108 - a builtin cannot be marked
        tab.go("/").locator("#state", has_text="Live").wait_for()
        assert 3 <= len(asked) <= DASHBOARD_REQUESTS_MAX
        assert sum(each.sizes()["responseBodySize"] for each in asked) <= DASHBOARD_BYTES_MAX


@pytest.mark.parametrize("viewer", ["docs", "redoc"])
def test_the_viewers_of_the_api_show_it_without_another_host(browser, served, viewer):
    with Tab(browser, served) as tab:
        page = tab.go(f"/api/{viewer}")
        page.locator("#viewer h1", has_text="Dango").first.wait_for()
        page.locator("#viewer", has_text="sources").wait_for()
        assert [] == tab.wrong
        tab.picture(viewer)


def test_a_part_of_time_is_chosen_on_the_bars(browser, served):
    def ends(page, number):
        href = page.locator(".spread a").nth(number).get_attribute("href")
        return parse_qs(urlsplit(href).query)["q"][0].split()

    def middle(page, number):
        box = page.locator(".spread a").nth(number).bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def asked(page):
        page.wait_for_url("**/events?q=since*")
        return parse_qs(urlsplit(page.url).query)["q"][0].split()

    with Tab(browser, served, session="admin") as tab:
        page = tab.go("/events")
        since, until = ends(page, 0)[0], ends(page, -1)[1]
        page.mouse.move(*middle(page, -1))
        page.mouse.down()
        page.mouse.move(*middle(page, 0), steps=4)
        page.mouse.up()
        assert [since, until] == asked(page)
        page = tab.go("/events")
        since, until = ends(page, 0)[0], ends(page, 1)[1]
        page.locator(".spread a").first.focus()
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Enter")
        assert [since, until] == asked(page)
        assert [] == tab.wrong
