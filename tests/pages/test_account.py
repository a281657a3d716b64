"""One's own account, by plain forms: the commands of the API, and nothing that is not one's own."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from api.platform import HttpSettings
from domain.permissions import Role
from infra.configuration.project import OAuthBlock, OAuthClient
from infra.identities.providers import providers
from tests.api.provider import CLIENT, SECRET, Double
from tests.api.stories import invited
from tests.pages.site import HOSTILE, PASSWORD, Site, look
from tests.pages.test_forms import log_in

ANNA = "anna@example.org"
TWO, KEYS, SESSIONS = "/account/2fa", "/account/api-keys", "/account/sessions"


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def with_anna(story):
    """Tell a story of somebody who is logged in."""

    def run(site):
        async def whole():
            await site.add(ANNA, PASSWORD, Role.EDITOR)
            await story(site, await site.logged_in(ANNA, PASSWORD))

        site.run(whole)

    return run


def shown(answer, pattern):
    found = re.search(pattern, unescape(answer.text))
    assert found, answer.text
    return found[1]


async def set_up(site, client):
    """Second factor by forms: the app, and the recovery codes."""
    answer = await client.post(TWO, data={"password": PASSWORD})
    assert 200 == answer.status_code
    app = pyotp.TOTP(shown(answer, r'id="secret">([A-Z2-7]{32})<'))
    done = await client.post(f"{TWO}/verify", data={"code": app.at(site.clock.now)})
    assert 200 == done.status_code, done.text
    return app, re.findall(r"<li><code>([^<]+)</code>", done.text)


@with_anna
async def test_a_second_factor_is_set_up_used_and_turned_off_with_forms(site, anna):
    assert (await look(anna, "/account")).has("a", href=TWO)
    asked = await anna.post(TWO, data={"password": PASSWORD})
    assert "<svg" in asked.text
    assert "style=" not in asked.text
    assert not re.search(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", asked.text)  # not before they count
    app, codes = await set_up(site, anna)
    assert 8 == len(set(codes))
    for path in ("/account", TWO):
        text = (await anna.get(path)).text
        assert not any(code in text for code in codes)
    site.clock.forward(seconds=30)

    new = await anna.post(
        f"{TWO}/recovery-codes", data={"password": PASSWORD, "code": app.at(site.clock.now)}
    )
    fresh = re.findall(r"<li><code>([^<]+)</code>", new.text)
    assert (200, 8, set()) == (new.status_code, len(fresh), set(fresh) & set(codes))
    other = site.client()
    half = await log_in(other, email=ANNA, password=PASSWORD)
    assert "/login/code?next=%2F" == half.headers["location"]
    assert 401 == (await other.post("/login/code", data={"code": codes[0]})).status_code
    assert 303 == (await other.post("/login/code", data={"code": fresh[0]})).status_code

    off = await anna.post(f"{TWO}/disable", data={"password": PASSWORD, "code": fresh[1]})
    assert (303, TWO) == (off.status_code, off.headers["location"])
    assert 303 == (await log_in(site.client(), email=ANNA, password=PASSWORD)).status_code
    assert 302 == (await other.get("/account")).status_code  # its session is over


@with_anna
async def test_what_is_wrong_with_a_factor_is_told_in_the_form(site, anna):
    wrong = await anna.post(TWO, data={"password": "not it"})
    assert (403, True) == (wrong.status_code, "password is wrong" in wrong.text)
    early = await anna.post(f"{TWO}/verify", data={"code": "123456"})
    assert (409, True) == (early.status_code, 'role="alert"' in early.text)
    await anna.post(TWO, data={"password": PASSWORD})
    typo = await anna.post(f"{TWO}/verify", data={"code": "000000"})
    assert (403, True) == (typo.status_code, 'action="/account/2fa/verify"' in typo.text)
    assert 'id="secret"' not in typo.text  # a stolen session does not get at the seed
    for field in ("code", "password"):
        assert 422 == (await anna.post(f"{TWO}/disable", data={field: "x", "y": "z"})).status_code
    for path in ("", "/verify", "/disable", "/recovery-codes"):
        assert 422 == (await anna.post(f"{TWO}{path}", data={"role": "admin"})).status_code


def test_where_a_second_factor_is_demanded_the_login_leads_there_and_nowhere_else(tmp_path):
    site = Site(tmp_path, settings=HttpSettings(require_2fa=True))

    async def story():
        await site.add(ANNA, PASSWORD)
        client = site.client()
        answer = await log_in(client, email=ANNA, password=PASSWORD, next="/events")
        assert (303, TWO) == (answer.status_code, answer.headers["location"])
        page = await look(client, TWO)
        assert (200, True) == (page.status, page.has("form", action="/logout"))
        for path in ("/", "/account", "/events", "/api/auth/sessions"):
            held = await look(client, path, headers={"accept": "text/html"})
            assert 403 == held.status, path
        assert (await look(client, "/account")).has("a", href=TWO)
        assert 403 == (await client.post(KEYS, data={"name": "x"})).status_code
        await set_up(site, client)
        assert 200 == (await look(client, "/account")).status

    site.run(story)


@with_anna
async def test_pages_are_light_or_dark_as_was_chosen_in_this_browser(site, anna):
    assert not any("data-theme" in values for _, values in (await look(anna, "/account")).tags)
    for theme in ("dark", "light"):
        assert 303 == (await anna.post("/account/theme", data={"theme": theme})).status_code
        assert (await look(anna, "/sources")).has("html", **{"data-theme": theme})
    assert 422 == (await anna.post("/account/theme", data={"theme": "pink"})).status_code
    await anna.post("/account/theme", data={"theme": ""})
    anna.cookies.set("dango_theme", '"><script>')
    assert not any("data-theme" in values for _, values in (await look(anna, "/")).tags)


@with_anna
async def test_own_sessions_are_listed_and_ended_one_or_all_others(site, anna):
    agent = {"user-agent": HOSTILE}
    others = [await site.logged_in(ANNA, PASSWORD, **agent) for _ in range(3)]
    page = await look(anna, "/account")
    assert (200, []) == (page.status, page.wrong)
    ends = [v["action"] for t, v in page.tags if t == "form" and v.get("action", "")[-4:] == "/end"]
    assert 3 == len(ends)
    done = await anna.post(ends[0])
    assert (303, "/account") == (done.status_code, done.headers["location"])
    alive = [(await each.get("/account")).status_code for each in others]
    assert [200, 200, 302] == sorted(alive)
    assert 303 == (await anna.post(f"{SESSIONS}/end-others")).status_code
    assert [302] * 3 == [(await each.get("/account")).status_code for each in others]
    assert 200 == (await anna.get("/account")).status_code

    own = (await anna.get("/api/auth/sessions")).json()[0]["id"]
    gone = await anna.post(f"{SESSIONS}/{own}/end")
    assert (303, "/login") == (gone.status_code, gone.headers["location"])


@with_anna
async def test_nobody_ends_or_revokes_what_is_another_ones(site, anna):
    eve = await site.logged_in()
    session = (await anna.get("/api/auth/sessions")).json()[0]["id"]
    key = (await anna.post("/api/auth/api-keys", json={"name": "own"})).json()["id"]
    for path in (
        f"{SESSIONS}/{session}/end",
        f"{KEYS}/{key}/revoke",
        "/account/identities/x/unlink",
    ):
        other = await eve.post(path)
        unknown = await eve.post(path.replace(session, "none").replace(key, "none"))
        assert (404, 404) == (other.status_code, unknown.status_code)
    assert 200 == (await anna.get("/account")).status_code
    assert ["own"] == [each["name"] for each in (await anna.get("/api/auth/api-keys")).json()]


@with_anna
async def test_a_key_is_shown_once_narrowed_expiring_and_revoked(site, anna):
    fields = {"name": "nightly", "last_day": "2026-01-31", "only source.view": "on"}
    made = await anna.post(KEYS, data=fields)
    key = shown(made, r'id="key">(dango_ak_[0-9A-Za-z]{38})<')
    page = await anna.get("/account")
    assert key not in page.text
    assert all(part in page.text for part in ("nightly", key[:12], "source.view"))
    (listed,) = (await anna.get("/api/auth/api-keys")).json()
    assert ("2026-02-01T00:00:00Z", ["source.view"]) == (
        listed["expires_at"],
        listed["permissions"],
    )
    program = site.client(authorization=f"Bearer {key}")
    assert 200 == (await program.get("/api/sources")).status_code
    assert 403 == (await program.get("/account", headers={"accept": "*/*"})).status_code
    assert 303 == (await anna.post(f"{KEYS}/{listed['id']}/revoke")).status_code
    assert 401 == (await program.get("/api/sources")).status_code


@with_anna
async def test_a_form_of_a_key_that_does_not_fit_is_told(site, anna):
    for fields, status in (
        ({"name": "x", "last_day": "2020-01-01"}, 422),
        ({"name": "x", "last_day": "tomorrow"}, 422),
        ({"name": "x", "last_day": "9999-12-31"}, 422),
        ({"name": "x", "only nothing": "on"}, 422),
        ({"name": "x", "only source.view": "off"}, 422),
        ({"name": "x", "permissions": "source.view"}, 422),
        ({"name": "x" * 1_000}, 422),
        ({}, 422),
    ):
        answer = await anna.post(KEYS, data=fields)
        assert status == answer.status_code, fields
        assert "text/html" in answer.headers["content-type"]
    assert [] == (await anna.get("/api/auth/api-keys")).json()


# logins at other places


class Borrowed:
    """The clock of a server that is still to come."""

    def __call__(self):
        return self.of()


@pytest.fixture
def linking(tmp_path):
    with Double(Borrowed()).served() as double:
        client = OAuthClient(client_id=CLIENT, client_secret=SECRET, base_url=double.base)
        settings = HttpSettings(public_url="http://dango.example")
        found = providers(OAuthBlock(google=client, github=client), double.clock)
        made = Site(tmp_path, settings=settings, providers=found)
        made.double, double.clock.of = double, made.clock
        yield made


def test_a_login_is_linked_on_a_page_that_leads_there_and_unlinked_again(linking):
    async def story(site, anna):
        asked = await anna.post("/account/providers/google/link", data={"password": PASSWORD})
        url = shown(asked, r'href="(http[^"]+/authorize[^"]+)"')
        assert "state" in parse_qs(urlsplit(url).query)
        back = await anna.get(site.double.browse(url))
        assert (302, "/account") == (back.status_code, back.headers["location"])
        other = await site.logged_in(ANNA, PASSWORD)
        page = await look(anna, "/account")
        assert "Google" in page.text
        (path,) = (v["action"] for t, v in page.tags if "unlink" in str(v.get("action")))
        assert 303 == (await anna.post(path)).status_code
        assert not (await look(anna, "/account")).has("form", action=path)
        assert 200 == (await anna.get("/account")).status_code
        assert 302 == (await other.get("/account")).status_code
        assert None is (await anna.get("/api/auth/me")).json()["oauth_provider"]

        wrong = await anna.post("/account/providers/google/link", data={"password": "not it"})
        assert (403, True) == (wrong.status_code, 'role="alert"' in wrong.text)
        nowhere = await anna.post("/account/providers/myspace/link", data={"password": PASSWORD})
        assert 404 == nowhere.status_code

    with_anna(story)(linking)


def test_the_only_way_in_cannot_be_unlinked(linking):
    async def story():
        user, _ = await invited(await linking.logged_in(), "ben@a.io")
        ben = linking.client()
        await ben.get(
            linking.double.browse(
                (await ben.get("/api/auth/oauth/google/login")).headers["location"]
            )
        )
        page = await look(ben, "/account")
        assert not page.has("input", name="password")  # there is none to give
        (found,) = (await ben.get("/api/auth/identities")).json()
        for answer in (
            await ben.post(f"/account/identities/{found['id']}/unlink"),
            await ben.delete(f"/api/auth/identities/{found['id']}"),
        ):
            assert (409, True) == (answer.status_code, "only login" in answer.text)
        assert "no password yet" in (await look(ben, TWO)).text
        assert user["id"] == (await ben.get("/api/auth/me")).json()["id"]

    linking.run(story)


def test_a_login_with_the_identity_of_another_account_is_not_begun_by_its_unlinking(linking):
    async def story(site, anna):
        asked = await anna.post("/api/auth/oauth/google/link", json={"password": PASSWORD})
        await anna.get(site.double.browse(asked.json()["url"]))
        (found,) = (await anna.get("/api/auth/identities")).json()
        assert 200 == (await anna.delete(f"/api/auth/identities/{found['id']}")).status_code
        again = site.client()
        came = await again.get(
            site.double.browse(
                (await again.get("/api/auth/oauth/google/login")).headers["location"]
            )
        )
        assert 403 == came.status_code
        assert not (await again.get("/api/auth/me")).json()["authenticated"]

    with_anna(story)(linking)


@with_anna
async def test_the_names_of_the_reference_lead_to_the_pages(site, anna):
    for old, new in (("/settings/account", "/account"), ("/setup", "/account/password")):
        answer = await anna.get(old)
        assert (302, new) == (answer.status_code, answer.headers["location"])


@with_anna
async def test_an_idempotency_key_is_for_programs_and_a_form_ignores_it(site, anna):
    key = {"idempotency-key": "form"}
    answers = [await anna.post(KEYS, data={"name": "x"}, headers=key) for _ in range(2)]
    assert [200, 200] == [answer.status_code for answer in answers]
    assert all("text/html" in answer.headers["content-type"] for answer in answers)
