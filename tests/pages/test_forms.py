"""What plain forms do: the commands of the API, under the same guard, without any script."""

from html import unescape
from urllib.parse import urlsplit

import pyotp
import pytest

from api import bodies
from api.pages.access import same_origin
from domain.permissions import Role
from tests.pages.site import PASSWORD, Site, look


async def log_in(client, **fields):
    return await client.post("/login", data={"email": "", "password": "", "next": "/", **fields})


def test_logging_in_leads_to_where_one_was_going_and_logging_out_back(tmp_path):
    site = Site(tmp_path)

    async def story():
        await site.add("anna@example.org", PASSWORD)
        client = site.client()
        answer = await log_in(
            client, email="anna@example.org", password=PASSWORD, next="/events?q=type:sync_*"
        )
        assert (303, "/events?q=type:sync_*") == (answer.status_code, answer.headers["location"])
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "anna@example.org" in (await look(client, "/")).text

        answer = await client.post("/logout")
        assert (303, "/login") == (answer.status_code, answer.headers["location"])
        assert "Log in" in (await look(client, "/")).text

    site.run(story)


def test_a_wrong_password_shows_the_form_again_with_the_address_but_no_password(tmp_path):
    site = Site(tmp_path)

    async def story():
        await site.add("anna@example.org", PASSWORD)
        for email in ("anna@example.org", "nobody@example.org", '"><script>@example.org'):
            answer = await log_in(site.client(), email=email, password="a wrong one")
            assert 401 == answer.status_code
            assert "a wrong one" not in answer.text
            assert "<script>@" not in answer.text
            assert 'name="password"' in answer.text
            assert "www-authenticate" not in answer.headers

    site.run(story)


def test_who_guesses_too_often_waits(tmp_path):
    site = Site(tmp_path)

    async def story():
        answers = [
            await log_in(site.client(), email="anna@example.org", password="wrong")
            for _ in range(8)
        ]
        assert 429 == answers[-1].status_code
        assert int(answers[-1].headers["retry-after"]) > 0

    site.run(story)


def test_a_login_with_a_second_factor_takes_one_more_page(tmp_path):
    site = Site(tmp_path)

    async def story():
        await site.add("anna@example.org", PASSWORD)
        own = await site.logged_in("anna@example.org", PASSWORD)
        made = await own.post("/api/auth/2fa/setup", json={"password": PASSWORD})
        app = pyotp.TOTP(made.json()["secret"])
        code = {"code": app.at(site.clock.now)}
        assert 200 == (await own.post("/api/auth/2fa/verify-setup", json=code)).status_code
        site.clock.forward(seconds=30)
        client = site.client()

        half = await log_in(client, email="anna@example.org", password=PASSWORD, next="/events")
        assert (303, "/login/code?next=%2Fevents") == (half.status_code, half.headers["location"])
        assert "Log in" in (await look(client, "/")).text
        assert "/login/code?next=%2F" == (await client.get("/login")).headers["location"]
        assert 'value="/events"' in unescape((await client.get("/login/code?next=/events")).text)
        wrong = await client.post("/login/code", data={"code": "000000", "next": "/events"})
        assert (401, True) == (wrong.status_code, "not valid" in wrong.text)
        code = {"code": app.at(site.clock.now), "next": "/events"}
        done = await client.post("/login/code", data=code)
        assert (303, "/events") == (done.status_code, done.headers["location"])
        assert 200 == (await client.get("/api/auth/sessions")).status_code
        assert 303 == (await client.get("/login/code")).status_code
        nobody = await site.client().post("/login/code", data=code)
        assert (303, True) == (nobody.status_code, "/login" in nobody.headers["location"])

    site.run(story)


def test_who_has_a_link_chooses_a_password_with_a_form(tmp_path):
    site = Site(tmp_path)

    async def story():
        admin, client = await site.logged_in(), site.client()
        made = (await admin.post("/api/admin/users", json={"email": "ben@a.io"})).json()
        page = urlsplit(made["invite_url"]).path
        fields = {"password": PASSWORD, "repeated": PASSWORD, "display_name": "Ben"}

        assert f'action="{page}"' in unescape((await client.get(page)).text)
        for body, said in (
            ({**fields, "repeated": "other"}, "differ"),
            ({**fields, "password": "short", "repeated": "short"}, "at least 8"),
        ):
            refused = await client.post(page, data=body)
            assert (422, True) == (refused.status_code, said in refused.text)
            assert "short" not in refused.text
        done = await client.post(page, data=fields)
        assert (303, "/login") == (done.status_code, done.headers["location"])
        assert (401, True) == (
            (again := await client.post(page, data=fields)).status_code,
            "not valid" in again.text,
        )
        user = made["user"]["id"]
        url = (await admin.post(f"/api/admin/users/{user}/reset-password")).json()["reset_url"]
        new = {"password": "an owl over the river", "repeated": "an owl over the river"}
        assert 303 == (await client.post(urlsplit(url).path, data=new)).status_code
        await site.logged_in("ben@a.io", "an owl over the river")

    site.run(story)


@pytest.mark.parametrize(
    "where",
    [
        *("//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example"),
        *("javascript:alert(1)", "/\t/evil.example", "\n//evil.example", "evil.example", ""),
        *(
            "/login",
            "/login/code",
            "/login?next=/login",
            "/logout",
            "http:/evil",
            "/%0a\r\nset-cookie:x",
            "//[x",
        ),
    ],
)
def test_nobody_is_led_away_after_logging_in(where):
    assert "/" == same_origin(where)


@pytest.mark.parametrize("where", ["/", "/events?q=a:b&as_of=3", "/sources/a%2Fb"])
def test_a_path_of_ours_is_kept(where):
    assert where == same_origin(where)


def test_the_sync_button_asks_for_a_sync_and_leads_back(tmp_path):
    site = Site(tmp_path)

    async def story():
        people = await site.people()
        await site.configure("orders")
        before = site.log.head()
        answer = await people["editor"].post("/sources/orders/sync", data={"from": "overview"})
        assert (303, "/") == (answer.status_code, answer.headers["location"])
        assert str(before + 1) == answer.headers["x-position"]
        assert "sync_requested" == site.types()[-1]
        assert "Queued" in (await look(people["editor"], "/")).text

        again = await people["editor"].post("/sources/orders/sync")
        assert 409 == again.status_code
        assert "text/html" in again.headers["content-type"]
        unknown = await people["editor"].post("/sources/nothing/sync")
        assert 404 == unknown.status_code

    site.run(story)


def test_a_form_passes_the_same_guard_as_the_api(tmp_path):
    site = Site(tmp_path)

    async def story():
        people = await site.people()
        await site.configure("orders")
        before = site.log.head()
        path = "/sources/orders/sync"
        assert 403 == (await people["viewer"].post(path)).status_code
        nobody = await people["anonymous"].post(path)
        assert (303, "/login?next=/") == (nobody.status_code, nobody.headers["location"])
        for headers in (
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"origin": "http://evil.example"},
            {"origin": "null"},
        ):
            answer = await people["admin"].post(path, headers=headers)
            assert 403 == answer.status_code, headers
            login = await site.client().post("/login", data={"email": "x"}, headers=headers)
            assert 403 == login.status_code, headers
        assert before == site.log.head()

    site.run(story)


def test_who_came_with_a_temporary_password_can_only_change_it(tmp_path):
    site = Site(tmp_path)

    async def story():
        await site.add("boss@example.org", PASSWORD, Role.ADMIN)
        admin = await site.logged_in("boss@example.org", PASSWORD)
        body = {"email": "new@example.org", "role": "viewer", "generate_password": True}
        made = (await admin.post("/api/admin/users", json=body)).json()
        client = site.client()
        await log_in(client, email="new@example.org", password=made["temp_password"])
        stopped = await look(client, "/", headers={"accept": "text/html"})
        assert (403, True) == (stopped.status, stopped.has("a", href="/account/password"))
        assert 200 == (await look(client, "/account/password")).status

        fields = {
            "current_password": made["temp_password"],
            "new_password": "snow on the tiger",
            "repeated": "snow on the tiger",
        }
        for wrong, status in (
            ({"repeated": "something else"}, 422),
            ({"current_password": "not this one"}, 403),
            ({"new_password": "short", "repeated": "short"}, 422),
        ):
            refused = await client.post("/account/password", data=fields | wrong)
            assert (status, True) == (refused.status_code, 'role="alert"' in refused.text)
        answer = await client.post("/account/password", data=fields)
        assert 303 == answer.status_code
        assert 200 == (await look(client, "/")).status

    site.run(story)


MALFORMED = (
    *(b"x", b"=", b"&&", b"email", b"email=%ff&password=a", b"email=\xff&password=a", b"\x00", b""),
    *(b"email=a&email=b", b"email=a%00&password=b", b"&".join([b"a=1"] * 200), b"email=a"),
    *(b"email=a&password=b&role=admin", b"email=a&password=" + b"x" * 2_000),
)


def test_a_malformed_form_is_refused_with_a_page(tmp_path):
    site = Site(tmp_path)

    async def story():
        headers = {"content-type": bodies.FORM}
        for body in MALFORMED:
            answer = await site.client().post("/login", content=body, headers=headers)
            assert 400 <= answer.status_code < 500, body
            assert "text/html" in answer.headers["content-type"]

    site.run(story)


def test_the_api_takes_no_plain_form(tmp_path):
    site = Site(tmp_path)

    async def story():
        answer = await site.client().post("/api/auth/login", data={"email": "a", "password": "b"})
        assert 415 == answer.status_code

    site.run(story)
