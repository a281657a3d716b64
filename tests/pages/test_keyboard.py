"""What people come for, done in a real browser with nothing but the keys."""

import pytest

from tests.pages.tabs import Tab, pressed, reached, text_of, unfit
from tests.server.harness import until
from tests.server.template import write_rows

pytestmark = pytest.mark.browser


def asked(page, words, first):
    """Open the palette, type, and go to what stands first."""
    page.keyboard.press("Control+k")
    page.locator("dialog[open] input:focus").wait_for()
    page.keyboard.type(words)
    page.locator(f"#found[data-q='{words}'] li:first-child", has_text=first).wait_for()
    pressed(page, "Enter")


def test_a_file_is_synced(browser, served):
    with Tab(browser, served, session="editor") as tab:
        page = tab.go("/health")
        asked(page, "sync items", "Sync items")
        page.wait_for_url("**/sources/items")
        page.locator("#head .status", has_text="Synced").wait_for()
        assert "500" in text_of(page, "#head")
        assert [] == tab.wrong


def test_a_failed_run_is_found_with_its_reason(browser, served):
    with Tab(browser, served, session="viewer") as tab:
        page = tab.go("/")
        reached(page, "#failing a[href='/sources/broken']")
        pressed(page, "Enter")
        page.wait_for_url("**/sources/broken")
        assert "Line 7 of broken.csv has" in text_of(page, "#trouble")
        assert [] == tab.wrong


def test_drift_is_accepted(browser, served):
    path, admin = served.root / "data/uploads/items/items.csv", served.client(session="admin")
    write_rows(path, 500)
    served.sync(admin, "items")
    path.write_text("order_id,item\n1,a\n2,b\n")
    served.sync(admin, "items", full_refresh=True)
    until(lambda: admin.get("/api/governance/schema-drift").json()["held"])
    with Tab(browser, served, session="admin") as tab:
        page = tab.go("/governance")
        reached(page, "#accept-items summary")
        pressed(page, "Enter", "Tab", "Enter")
        page.locator("#needs-items", has_text="price").wait_for(state="hidden")
        assert [] == admin.get("/api/governance/schema-drift").json()["held"]
        assert [] == tab.wrong


def test_the_state_before_is_looked_at_and_left(browser, served):
    admin = served.client(session="admin")
    position = served.events(admin, type="sync_completed")[-1]["position"]
    with Tab(browser, served, session="admin") as tab:
        page = tab.go("/sources/orders")
        reached(page, "header.top details.menu summary")
        pressed(page, "Enter")
        reached(page, ".pop input[name=as_of]")
        pressed(page, "Control+a")
        page.keyboard.type(str(position - 1))
        pressed(page, "Enter")
        page.wait_for_url(f"**/sources/orders?as_of={position - 1}")
        assert f"State as of #{position - 1}" in text_of(page, ".then")
        reached(page, ".then a.button")
        pressed(page, "Enter")
        page.wait_for_url("**/sources/orders")
        assert [] == tab.wrong


def test_somebody_is_invited(browser, served):
    with Tab(browser, served, session="admin") as tab:
        page = tab.go("/")
        asked(page, "invite", "Invite a user")
        page.wait_for_url("**/users#invite")
        reached(page, "input[name=email]")
        page.keyboard.type("new@example.org")
        reached(page, "form.new button.primary")
        pressed(page, "Enter")
        page.locator("code.once").wait_for()
        assert "/invite/" in text_of(page, "code.once")
        assert [] == tab.wrong


def test_the_palette_is_walked_through_left_and_fit_for_all(browser, served):
    with Tab(browser, served, session="editor") as tab:
        page = tab.go("/sources")
        pressed(page, "/")
        page.locator("#found li").first.wait_for()
        pressed(page, "ArrowDown", "ArrowDown")
        assert page.evaluate("document.activeElement.matches('#found li:nth-child(2) a')")
        assert [] == unfit(page)
        tab.picture("palette")
        pressed(page, "ArrowUp", "ArrowUp")
        assert page.evaluate("document.activeElement.name") == "q"
        pressed(page, "Escape")
        page.locator("dialog[open]").wait_for(state="hidden")
        reached(page, "input:not(dialog input), textarea, a")
        assert [] == tab.wrong


def test_a_slash_that_is_typed_into_a_field_stays_there(browser, served):
    with Tab(browser, served, session="editor") as tab:
        page = tab.go("/query")
        page.focus("#sql")
        page.keyboard.type("select 1/2")
        assert "select 1/2" == page.input_value("#sql")
        assert 0 == page.locator("dialog[open]").count()


def test_keys_of_one_character_are_switched_off_by_the_keys_and_stay_so(browser, served):
    box = "#palette [data-letters] input"
    with Tab(browser, served, session="editor") as tab:
        page = tab.go("/sources")
        pressed(page, "/")
        page.locator("#found li").first.wait_for()
        reached(page, box)
        assert page.is_checked(box)
        tab.picture("palette-keys")
        pressed(page, "Space", "Escape")
        page.locator("dialog[open]").wait_for(state="hidden")
        for path in ("/sources", "/account"):
            page = tab.go(path)
            page.locator("#state", has_text="Live").or_(page.locator("#keyboard")).first.wait_for()
            pressed(page, "/")
            assert 0 == page.locator("dialog[open]").count()
            pressed(page, "Control+k")
            page.locator("dialog[open] input[type=search]:focus").wait_for()
            pressed(page, "Escape")
        assert [] == unfit(page)
        tab.picture("account-keys")
        reached(page, "main [data-letters] input")
        pressed(page, "Space")
        assert page.is_checked(box)
        pressed(page, "/")
        page.locator("dialog[open]").wait_for()
        assert [] == tab.wrong


def test_letters_lead_to_pages_walk_through_rows_and_do_what_a_row_is_for(browser, served):
    with Tab(browser, served, session="editor") as tab:
        page = tab.go("/health")
        page.locator("#state", has_text="Live").wait_for()
        pressed(page, "g", "s")
        page.wait_for_url("**/sources")
        page.locator("#state", has_text="Live").wait_for()
        pressed(page, "j", "j", "k")
        assert page.evaluate("document.activeElement.closest('tr').id") == "source-broken"
        pressed(page, "j")
        pressed(page, "r")
        page.locator("#source-items .status", has_text="Synced").wait_for()
        pressed(page, "Enter")
        page.wait_for_url("**/sources/items")
        pressed(page, "?")
        page.locator("#shortcuts[open]", has_text="Overview").wait_for()
        assert [] == unfit(page)
        tab.picture("keys")
        pressed(page, "Escape")
        page.locator("#shortcuts[open]").wait_for(state="hidden")
        assert [] == tab.wrong


def test_who_has_no_script_is_offered_no_keys(browser, served):
    with Tab(browser, served, session="editor", script=False) as tab:
        page = tab.go("/account")
        assert not page.locator("#keyboard").is_visible()


def test_axe_finds_what_keeps_people_out(browser, served):
    with Tab(browser, served, session="viewer") as tab:
        page = tab.go("/sources")
        page.evaluate("document.querySelector('main').append(document.createElement('button'))")
        assert any(found.startswith("button-name") for found in unfit(page))
