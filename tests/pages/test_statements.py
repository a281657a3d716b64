"""What the query page says of a statement: its wrong place, and the names that it can take."""

import duckdb
import pytest

from api.pages import askable, faults
from api.platform import HttpSettings
from commands.ports import WorkRefused, WorkTimedOut
from infra.configuration.project import Settings
from infra.http_settings import http_settings
from infra.querying import functions
from tests.pages.site import HOSTILE, Page, Site, look
from tests.pages.test_sources import tell


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def shown(sql, line, column):
    """Each line around the place; what is wrong stands in brackets."""
    found = faults.find(sql, {"line": line, "column": column})
    return [
        each.before if each.wrong is None else f"{each.before}[{each.wrong}]{each.after}"
        for each in found.lines
    ]


def test_the_word_at_the_place_is_set_apart_among_the_lines_around_it():
    assert ["select 1,", "  [nothing],", "  2"] == shown("select 1,\r\n  nothing,\r\n  2", 2, 3)
    lines = "\n".join(f"-- {n}" for n in range(1, 20))
    assert ["-- 7", "-- 8", "-- 9", "[-]- 10", "-- 11", "-- 12", "-- 13"] == shown(lines, 10, 1)
    assert ["select[]"] == shown("select", 1, 7)
    assert ["select[]"] == shown("select", 1, 99)
    assert ["é😀[x]"] == shown("é😀x", 1, 3)


def test_a_long_line_is_cut_around_the_place():
    (line,) = shown("a" * 50_000 + " wrong " + "b" * 50_000, 1, 50_002)
    assert "[wrong]" in line
    assert line.startswith("…")
    assert len(line) < 2 * faults.LINE_CHARS_MAX


@pytest.mark.parametrize(
    "facts", [{}, {"line": 1}, {"line": 9, "column": 1}, {"line": 0, "column": 1}, {"line": "1"}]
)
def test_without_a_place_of_the_statement_nothing_is_marked(facts):
    assert faults.find("select 1", facts) is None


@tell
async def test_a_refusal_marks_its_place_and_is_tied_to_the_editor(site, people):
    site.warehouse.fails = WorkRefused("No such thing (line 2, column 3).", line=2, column=3)
    body = {"sql": f"select 1,\r\n  {HOSTILE}"}
    page = Page(await people["editor"].post("/query", data=body))
    assert (400, []) == (page.status, page.wrong)
    field = {"aria-invalid": "true", "aria-describedby": "problem", "autofocus": None}
    assert page.has("textarea", id="sql", **field)
    assert page.has("p", id="problem", **{"data-line": "2", "data-column": "3"})
    assert page.has("mark")
    assert page.has("li", **{"aria-current": "true"})
    fresh = await look(people["editor"], "/query")
    assert (False, False) == (fresh.has("mark"), fresh.has("textarea", autofocus=None))


@tell
async def test_a_failure_without_a_place_is_tied_to_the_editor_and_marks_nothing(site, people):
    site.warehouse.fails = WorkTimedOut("It took longer than 30 s.")
    page = Page(await people["editor"].post("/query", data={"sql": "select 1"}))
    assert (408, False) == (page.status, page.has("mark"))
    assert page.has("textarea", **{"aria-describedby": "problem"})
    assert not page.has("textarea", **{"aria-invalid": "true"})


def test_names_are_quoted_exactly_where_the_engine_needs_it():
    assert ["a_1", '"1a"', '"a b"', '"a""b"', '"Order"', '""'] == [
        askable.quoted(name) for name in ("a_1", "1a", "a b", 'a"b', "Order", "")
    ]
    found = duckdb.sql(
        "select keyword_name from duckdb_keywords()"
        " where keyword_category in ('reserved', 'type_function')"
    ).fetchall()
    assert {name for (name,) in found} == askable.RESERVED


@tell
async def test_a_table_with_a_hostile_name_can_be_begun_with(site, people):
    await site.configure("orders")
    await site.succeed("orders", columns=("id", HOSTILE, "order"))
    page = await look(people["editor"], "/query")
    assert [] == page.wrong
    assert page.has("code", **{"data-schema": "raw_orders", "data-table": "orders"})
    assert page.has("th", **{"data-sql": '"order"'})
    assert page.has("th", **{"data-sql": askable.quoted(HOSTILE)})


def test_the_functions_that_are_offered_are_those_that_the_gate_allows():
    offered = http_settings(Settings(), host=None, port=None).query_functions
    assert {"sum", "date_trunc", "unnest", "read_csv"} & set(offered) == {
        "sum",
        "date_trunc",
        "unnest",
    }
    allowed = functions.SCALARS | functions.BUILT_INTO_THE_BINDER | functions.TABLE_FUNCTIONS
    assert set() == set(offered) - allowed
    assert all(name.isidentifier() for name in offered)


def test_functions_and_the_empty_list_of_names_are_on_the_page(tmp_path):
    site = Site(tmp_path, settings=HttpSettings(query_functions=("abs", "sum")))

    async def story():
        page = await look((await site.people())["editor"], "/query")
        assert "abs sum" in page.text
        assert page.has("ul", id="names", role="listbox", hidden=None)

    site.run(story)
