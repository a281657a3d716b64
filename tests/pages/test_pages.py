"""Every page, for every kind of caller, in every state, answers as it should; nothing leaks."""

import re

import pytest

from api import app
from api.call import Call
from api.callers import PUBLIC
from api.platform import HttpSettings
from api.routes import ROUTES
from api.table import SOCKET
from api.table import page as page_row
from tests.pages.site import HOSTILE, Page, Site, look
from tests.pages.states import empty, failing, hostile, populated

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
    "/sources": (200, 200, 200, 200),
    "/governance": (302, 200, 200, 200),
    "/health": (200, 200, 200, 200),
    "/monitoring": (302, 200, 200, 200),
    "/monitoring?metric=none": (302, 404, 404, 404),
    "/logs": (200, 200, 200, 200),
    "/logs?level=error&source=orders": (200, 200, 200, 200),
    "/logs?level=nonsense": (422, 422, 422, 422),
    "/users": (302, 403, 403, 200),
    "/users/none": (302, 403, 403, 404),
    "/secrets": (302, 403, 403, 200),
    "/settings/users": (302, 403, 403, 302),
    "/settings/secrets": (302, 403, 403, 302),
    "/query": (302, 403, 200, 200),
    "/query?embedded=1&sql=select+1": (302, 403, 200, 200),
    "/changes": (302, 200, 200, 200),
    "/changes?from=1&stream=user:none": (302, 403, 403, 200),
    "/changes?from=x": (302, 422, 422, 422),
    "/search": (200, 200, 200, 200),
    "/search?q=or": (200, 200, 200, 200),
    "/notebooks": (302, 200, 200, 200),
    "/catalog": (302, 200, 200, 200),
    "/catalog?q=ordres": (302, 200, 200, 200),
    "/catalog?q=x": (302, 422, 422, 422),
    "/schedules": (302, 200, 200, 200),
    "/add/schedule": (302, 403, 403, 200),
    "/models": (200, 200, 200, 200),
    "/models?show=lineage": (200, 200, 200, 200),
    "/add/source": (302, 403, 200, 200),
    "/add/source/csv": (302, 403, 200, 200),
    "/add/source/postgres": (302, 403, 200, 200),
    "/add/source/nonsense": (302, 403, 404, 404),
    "/api/docs": (200, 200, 200, 200),
    "/api/redoc": (200, 200, 200, 200),
    "/nothing-here": (404, 404, 404, 404),
}
# The same for the pages of one thing; where there is none it is 404 for who may ask.
THINGS = {
    "/users/{user}": (302, 403, 403, 200),
    "/sources/{source}": (200, 200, 200, 200),
    "/sources/{source}/files": (200, 200, 200, 200),
    "/sources/{source}/edit": (302, 403, 200, 200),
    "/schedules/{schedule}": (302, 200, 200, 200),
    "/schedules/{schedule}/edit": (302, 403, 403, 200),
    "/models/{model}": (200, 200, 200, 200),
    "/catalog/{source}/{table}": (302, 200, 200, 200),
    "/model-runs/{run}": (302, 200, 200, 200),
}
PAST = (
    *("/governance", "/logs", "/monitoring", "/users"),
    "/",
    "/query",
    "/changes",
    "/search",
    "/search?q=o",
    "/notebooks",
    "/catalog",
    "/catalog?q=orders",
    "/schedules",
    "/sources",
    "/models",
    "/models?show=lineage",
    "/events",
    "/events/2",
)
ACTS_IN_THE_PAST = {"/logout", "/query"}  # to ask changes nothing, and is answered as of then
NAMES = ("source", "table", "model", "schedule", "user", "run")
CALLERS = ("anonymous", "viewer", "editor", "admin")
HTML = {"accept": "text/html"}


def expected(things):
    """Each page with its statuses, for the things that there are."""
    for path, statuses in PAGES.items():
        yield path, statuses
    for path, statuses in THINGS.items():
        there = all(name in things for name in re.findall(r"{(\w+)}", path))
        yield path, statuses if there else tuple(404 if s == 200 else s for s in statuses)


@pytest.mark.parametrize("state", [empty, populated, failing, hostile])
def test_every_page_answers_every_caller_as_it_should(tmp_path, state):
    site = Site(tmp_path)

    async def story():
        people = await site.people()
        things = await state(site)
        wrong = []
        for template, statuses in expected(things):
            known = {**dict.fromkeys(NAMES, "none"), "run": 1, **things}
            path = template.format(head=site.log.head(), token="some-token", **known)
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
        things = await state(site)
        admin = people["admin"]
        there = {
            "source": "source_registered",
            "model": "model_registered",
            "schedule": "schedule_created",
        }
        for position in range(2, site.log.head() + 1):
            known = site.types()[: position - 1]
            paths = [f"/{kind}s/{things[kind]}" for kind in there
                     if kind in things and there[kind] in known]  # fmt: skip
            for path in (*PAST, *paths):
                page = await look(admin, f"{path}{'&' if '?' in path else '?'}as_of={position}")
                assert (200, []) == (page.status, page.wrong)
                assert str(position) == page.answer.headers["x-as-of"]
                assert page.has("body", **{"class": "past"})
                assert "Back to now" in page.text
                posts = {values.get("action") for tag, values in page.tags
                         if tag == "form" and values.get("method") == "post"}  # fmt: skip
                assert posts <= ACTS_IN_THE_PAST
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
        path.partition("?")[0].format(
            head="{position:int}",
            token="{token:str}",
            source="{source_name:str}",
            model="{model_name:str}",
            schedule="{name:str}",
            user="{user_id:str}",
            table="{table:str}",
            run="{job_id:int}",
        )
        for path in (*PAGES, *THINGS)
    }
    looked_at |= {"/catalog/{owner:str}/{table:str}"}  # whose name is that of a source here
    looked_at |= {"/add/source/{type_name:str}"} & {f"{path.rpartition('/')[0]}/{{type_name:str}}"
                                                   for path in looked_at}  # fmt: skip
    looked_at -= {path for path in looked_at if path.startswith("/add/source/") and "{" not in path}

    assert set() == pages - looked_at
    assert all(row.method != SOCKET for row in ROUTES if row.page)
