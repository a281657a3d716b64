"""The editor of /query in a real browser: what is wrong is marked, names are offered."""

import pytest

from tests.pages.tabs import NARROW, Tab, every_window, misfits, pressed, reached, text_of, unfit

pytestmark = pytest.mark.browser
WRONG = "select order_id,\n       nothing_here\nfrom raw_orders.orders"
FOCUSED = "document.activeElement.id"
CARET = "document.activeElement.selectionStart"


def complaints(tab):
    """What the tab complained of, but for the refusal that was asked for."""
    return [line for line in tab.wrong if "400 (Bad Request)" not in line]


def offered(page):
    return page.locator("#names [role=option]")


@every_window
def test_a_wrong_statement_is_marked_at_its_place_and_the_focus_goes_there(
    browser, served, size, scheme
):
    with Tab(browser, served, session="editor", size=size, scheme=scheme) as tab:
        page = tab.go("/query")
        page.fill("#sql", WRONG)
        pressed(page, "Control+Enter")
        page.locator("#problem[data-line='2']").wait_for()
        assert "sql" == page.evaluate(FOCUSED)
        assert WRONG.index("nothing_here") == page.evaluate(CARET)
        assert "problem" == page.get_attribute("#sql", "aria-describedby")
        assert "true" == page.get_attribute("#sql", "aria-invalid")
        assert "nothing_here" == text_of(page, "#answer mark")
        line, field = (page.locator(at).bounding_box() for at in (".marks div >> nth=0", "#sql"))
        assert field["y"] + 20 < line["y"] < field["y"] + 50
        assert size["width"] == page.evaluate("document.documentElement.scrollWidth")
        assert [] == unfit(page)
        tab.picture(f"query-error-{scheme}-{size['width']}")
        page.keyboard.type("x")
        assert page.locator(".marks").is_hidden()
        page.fill("#sql", "select 1 as one")
        pressed(page, "Control+Enter")
        page.locator("#answer table").wait_for()
        assert page.get_attribute("#sql", "aria-describedby") is None
        assert page.get_attribute("#sql", "aria-invalid") is None
        assert [] == complaints(tab)


def test_a_place_far_down_and_right_is_brought_into_view(browser, served):
    with Tab(browser, served, session="editor", size=NARROW) as tab:
        page = tab.go("/query")
        page.fill("#sql", "select 1,\n" + "1,\n" * 60 + f"'{'x' * 200}', nothing_here, \n2")
        page.evaluate("document.querySelector('#sql').scrollTo(0, 0)")
        pressed(page, "Control+Enter")
        page.locator("#problem[data-line='62']").wait_for()
        word, field = (page.locator(at).bounding_box() for at in (".marks div >> nth=1", "#sql"))
        assert field["y"] < word["y"] < field["y"] + field["height"]
        assert field["x"] < word["x"] < field["x"] + field["width"]
        assert [] == complaints(tab)


def test_without_scripts_the_answer_shows_the_marked_line(browser, served):
    with Tab(browser, served, session="editor", script=False) as tab:
        page = tab.go("/query")
        page.fill("#sql", WRONG)
        page.click("#run")
        assert "sql" == page.locator(":focus").get_attribute("id")
        assert "problem" == page.get_attribute("#sql", "aria-describedby")
        assert "nothing_here" == text_of(page, "#answer li[aria-current] mark")
        assert WRONG == page.input_value("#sql")
        tab.picture("query-error-no-script")


def test_a_run_by_the_keys_leaves_the_focus_on_its_button(browser, served):
    with Tab(browser, served, session="editor") as tab:
        page = tab.go("/query")
        page.fill("#sql", "select 1 as one")
        page.focus("#run")
        pressed(page, "Enter")
        page.locator("#answer table").wait_for()
        page.wait_for_function("() => document.activeElement.id === 'run'")


@every_window
def test_names_are_offered_by_place_and_taken_by_the_keys(browser, served, size, scheme):
    with Tab(browser, served, session="editor", size=size, scheme=scheme) as tab:
        page = tab.go("/query")
        page.focus("#sql")
        page.keyboard.type("select o.x from or")
        offered(page).first.wait_for()
        assert "table" in offered(page).first.inner_text()
        assert "name-0" == page.get_attribute("#sql", "aria-activedescendant")
        assert [] == unfit(page)
        pressed(page, "Tab")
        assert "select o.x from raw_orders.orders" == page.input_value("#sql")
        assert page.locator("#names").is_hidden()
        page.keyboard.type(" as o")
        page.evaluate("document.querySelector('#sql').setSelectionRange(10, 10)")
        pressed(page, "Backspace")
        page.keyboard.type("or")
        columns = offered(page).all_inner_texts()
        assert columns[0].startswith("order_id"), columns
        assert all("raw_orders.orders" in each for each in columns)
        tab.picture(f"query-names-{scheme}-{size['width']}")
        pressed(page, "Enter")
        pressed(page, "Control+Enter")
        page.locator("#answer .problem, #answer table").first.wait_for()
        assert "select o.order_id from raw_orders.orders as o" == page.input_value("#sql")
        assert [] == tab.wrong


def test_functions_are_offered_that_a_statement_may_call(browser, served):
    with Tab(browser, served, session="editor") as tab:
        page = tab.go("/query")
        page.focus("#sql")
        page.keyboard.type("select date_tr")
        assert "date_trunc" in offered(page).first.inner_text()
        pressed(page, "Enter")
        assert "select date_trunc(" == page.input_value("#sql")
        pressed(page, "Control+z")
        assert "select date_tr" == page.input_value("#sql")
        assert [] == tab.wrong


def test_the_list_is_walked_and_left_and_tab_leaves_the_editor(browser, served):
    with Tab(browser, served, session="editor") as tab:
        page = tab.go("/query")
        page.focus("#sql")
        page.keyboard.type("select ")
        pressed(page, "Control+Space", "ArrowDown", "ArrowDown", "ArrowUp")
        assert "name-1" == page.get_attribute("#sql", "aria-activedescendant")
        assert "true" == page.get_attribute("#name-1", "aria-selected")
        pressed(page, "ArrowUp", "ArrowUp")
        last = offered(page).count() - 1
        assert f"name-{last}" == page.get_attribute("#sql", "aria-activedescendant")
        pressed(page, "Escape")
        assert page.locator("#names").is_hidden()
        assert page.get_attribute("#sql", "aria-activedescendant") is None
        pressed(page, "Tab")
        assert "sql" != page.evaluate(FOCUSED)
        reached(page, "#run")
        assert "select " == page.input_value("#sql")
        assert [] == tab.wrong


@pytest.mark.parametrize(
    "text", ["select 'or", "select 1 -- or", "select 1 as or", "select 1.or", "select o", "and"]
)
def test_nothing_is_offered_where_no_name_is_wanted(browser, served, text):
    with Tab(browser, served, session="editor") as tab:
        page = tab.go("/query")
        page.focus("#sql")
        page.keyboard.type(text)
        assert page.locator("#names").is_hidden()
        pressed(page, "Enter")
        assert f"{text}\n" == page.input_value("#sql")


CHARTS = {
    "bar": "select item, round(sum(price) - 1350, 2) as total from raw_orders.orders"
    " group by 1 order by 1 limit 7",
    "line": "select date '2026-01-01' + n::int as day, sin(n / 40.0) * 50 as wave"
    " from range(2000) t(n)",
}


@pytest.mark.parametrize("kind", CHARTS)
def test_a_chart_is_drawn_of_the_answer_by_the_keys(browser, served, kind):
    with Tab(browser, served, session="editor") as tab:
        page = tab.go("/query")
        page.fill("#sql", CHARTS[kind])
        pressed(page, "Control+Enter")
        page.locator("#answer table").first.wait_for()
        reached(page, "select[name=chart]")
        pressed(page, kind[0])
        reached(page, "#draw")
        pressed(page, "Enter")
        page.locator("#chart svg").wait_for()
        page.wait_for_function("() => document.activeElement.id === 'draw'")
        assert kind == page.input_value("select[name=chart]")
        shapes = page.locator("#chart rect" if kind == "bar" else "#chart path.line")
        assert 0 < shapes.first.bounding_box()["height"]
        assert [] == misfits(tab, f"query-{kind}")


def test_choices_of_a_chart_follow_the_answer(browser, served):
    with Tab(browser, served, session="editor") as tab:
        page = tab.go("/query")
        page.fill("#sql", "select 1 as a, 2 as b, 3 as c")
        page.click("#run")
        page.select_option("select[name=y]", "c")
        page.select_option("select[name=chart]", "bar")
        page.click("#draw")
        page.locator("#chart").wait_for()
        page.fill("#sql", "select 3 as c, 1 as a, 2 as b")
        page.click("#run")
        page.wait_for_function(
            "() => document.querySelector('#answer .grid th').innerText.startsWith('c')"
        )
        chosen = [page.input_value(f"select[name={name}]") for name in ("chart", "x", "y")]
        assert ["bar", "a", "c"] == chosen
        link = page.get_attribute("#answer a[href*='chart=bar']", "href")
        page = tab.go(link)
        page.click("#run")
        page.locator("#chart", has_text="c by a").wait_for()
        assert [] == tab.wrong


def test_a_chart_is_drawn_without_scripts(browser, served):
    with Tab(browser, served, session="editor", script=False) as tab:
        page = tab.go("/query")
        page.fill("#sql", CHARTS["bar"])
        page.click("#run")
        page.select_option("select[name=chart]", "bar")
        page.click("#draw")
        page.locator("#chart rect").first.wait_for()
        assert CHARTS["bar"] == page.input_value("#sql")
