"""Asking on a page: rows, files, what went wrong, one's own history, cancelling, Metabase."""

import asyncio

import msgspec
import pytest

from api.platform import HttpSettings
from commands.ports import ResultFormat, WorkRefused
from tests.pages.site import HOSTILE, Site, look
from tests.pages.test_sources import actions, tell


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@tell
async def test_a_statement_is_answered_on_the_page_with_its_rows_escaped(site, people):
    await site.configure("orders")
    await site.succeed("orders")
    editor = people["editor"]
    page = await look(editor, "/query")
    assert page.has("textarea", name="sql")
    assert "raw_orders.orders" in page.text
    answer = await editor.post("/query", data={"sql": "select 1"})
    assert 200 == answer.status_code, answer.text
    for words in ("2 rows", "BIGINT", "null", "alert(1)"):
        assert words in answer.text
    assert "<script>alert" not in answer.text
    assert "select 1" == site.warehouse.asked[-1].sql
    assert "select 1" in answer.text
    assert "query_executed" == site.types()[-1]


@tell
async def test_what_was_asked_is_shown_to_who_asked_it_alone(site, people):
    await people["editor"].post("/query", data={"sql": f"select '{HOSTILE}'"})
    mine = await look(people["editor"], "/query")
    assert HOSTILE.partition("<")[2][:6] in mine.text
    assert [] == mine.wrong
    assert "alert(1)" not in (await look(people["admin"], "/query")).text


@pytest.mark.parametrize("kind", [each for each in ResultFormat if each is not ResultFormat.JSON])
def test_an_answer_can_be_had_as_a_file(site, kind):
    async def story():
        editor = (await site.people())["editor"]
        answer = await editor.post("/query", data={"sql": "select 1", "format": str(kind)})
        assert (200, b"a file") == (answer.status_code, answer.content)
        assert "attachment" in answer.headers["content-disposition"]
        assert kind is site.warehouse.asked[-1].format

    site.run(story)


@tell
async def test_what_went_wrong_is_told_beside_the_statement(site, people):
    site.warehouse.fails = WorkRefused("Catalog Error: there is no table x (line 1).")
    answer = await people["editor"].post("/query", data={"sql": "select * from x"})
    assert 400 == answer.status_code
    assert "there is no table x (line 1)" in answer.text
    assert "select * from x" in answer.text
    for body in ({"sql": "x" * 102_401}, {"other": "x"}, {"sql": "x", "format": "xlsx"}):
        answer = await people["editor"].post("/query", data=body)
        assert (422, True) == (answer.status_code, "data-problem" in answer.text)
    assert 403 == (await people["viewer"].post("/query", data={"sql": "select 1"})).status_code


@tell
async def test_the_past_can_be_asked(site, people):
    await site.configure("orders")
    done = await site.succeed("orders")
    await site.succeed("orders")
    past = await look(people["editor"], f"/query?as_of={done.position}")
    assert past.has("input", name="as_of", value=str(done.position))
    body = {"sql": "select 1", "as_of": str(done.position)}
    answer = await people["editor"].post("/query", data=body)
    assert (200, True) == (answer.status_code, "State as of" in answer.text), answer.text
    assert done.event.snapshot == site.warehouse.asked[-1].snapshot


class Slow:
    async def query(self, query, deadline_s):
        await asyncio.sleep(deadline_s)


def test_a_query_that_runs_is_shown_and_cancelled(site):
    object.__setattr__(site.platform, "warehouse", Slow())

    async def story():
        editor = (await site.people())["editor"]
        asked = asyncio.create_task(editor.post("/query", data={"sql": "select 1"}))
        while not site.platform.queries.every():  # noqa: ASYNC110 - it is inside of the server
            await asyncio.sleep(0.005)
        page = await look(editor, "/query")
        (cancel,) = [path for path in actions(page) if path.endswith("/cancel")]
        answer = await editor.post(cancel)
        assert (303, "/query?embedded=1") == (answer.status_code, answer.headers["location"])
        assert 409 == (await asked).status_code
        assert 404 == (await editor.post(cancel)).status_code

    site.run(story)


def test_where_metabase_is_set_up_the_page_leads_there(tmp_path):
    settings = HttpSettings(metabase=True, metabase_url="http://localhost:3000")
    site = Site(tmp_path, settings=msgspec.structs.replace(settings))

    async def story():
        editor = (await site.people())["editor"]
        answer = await editor.get("/query")
        assert (302, "http://localhost:3000") == (answer.status_code, answer.headers["location"])
        assert 200 == (await editor.get("/query?embedded=1")).status_code

    site.run(story)


async def kept(client, **more):
    body = {"sql": "select 1", "name": "Sales by day", **more}
    answer = await client.post("/saved-queries", data=body)
    assert 303 == answer.status_code, answer.text
    return answer.headers["location"]


@tell
async def test_a_statement_is_saved_opened_changed_and_deleted_without_a_script(site, people):
    editor = people["editor"]
    where = await kept(editor, format="csv")
    page = await look(editor, where)
    assert "Saved as Sales by day" in page.text
    assert page.has("a", href=where)
    assert "select 1" in page.text
    save = next(v["formaction"] for _, v in page.tags if v.get("formaction", "").count("/") > 1)
    changed = await editor.post(save, data={"sql": "select 2", "name": "Sales", "shared": "on"})
    assert (303, where) == (changed.status_code, changed.headers["location"])
    again = await look(editor, where)
    assert ("select 2" in again.text, "yours, shared" in again.text) == (True, True)
    (delete,) = [path for path in actions(again) if path.endswith("/delete")]
    assert 303 == (await editor.post(delete)).status_code
    assert "None yet. Write a statement" in (await look(editor, "/query")).text
    assert 404 == (await look(editor, where)).status


@tell
async def test_a_saved_query_is_seen_by_others_once_it_is_shared(site, people):
    alone, shared = await kept(people["editor"]), await kept(people["editor"], name=HOSTILE[:99],
                                                             shared="on")  # fmt: skip
    page = await look(people["admin"], shared)
    assert [] == page.wrong
    assert "shared with you" in page.text
    assert "Save the changes" not in page.text
    assert 404 == (await look(people["admin"], alone)).status


def saved_then(page):
    """The section of what was saved then."""
    return page.text.partition("Saved then")[2].partition("Tables")[0]


@tell
async def test_what_was_saved_then_is_told_with_the_text_that_there_still_is(site, people):
    editor = people["editor"]
    before = site.log.head()
    where = await kept(editor)
    first = site.log.head()
    page = await look(editor, f"/query?as_of={first}")
    assert "Sales by day" in saved_then(page)
    assert "changed since" not in saved_then(page)
    assert page.has("a", href=f"/query?embedded=1&sql=select%201&as_of={first}")
    assert [] == [path for path in actions(page) if "saved" in path]
    assert "None was there" in saved_then(await look(editor, f"/query?as_of={before}"))

    query = where.partition("=")[2]
    body = {"name": "Sold", "shared": True}
    assert 200 == (await editor.put(f"/api/queries/{query}", json=body)).status_code
    changed = saved_then(await look(editor, f"/query?as_of={first}"))
    assert ("Sold" in changed, "changed since" in changed) == (True, True)

    assert 200 == (await editor.delete(f"/api/queries/{query}")).status_code
    gone = saved_then(await look(editor, f"/query?as_of={first}"))
    assert ("Sold" in gone, "Sales" in gone, "yours alone" in gone) == (False, False, True)
    assert "None yet" in (await look(editor, "/query")).text


@tell
async def test_who_may_see_a_saved_query_no_more_sees_no_text_of_it_in_the_past(site, people):
    where = await kept(people["editor"], shared="on", sql="select 'secret plan'")
    shared = site.log.head()
    path = f"/query?as_of={shared}"
    assert "Sales by day" in saved_then(await look(people["admin"], path))
    query = where.partition("=")[2]
    body = {"shared": False}
    assert 200 == (await people["editor"].put(f"/api/queries/{query}", json=body)).status_code
    page = await look(people["admin"], path)
    assert "shared with you" in saved_then(page)
    assert page.has("span", title="It is not there any more, or not shared with you.")
    assert "Sales by day" not in page.text
    assert "secret plan" not in page.answer.text
    assert "secret%20plan" not in page.answer.text
    assert "secret%20plan" in (await look(people["editor"], path)).answer.text
    assert "None was there" in saved_then(await look(people["admin"], "/query?as_of=1"))


@tell
async def test_what_is_wrong_with_a_saved_query_is_said_and_the_statement_stays(site, people):
    editor = people["editor"]
    await kept(editor)
    for body, status in (({"name": "sales BY day"}, 409), ({}, 422), ({"name": "x" * 200}, 422)):
        refused = await editor.post("/saved-queries", data={"sql": "select 42", **body})
        assert (status, True) == (refused.status_code, "data-problem" in refused.text), body
        assert "select 42" in refused.text
    answer = await editor.post("/query", data={"sql": "select 1", "name": "x", "shared": "on"})
    assert 200 == answer.status_code  # to ask with a name typed is to ask
