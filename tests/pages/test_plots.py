"""Charts of an answer's rows: what is drawn, where, what is left out, how a page has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages import charts, plots, strips
from api.pages.plots import Kind
from tests.pages.site import HOSTILE, Site, look
from tests.pages.test_sources import tell


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def drawn(kind, rows, types=("VARCHAR", "BIGINT")):
    return plots.draw(kind, "x", "y", columns=("x", "y"), types=types, rows=rows)


def test_bars_stand_on_zero_and_go_down_below_it():
    plot = drawn(Kind.BAR, [["a", 4], ["b", -4], ["c", None], ["d", 0]])
    (up, down, none), zero = [box for box, _ in plot.bars], plot.zero
    assert (["4", "2", "0", "-2", "-4"], 120.0) == (plot.ticks, zero)
    assert (0.0, zero) == (up.y, up.y + up.h)
    assert (zero, plots.HEIGHT) == (down.y, down.y + down.h)
    assert charts.LEAST == none.h
    assert ["a", "b", "c", "d"] == plot.labels
    assert ["1 row without a number: gaps."] == plot.notes


def test_a_line_stands_on_time_in_order_with_a_gap_for_null():
    days = ["2026-01-11", "2026-01-01", "2026-01-02", None, "2026-01-03", "infinity"]
    plot = drawn(Kind.LINE, [[day, n] for n, day in enumerate(days)], types=("DATE", "BIGINT"))
    assert ["2026-01-01", "2026-01-06", "2026-01-11"] == plot.labels
    assert ["1", "2", "4", "0"] == [point.y for point in plot.points]
    assert (1, 3) == (plot.path.count("M"), plot.path.count("L"))
    assert "L96.00 " in plot.path
    assert "2 rows without a place on the axis left out." in plot.notes[0]
    gap = drawn(Kind.LINE, [["a", 1], ["b", None], ["c", 3]])
    assert "M0.00 240.0h0M960.00 0.0h0" == gap.path


def test_numbers_that_are_written_as_text_are_numbers_and_nothing_else_is():
    for text, value in (("1.50", 1.5), ("-3", -3.0), ("1e3", 1000.0), (7, 7.0), (" .5 ", 0.5)):
        assert value == plots.number(text)
    for other in ("", "1_0", "nan", "inf", "1,5", "٣", True, None, [1], {}, "1e999", 10**400):
        assert plots.number(other) is None


def test_without_a_number_there_is_no_chart_and_one_row_is_one():
    for kind in Kind:
        assert drawn(kind, [["a", None], ["b", "many"]]) is None
        one = drawn(kind, [["only", 5]])
        assert (["only", "5"], "only") == ([one.points[0].x, one.points[0].y], one.labels[0])
        assert (one.ticks[-1], len(one.points)) == ("0", 1)
    assert "M480.00" in drawn(Kind.LINE, [["2026-01-01", 5]], types=("DATE", "BIGINT")).path


def test_of_ten_thousand_rows_a_line_keeps_the_extremes_and_bars_the_first():
    rows = [[n, n % 7] for n in range(10_000)]
    rows[5_003][1], rows[7_001][1] = 99, -99
    line = drawn(Kind.LINE, rows, types=("BIGINT", "BIGINT"))
    assert len(line.points) <= 2 * plots.STRETCHES + 2
    assert {"99", "-99"} <= {point.y for point in line.points}
    assert ["0", "4,999.5", "9,999"] == line.labels
    bars = drawn(Kind.BAR, rows)
    assert plots.BARS_MAX == len(bars.bars)
    assert "The first 100 of 10,000 rows are drawn" in bars.notes[0]


values = st.floats(-plots.NUMBER_MAX, plots.NUMBER_MAX)


@given(st.lists(st.one_of(st.none(), values), max_size=20), st.sampled_from(Kind))
def test_whatever_the_numbers_all_stands_within_the_picture(numbers, kind):
    plot = drawn(kind, [[n, value] for n, value in enumerate(numbers)], ("BIGINT", "DOUBLE"))
    assert (plot is None) == all(value is None for value in numbers)
    for box, _ in () if plot is None else plot.bars:
        assert 0 <= box.x <= box.x + box.w <= plots.WIDTH
        assert 0 <= box.y <= box.y + box.h <= plots.HEIGHT + charts.LEAST
    for part in "" if plot is None else plot.path.replace("L", "M").split("M")[1:]:
        across, up = map(float, part.removesuffix("h0").split())
        assert (True, True) == (0 <= across <= plots.WIDTH, -0.01 <= up <= plots.HEIGHT + 0.01)


@given(values, values)
def test_an_axis_has_few_round_ticks_around_both_ends(one, other):
    found = charts.axis(min(one, other), max(one, other)).ticks
    assert 2 <= len(found) <= charts.STEPS + 3
    step = found[1] - found[0]
    assert found[0] <= min(one, other) + step * 1e-6
    assert max(one, other) - step * 1e-6 <= found[-1]


def test_likely_columns_are_drawn_where_none_are_named():
    rows = [["2026-01-01", 3, "x", "1.5"]]
    columns = ("day", "orders", "who", "total")
    assert ("day", "orders") == plots.axes(columns, rows, "", "")
    assert ("who", "total") == plots.axes(columns, rows, "who", "total")
    assert ("day", "orders") == plots.axes(columns, rows, "gone", "gone")
    assert ("n", "n") == plots.axes(("n",), [[1]], "", "")
    assert ("a\nb", "n") == plots.axes(("n", "a\nb"), [[1, 2]], "a\r\nb", "n")


@tell
async def test_a_chart_stands_over_its_rows_with_its_numbers_and_in_the_link(site, people):
    site.warehouse.columns = (HOSTILE, "n&=1")
    site.warehouse.rows = [[HOSTILE, 3], ["b", None], [None, "7.5"]]
    editor = people["editor"]
    body = {"sql": "select 1", "chart": "bar", "x": HOSTILE, "y": "n&=1"}
    answer = await editor.post("/query", data=body)
    assert 200 == answer.status_code, answer.text
    page = await look(editor, "/query")  # what it is without an answer
    assert (False, []) == (page.has("figure", id="chart"), page.wrong)
    page = type(page)(answer)
    assert [] == page.wrong
    assert page.has("figure", id="chart")
    assert 2 == sum(tag == "rect" for tag, _ in page.tags)
    assert "<script>alert" not in answer.text
    assert "2 values from 3 to 7.5" in answer.text
    (link,) = [v["href"] for _, v in page.tags if v.get("href", "").count("chart=")]
    opened = await look(editor, link)
    assert (200, []) == (opened.status, opened.wrong)
    for name in ("chart", "x", "y"):
        assert opened.has("input", type="hidden", name=name, value=body[name], form="ask")
    assert opened.has("textarea", name="sql")


@tell
async def test_what_has_no_number_is_said_and_what_is_no_chart_is_refused(site, people):
    site.warehouse.rows = [[None, None]]
    editor = people["editor"]
    answer = await editor.post("/query", data={"sql": "select 1", "chart": "line", "y": "name"})
    assert (200, True) == (answer.status_code, "There is no number in name" in answer.text)
    refused = await editor.post("/query", data={"sql": "select 1", "chart": "pie"})
    assert (422, True) == (refused.status_code, "data-problem" in refused.text)
    assert 422 == (await look(editor, "/query?chart=pie")).status
    site.warehouse.rows = []
    answer = await editor.post("/query", data={"sql": "select 1", "chart": "bar"})
    assert (200, True) == (answer.status_code, "No row matches" in answer.text)


@tell
async def test_a_saved_query_keeps_its_chart_in_its_link(site, people):
    body = {"sql": "select 1", "name": "Sales", "chart": "line", "x": "id", "y": "id"}
    answer = await people["editor"].post("/saved-queries", data=body)
    assert 303 == answer.status_code, answer.text
    where = answer.headers["location"]
    assert where.endswith("&chart=line&x=id&y=id")
    page = await look(people["editor"], where)
    assert page.has("a", id="share", href=where)
    assert page.has("input", name="chart", value="line")


def test_a_success_stands_a_failure_hangs_and_both_are_told_in_words():
    found = strips.strip([("success", 2.0), ("failed", 1.0), ("running", None)])
    bars = dict(found.bars)
    first = strips.WIDTH - 3 * strips.STEP
    assert {"good", "bad", "busy"} == set(bars)
    assert bars["good"].startswith(f"M{first} 4.0h")  # the longest, and not up to the top
    assert bars["bad"].startswith(f"M{first + strips.STEP} 0h")
    assert "v7.0h" in bars["bad"]  # half as long, from the top
    assert "Newest 3 runs: 1 succeeded, 1 failed, 1 running" == found.said
    assert strips.strip([]) is None
    assert "took 7.50 s" in strips.strip([("failed", None), ("success", 7.5)]).said
