"""The pages of sources: what they show to whom, and what their forms do, without any script."""

import pytest

from api.pages import charts, options
from commands.ports import WorkRefused
from domain.permissions import Role
from domain.source_types.table import TYPES, json_schema
from tests.pages.site import Site, look

CALLERS = ("anonymous", "viewer", "editor", "admin")
NEW = {
    "name": "orders",
    "description": "What was sold",
    "enabled": "on",
    "tags": "shop, money",
    "options.directory": "data/orders",
    "options.file_pattern": "*.csv",
    "options.format": "auto",
    "options.deduplication": "none",
    "options.max_reject_ratio": "0.01",
    "empty_sync_policy": "block",
}


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def tell(story):
    """Tell a story of a site and its people."""

    def run(site):
        async def whole():
            await story(site, await site.people())

        site.run(whole)

    return run


def actions(page):
    """Where the forms of a page, and their buttons, post to."""
    forms = {v["action"] for tag, v in page.tags if tag == "form" and v.get("method") == "post"}
    return forms | {v["formaction"] for _, v in page.tags if "formaction" in v}


@tell
async def test_the_list_says_how_each_source_stands_and_what_needs_somebody(site, people):
    await site.configure("orders", "items")
    await site.succeed("orders", rows=4321)
    page = await look(people["viewer"], "/sources")
    assert page.has("a", href="/sources/orders")
    for words in ("4,321", "Synced", "Not synced yet", "It has never been synced", "by hand"):
        assert words in page.text
    assert "never been synced" not in (await look(people["anonymous"], "/sources")).text
    for caller in CALLERS:
        page = await look(people[caller], "/sources")
        may = caller in ("editor", "admin")
        assert may == page.has("a", href="/add/source")
        assert may == ("/sources/items/sync" in actions(page))


@tell
async def test_a_source_shows_runs_tables_columns_and_what_was_asked_of_it(site, people):
    await site.configure("orders", description="What was sold")
    await site.succeed("orders", rows=1000)
    await site.fail("orders", "Line 7 is broken.")
    page = await look(people["viewer"], "/sources/orders")
    for words in ("What was sold", "raw_orders.orders", "BIGINT", "Line 7 is broken.", "1,000"):
        assert words in page.text
    assert 5 == sum(tag == "rect" for tag, _ in page.tags)  # two runs, rows and times; a day
    assert page.has("svg", role="img")
    anonymous = await look(people["anonymous"], "/sources/orders")
    assert "Line 7" not in anonymous.text
    assert "data/orders" not in anonymous.text


@tell
async def test_each_role_has_the_buttons_that_it_may_press(site, people):
    await site.configure("orders")
    done = await site.succeed("orders")
    base = "/sources/orders"
    editors = {f"{base}/sync", f"{base}/test", f"{base}/remove", f"{base}/rollback"}
    expected = {"anonymous": set(), "viewer": set(), "editor": editors, "admin": editors}
    for caller, wanted in expected.items():
        found = actions(await look(people[caller], base)) - {"/logout"}
        assert wanted == found, caller
    assert done is not None
    running = await site.begin("orders")
    page = await look(people["editor"], base)
    assert f"{base}/cancel/{running.position}" in actions(page)
    assert f"{base}/sync" not in actions(page)


@tell
async def test_a_sync_with_options_is_asked_for_cancelled_and_rolled_back_with_forms(site, people):
    await site.configure("orders")
    done = await site.succeed("orders")
    editor, base = people["editor"], "/sources/orders"
    body = {"full_refresh": "on"}
    answer = await editor.post(f"{base}/sync", data=body)
    assert (303, base) == (answer.status_code, answer.headers["location"])
    assert site.recorded[-1].event.full_refresh
    job = site.recorded[-1].position
    again = await look(editor, base)
    assert "Queued" in again.text
    refused = await editor.post(f"{base}/sync", data=body)
    assert (409, True) == (refused.status_code, "data-problem" in refused.text)
    answer = await editor.post(f"{base}/cancel/{job}")
    assert (303, base) == (answer.status_code, answer.headers["location"])
    assert "sync_cancelled" == site.types()[-1]
    run = str(done.event.job)
    answer = await editor.post(f"{base}/rollback", data={"job_id": run})
    assert 303 == answer.status_code, answer.text
    assert done.event.job == site.recorded[-1].event.rollback_of
    nothing = await editor.post(f"{base}/rollback", data={"job_id": "1"})
    assert (404, True) == (nothing.status_code, "data-problem" in nothing.text)
    wrong = await editor.post(f"{base}/rollback", data={"job_id": "x"})
    assert 422 == wrong.status_code
    for path in ("sync", "rollback"):
        assert 403 == (await people["viewer"].post(f"{base}/{path}")).status_code
        assert (
            404
            == (
                await editor.post(
                    f"/sources/none/{path}", data={"job_id": run} if path[0] == "r" else {}
                )
            ).status_code
        )


@tell
async def test_a_source_is_added_changed_tested_and_removed_with_forms(site, people):
    editor = people["editor"]
    form = await look(editor, "/add/source/csv")
    assert form.has("input", name="options.directory", required=None)
    answer = await editor.post("/add/source/csv", data=NEW)
    assert (303, "/sources/orders") == (answer.status_code, answer.headers.get("location"))
    written = site.project.sources_yml.read_text()
    assert "data/orders" in written
    assert "max_reject_ratio" not in written  # it is what the type takes by itself

    again = await editor.post("/add/source/csv", data={**NEW, "options.directory": "data/other"})
    assert (409, True) == (again.status_code, "data&#x2f;other" in again.text)
    bad = await editor.post("/add/source/csv", data={**NEW, "name": "no name"})
    assert (422, True) == (bad.status_code, "name" in bad.text)

    edit = await editor.get("/sources/orders/edit")
    revision = edit.text.partition('name="revision" value="')[2].partition('"')[0]
    changed = {**NEW, "options.directory": "data/new", "revision": revision, "schema": "raw_orders"}
    del changed["name"]
    answer = await editor.post("/sources/orders/edit", data=changed)
    assert 303 == answer.status_code, answer.text
    assert "data/new" in (await look(editor, "/sources/orders")).text
    stale = await editor.post("/sources/orders/edit", data={**changed, "description": "other"})
    assert (409, True) == (stale.status_code, "data-problem" in stale.text)

    tested = await editor.post("/sources/orders/test")
    assert (200, True) == (tested.status_code, 'id="sample"' in tested.text)
    site.warehouse.fails = WorkRefused("There is no such folder.")
    tested = await editor.post("/sources/orders/test")
    assert (400, True) == (tested.status_code, "There is no such folder." in tested.text)
    answer = await editor.post("/sources/orders/remove")
    assert (303, "/sources") == (answer.status_code, answer.headers["location"])
    assert 404 == (await editor.get("/sources/orders")).status_code


@tell
async def test_a_file_is_handed_in_and_deleted_with_forms(site, people):
    editor, files = people["editor"], "/sources/orders/files"
    await site.configure("orders")
    given = {"file": ("a.csv", b"id\n1\n")}
    answer = await editor.post("/sources/orders/upload?trigger_sync=true", files=given)
    assert (303, files) == (answer.status_code, answer.headers.get("location")), answer.text
    assert "sync_requested" == site.types()[-1]
    page = await look(editor, files)
    assert "a.csv" in page.text
    refused = await editor.post("/sources/orders/upload", files={"file": ("a.exe", b"x")})
    assert 400 <= refused.status_code < 500
    assert "data-problem" in refused.text
    (path,) = [v["value"] for tag, v in page.tags if v.get("name") == "file_path"]
    assert 403 == (await people["viewer"].post(f"{files}/delete")).status_code
    answer = await editor.post(f"{files}/delete", data={"file_path": path})
    assert (303, files) == (answer.status_code, answer.headers["location"])
    assert "There is no file yet." in (await look(editor, files)).text


@tell
async def test_changed_columns_are_shown_and_accepted_where_they_are_shown(site, people):
    await site.configure("orders")
    base = "/sources/orders"
    for accept, back in ((base, {}), ("/governance", {"from": "governance"})):
        for columns in (("id", "gone"), ("id",)):
            await site.succeed("orders", columns=columns)
        for path in (base, "/governance"):
            page = await look(people["admin"], path)
            assert f"{base}/accept-drift" in actions(page)
            assert "Column removed" in page.text
            assert f"{base}/accept-drift" not in actions(await look(people["editor"], path))
        answer = await people["admin"].post(f"{base}/accept-drift", data=back)
        assert (303, accept) == (answer.status_code, answer.headers["location"])
        assert "drift_accepted" == site.types()[-1]
    again = await people["admin"].post(f"{base}/accept-drift")
    assert (404, True) == (again.status_code, "data-problem" in again.text)
    assert 403 == (await people["editor"].post(f"{base}/accept-drift")).status_code


def read(name, given, current=()):
    return options.read(json_schema(TYPES[name]), given, dict(current))


@pytest.mark.parametrize("name", TYPES)
def test_every_type_of_source_has_a_form_and_left_alone_it_changes_nothing(name):
    schema = json_schema(TYPES[name])
    fields = options.fields(schema, {})
    assert {f"options.{each}" for each in schema["properties"]} == {f.name for f in fields}
    shown = {field.name: field.value for field in fields if field.value}
    assert {} == read(name, shown)


def test_options_are_read_as_what_the_schema_has_them():
    given = {
        "options.credentials": "${DB}",
        "options.tables": 'a\r\nb\n{"name": "c", "cursor": "at"}',
        "options.lookback_days": "3",
    }
    tables = ["a", "b", {"name": "c", "cursor": "at"}]
    expected = {"credentials": "${DB}", "tables": tables, "lookback_days": 3}
    assert expected == read("postgres", given)
    again = {f.name: f.value for f in options.fields(json_schema(TYPES["postgres"]), expected)}
    assert expected == read("postgres", again, expected)


@pytest.mark.parametrize(
    "given", [{"options.lookback_days": "x"}, {"options.tables": "{"}, {"options.none": "1"}]
)
def test_options_that_cannot_be_read_are_refused(given):
    with pytest.raises(Exception) as refused:  # noqa: PT011 - the status says which
        read("postgres", given)
    assert 422 == refused.value.status


def test_bars_stand_at_the_right_and_none_is_higher_than_the_picture():
    found = charts.bars([1, None, 4], 40, 20, 4)
    assert [10, 20, 30] == [round(box.x - 1.25) for box in found]
    assert [5, 2, 20] == [box.h for box in found]
    assert all(box.y + box.h == 20 for box in found)
    assert [] == charts.bars([], 40, 20, 4)


def test_the_roles_of_these_tests_are_all_there_are():
    assert {*CALLERS} == {"anonymous", *map(str, Role)}


@tell
async def test_the_list_is_put_in_order_and_narrowed_by_its_address(site, people):
    await site.configure("orders", "items", "gone")
    await site.succeed("orders", rows=10)
    await site.succeed("items", rows=200)
    await site.succeed("items", rows=300)
    viewer = people["viewer"]

    async def names(query):
        page = await look(viewer, f"/sources{query}")
        assert (200, []) == (page.status, page.wrong)
        ids = [values.get("id", "") for tag, values in page.tags if tag == "tr"]
        return [name.removeprefix("source-") for name in ids if name]

    assert ["gone", "items", "orders"] == await names("?sort=name")
    assert ["orders", "items", "gone"] == await names("?sort=rows")
    assert ["items", "orders", "gone"] == await names("?sort=-rows")  # what has none is last
    assert ["orders"] == await names("?q=RDER")
    page = await look(viewer, "/sources?sort=rows&q=o")
    assert page.has("th", **{"aria-sort": "ascending"})
    assert page.has("a", href="/sources?q=o&sort=-rows")
    assert "+100" in (await look(viewer, "/sources")).text
    assert 422 == (await look(viewer, "/sources?sort=nonsense")).status
