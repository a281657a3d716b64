"""Every page, for every kind of caller, in every state, answers as it should; nothing leaks."""

import pytest

from api import app
from api.call import Call
from api.callers import PUBLIC
from api.platform import HttpSettings
from api.routes import ROUTES
from api.table import SOCKET
from api.table import page as page_row
from tests.pages.site import HOSTILE, Page, Site, look

# path -> the status for anonymous, viewer, editor, admin
PAGES = {
    "/": (200, 200, 200, 200),
    "/login": (200, 303, 303, 303),
    "/login/code": (303, 303, 303, 303),
    "/invite/{token}": (200, 200, 200, 200),
    "/reset/{token}": (200, 200, 200, 200),
    "/account": (302, 200, 200, 200),
    "/settings/account": (302, 302, 302, 302),
    "/account/password": (302, 200, 200, 200),
    "/setup": (302, 302, 302, 302),
    "/account/2fa": (302, 200, 200, 200),
    "/account?as_of=1": (302, 422, 422, 422),
    "/events": (302, 403, 403, 200),
    "/events?q=type:sync_*+since:2d": (302, 403, 403, 200),
    "/events?q=nonsense:x": (302, 403, 403, 422),
    "/events?after=1": (302, 403, 403, 200),
    "/events/1": (302, 403, 403, 200),
    "/events/{head}": (302, 403, 403, 200),
    "/events/{head}?verify=1": (302, 403, 403, 200),
    "/events/999999": (302, 403, 403, 404),
    "/api/docs": (200, 200, 200, 200),
    "/api/redoc": (200, 200, 200, 200),
    "/nothing-here": (404, 404, 404, 404),
}
PAST = ("/", "/events", "/events/2")
CALLERS = ("anonymous", "viewer", "editor", "admin")
HTML = {"accept": "text/html"}


async def empty(site):
    del site


async def populated(site):
    await site.configure("orders", "customers", "items")
    await site.succeed("orders", rows=1_234_567)
    await site.begin("customers")


async def failing(site):
    await site.configure("orders")
    await site.succeed("orders")
    await site.fail("orders", "Line 7 has 3 values where the header has 2 columns.")


async def hostile(site):
    await site.configure(HOSTILE, type=HOSTILE, description=HOSTILE)
    await site.succeed(HOSTILE)
    await site.fail(HOSTILE, HOSTILE, file=HOSTILE)
    await site.add(f"{HOSTILE.replace(' ', '')}@example.org", "some other secret")


@pytest.mark.parametrize("state", [empty, populated, failing, hostile])
def test_every_page_answers_every_caller_as_it_should(tmp_path, state):
    site = Site(tmp_path)

    async def story():
        people = await site.people()
        await state(site)
        wrong = []
        for template, statuses in PAGES.items():
            path = template.format(head=site.log.head(), token="some-token")
            for caller, status in zip(CALLERS, statuses, strict=True):
                page = await look(people[caller], path, headers=HTML)
                where = f"{caller} {path}"
                wrong += [f"{where}: {each}" for each in page.wrong]
                if page.status != status:
                    wrong.append(f"{where}: {page.status}, not {status}")
                if "text/html" not in page.answer.headers["content-type"]:
                    wrong.append(f"{where}: no page")
                if "onerror" in str([values for _, values in page.tags if "src" in values]):
                    wrong.append(f"{where}: not escaped")
        assert [] == wrong

    site.run(story)


@pytest.mark.parametrize("state", [populated, failing, hostile])
def test_every_page_shows_every_moment_of_the_past(tmp_path, state):
    site = Site(tmp_path)

    async def story():
        people = await site.people()
        await state(site)
        admin = people["admin"]
        for position in range(2, site.log.head() + 1):
            for path in PAST:
                page = await look(admin, f"{path}?as_of={position}")
                assert (200, []) == (page.status, page.wrong)
                assert str(position) == page.answer.headers["x-as-of"]
                assert page.has("body", **{"class": "past"})
                assert "Back to now" in page.text
                assert not page.has("form", method="post", action="/sources/orders/sync")
                assert not any("data-after" in values for _, values in page.tags)

    site.run(story)


def test_a_page_of_the_past_shows_what_was_known_then(tmp_path):
    site = Site(tmp_path)

    async def story():
        viewer = (await site.people())["viewer"]
        await site.configure("orders")
        before = site.log.head()
        await site.succeed("orders", rows=4321)

        assert "4,321" in (await look(viewer, "/")).text
        assert "4,321" not in (await look(viewer, f"/?as_of={before}")).text
        assert 200 == (await look(viewer, "/?as_of=")).status  # the field was left empty
        for text in ("999999", "yesterday", "2026-01-01T00:00", "9999-01-01T00:00:00Z"):
            refused = await look(viewer, f"/?as_of={text}")
            assert (422, []) == (refused.status, refused.wrong)

    site.run(story)


def test_an_empty_project_says_what_to_do_next(tmp_path):
    site = Site(tmp_path)

    async def story():
        page = await look((await site.people())["editor"], "/")
        assert "No sources yet" in page.text
        assert ".dango/sources.yml" in page.text

    site.run(story)


def test_a_failed_source_tells_the_error_with_file_and_line_but_not_to_anybody(tmp_path):
    site = Site(tmp_path)

    async def story():
        people = await site.people()
        await failing(site)
        for caller in ("viewer", "editor", "admin"):
            text = (await look(people[caller], "/")).text
            assert "1 of 1 source failed: orders." in text
            assert "Line 7 has 3 values" in text
            assert "orders.csv, line 7" in text
        anonymous = (await look(people["anonymous"], "/")).text
        assert "Failed" in anonymous
        assert "Line 7 has 3 values" not in anonymous
        assert "orders.csv" not in anonymous

    site.run(story)


def test_only_who_may_sync_has_the_button(tmp_path):
    site = Site(tmp_path)

    async def story():
        people = await site.people()
        await site.configure("orders")
        for caller in CALLERS:
            page = await look(people[caller], "/")
            has = page.has("form", method="post", action="/sources/orders/sync")
            assert has == (caller in ("editor", "admin"))

    site.run(story)


def test_the_overview_shows_only_events_that_the_caller_may_see(tmp_path):
    site = Site(tmp_path)

    async def story():
        people = await site.people()
        await populated(site)
        assert "Session started" in (await look(people["admin"], "/")).text
        for caller in ("viewer", "editor"):
            text = (await look(people[caller], "/")).text
            assert "Sync of orders completed" in text
            assert "Session started" not in text
        assert "Sync of orders completed" not in (await look(people["anonymous"], "/")).text

    site.run(story)


def test_where_anonymous_reading_is_off_every_page_leads_to_the_login(tmp_path):
    site = Site(tmp_path, settings=HttpSettings(anonymous_reads="false"))

    async def story():
        nobody = site.client()
        for path, where in (("/", "/"), ("/?as_of=1&b=2", "/%3Fas_of%3D1%26b%3D2")):
            answer = await nobody.get(path)
            assert (302, f"/login?next={where}") == (
                answer.status_code,
                answer.headers["location"],
            )
        fragments = await nobody.get("/", headers={"x-fragments": "1"})
        assert 401 == fragments.status_code
        docs = Page(await nobody.get("/api/docs"))
        assert (401, []) == (docs.status, docs.wrong)  # /api/ never redirects
        assert 200 == (await nobody.get("/login")).status_code

    site.run(story)


def test_only_the_viewers_of_the_api_loosen_the_policy(tmp_path):
    site = Site(tmp_path)

    async def story():
        admin = (await site.people())["admin"]
        for path in PAGES:
            answer = await admin.get(path.format(head=1, token="some-token"), headers=HTML)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe-eval" not in policy
            assert "http" not in policy
            if answer.status_code not in (302, 303):
                assert ("unsafe-inline" in policy) == path.startswith("/api/"), path

    site.run(story)


def test_an_error_of_the_api_stays_json_whatever_the_caller_would_like(tmp_path):
    site = Site(tmp_path)

    async def story():
        for path in ("/api/events", "/api/nothing", "/static/nothing.css"):
            answer = await site.client().get(path, headers=HTML)
            assert answer.json()["detail"]

    site.run(story)


def test_fragments_come_without_their_shell_and_once(tmp_path):
    site = Site(tmp_path)

    async def story():
        viewer = (await site.people())["viewer"]
        await site.configure("orders")
        first = await viewer.get("/", headers={"x-fragments": "1"})
        assert 'id="sources"' in first.text
        assert "<nav" not in first.text
        headers = {"x-fragments": "1", "if-none-match": first.headers["etag"]}
        assert 304 == (await viewer.get("/", headers=headers)).status_code
        await site.succeed("orders")
        assert 200 == (await viewer.get("/", headers=headers)).status_code

    site.run(story)


async def boom(call: Call) -> str:
    """Raise what nobody expects."""
    raise ZeroDivisionError(HOSTILE)


def test_a_bug_is_told_as_a_page_with_the_id_of_its_request_and_nothing_else(tmp_path):
    site = Site(tmp_path)
    site.app = app.create(site.platform, [*ROUTES, page_row("/boom", PUBLIC, boom)])

    async def story():
        page = await look(site.client(), "/boom", headers={"x-request-id": "r-1"})
        assert (500, []) == (page.status, page.wrong)
        assert "r-1" in page.text
        assert "division" not in page.answer.text.lower()
        assert "alert" not in page.answer.text

    site.run(story)


def test_with_authentication_off_pages_are_there_and_nobody_can_log_out(tmp_path):
    site = Site(tmp_path, settings=HttpSettings(auth_enabled=False))

    async def story():
        await site.configure("orders")
        local = site.client()
        for path in ("/", "/events", "/events/1"):
            page = await look(local, path)
            assert (200, []) == (page.status, page.wrong)
            assert not page.has("form", action="/logout")
        assert (await look(local, "/")).has("button", id="sync-orders")
        assert 303 == (await look(local, "/login")).status

    site.run(story)


def test_every_page_of_the_table_is_looked_at():
    pages = {row.path for row in ROUTES if row.page and row.method == "GET"}
    looked_at = {
        path.partition("?")[0].format(head="{position:int}", token="{token:str}") for path in PAGES
    }

    assert set() == pages - looked_at
    assert all(row.method != SOCKET for row in ROUTES if row.page)
