"""Logging in with Google or GitHub, through the front door, against a provider on loopback."""

import asyncio
import contextlib
import html
import json
import socket
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import msgspec
import pyotp
import pytest

from api.platform import HttpSettings
from commands.factors import BeginTotpSetup, EnableTotp
from commands.kernel import Origin
from commands.sessions import NewSession
from infra.configuration.project import OAuthBlock, OAuthClient
from infra.identities import client as transport
from infra.identities.providers import providers
from projections import users
from tests.api.access import Server
from tests.api.provider import CLIENT, SECRET, Double
from tests.api.stories import USERS, invited, story

ME, LOGIN = "/api/auth/me", "/api/auth/login"
GOOGLE, GITHUB = "/api/auth/oauth/google", "/api/auth/oauth/github"
COOKIE = "dango_oauth_state"
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PUBLIC = HttpSettings(public_url="http://dango.example")


class Borrowed:
    """The clock of a server that is still to come."""

    def __call__(self):
        return self.of()


@pytest.fixture
def double():
    with Double(Borrowed()).served() as made:
        yield made


@pytest.fixture
def server(tmp_path, double):
    client = OAuthClient(client_id=CLIENT, client_secret=SECRET, base_url=double.base)
    block = OAuthBlock(google=client, github=client)
    made = Server(tmp_path, settings=PUBLIC, providers=providers(block, double.clock))
    made.double, double.clock.of = double, made.clock
    return made


async def sent(client, base=GOOGLE, where="/"):
    """Begin: where the browser is sent."""
    answer = await client.get(f"{base}/login", params={"next": where})
    assert 302 == answer.status_code, answer.text
    return answer.headers["location"]


async def back(server, client, base=GOOGLE, where="/"):
    """Begin, agree there, and come back: the last answer."""
    return await client.get(server.double.browse(await sent(client, base, where)))


async def known(client):
    return (await client.get(ME)).json()["authenticated"]


async def refused(server, client, answer, status, code=None):
    """No session, a clear word, and no event that says otherwise."""
    assert status == answer.status_code, answer.text
    assert answer.json()["detail"].endswith(".")
    if code is not None:
        assert code == answer.json()["error_code"]
    assert not await known(client)
    assert {"session_started", "identity_linked"}.isdisjoint(server.types()[server.before :])


@contextlib.asynccontextmanager
async def waiting(server, email="ben@a.io", **more):
    """Somebody is invited, and comes with a browser."""
    user, _ = await invited(await server.logged_in(), email, **more)
    server.before = len(server.types())
    yield server.client(), user


# letting in


@pytest.mark.parametrize("base", [GOOGLE, GITHUB])
def test_an_invitation_is_accepted_by_the_address_and_comes_back_by_the_subject(server, base):
    provider = base.rpartition("/")[2]

    async def tell():
        async with waiting(server, role="editor") as (ben, user):
            answer = await back(server, ben, base, "/events?limit=1")

            assert (302, "/events?limit=1") == (answer.status_code, answer.headers["location"])
            me = (await ben.get(ME)).json()
            assert (user["id"], "editor", "active", provider) == tuple(
                me[name] for name in ("id", "role", "status", "oauth_provider")
            )
            assert ["identity_linked", "invite_accepted", "identity_proved", "session_started"] == (
                server.types()[server.before :]
            )
            assert f"user:{user['id']}" == server.recorded[-1].actor
            assert f"oauth:{provider}" == server.recorded[-1].event.method
            # The address is somebody else's by now; who it is has not changed.
            server.double.who["email"] = "benedict@b.io"
            server.double.addresses[0]["email"] = "benedict@b.io"
            again = server.client()
            await back(server, again, base)
            assert user["id"] == (await again.get(ME)).json()["id"]

    server.run(tell)


@story
async def test_the_provider_is_asked_for_no_more_than_is_needed(server):
    url = await sent(server.client())
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}

    assert url.startswith(f"{server.double.base}/authorize?")
    assert ("openid email", "http://dango.example/api/auth/oauth/google/callback") == (
        asked["scope"],
        asked["redirect_uri"],
    )
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    assert 3 == len({asked["state"], asked["nonce"], asked["code_challenge"]})
    assert asked["state"] != parse_qs(urlsplit(await sent(server.client())).query)["state"][0]


@story
async def test_the_cookie_is_short_lived_and_out_of_reach(server):
    answer = await server.client().get(f"{GOOGLE}/login")
    (cookie,) = answer.headers.get_list("set-cookie")

    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"} <= set(cookie.split("; "))
    assert [] == [w for w in ("/events", SECRET) if w in cookie]


@story
async def test_nothing_is_stored_until_somebody_comes_back(server):
    before = server.log.head()
    await sent(server.client())

    assert before == server.log.head()


@story
async def test_a_second_factor_is_due_all_the_same(server):
    async with waiting(server) as (ben, user):
        await back(server, ben)
        await set_up_factor(server, user["id"])
        half = server.client()
        answer = await back(server, half, where="/events")

        assert "/login/code?next=%2Fevents" == answer.headers["location"]
        assert not await known(half)
        assert 401 == (await half.get("/api/auth/sessions")).status_code
        assert "partial_session_started" == server.types()[-1]
        code = pyotp.TOTP(SEED).at(server.clock())
        answers = [
            await half.post("/api/auth/2fa/verify", json={"code": given})
            for given in (f"{(int(code) + 1) % 10**6:06d}", code)
        ]
        assert [401, 200] == [answer.status_code for answer in answers]
        assert await known(half)


async def set_up_factor(server, user):
    """What a setup does, without its codes."""
    account = users.one(server.views.current, user)
    session = NewSession(session_id="s-x", proof="p-x", expires_at=server.clock())
    asked = {"user_id": user, "session_id": "s-x", "factor_id": "f", "at": server.clock()}
    origin = Origin(actor="cli:test", via="control", correlation="test")
    begin = BeginTotpSetup(
        **asked, verified=account.credential, pending=b"{}", expires_at=server.clock()
    )
    enable = EnableTotp(
        **asked,
        email_digest=account.email_digest,
        session=session,
        step=1,
        recovery=(),
        seed=msgspec.json.encode({"factor_id": "f", "secret": SEED}),
    )
    for command in (begin, enable):
        await server.writer.send(command, origin)


@story
async def test_who_comes_by_a_provider_has_no_password_until_an_admin_offers_one(server):
    async with waiting(server) as (ben, user):
        await back(server, ben)
        for password in ("", "a tiger in the snow"):
            body = {"email": "ben@a.io", "password": password}
            assert 401 == (await server.client().post(LOGIN, json=body)).status_code
        admin = await server.logged_in()
        assert 200 == (await admin.post(f"{USERS}/{user['id']}/reset-password")).status_code


# refusing


@pytest.mark.parametrize(
    "who",
    [
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
        {"email": "somebody@else.io"},
        {"email": None},
        {"email": "not an address"},
        {"email": ["ben@a.io"]},
    ],
)
def test_an_address_that_is_not_verified_or_not_invited_opens_nothing(server, who):
    async def tell():
        async with waiting(server) as (ben, _):
            server.double.claims = who
            await refused(server, ben, await back(server, ben), 403, "identity_unknown")
            assert "identity_refused" == server.types()[-1]

    server.run(tell)


@pytest.mark.parametrize(
    "addresses",
    [
        [],
        [{"email": "ben@a.io", "primary": True, "verified": False}],
        [{"email": "ben@a.io", "primary": False, "verified": True}],
        [{"email": "ben@a.io", "primary": "yes", "verified": "yes"}],
        {"email": "ben@a.io", "primary": True, "verified": True},
        ["ben@a.io"],
    ],
)
def test_of_github_only_the_primary_verified_address_counts(server, addresses):
    async def tell():
        async with waiting(server) as (ben, _):
            server.double.addresses = addresses
            answer = await back(server, ben, GITHUB)
            await refused(server, ben, answer, 403, "identity_unknown")

    server.run(tell)


@story
async def test_an_account_with_a_password_is_not_taken_over_by_its_address(server):
    await server.add("ben@a.io", "a tiger in the snow")
    server.before, eve = len(server.types()), server.client()

    await refused(server, eve, await back(server, eve), 403, "identity_unknown")


@story
async def test_the_same_address_at_another_provider_opens_nothing(server):
    async with waiting(server) as (ben, _):
        await back(server, ben)
        server.before, eve = len(server.types()), server.client()

        await refused(server, eve, await back(server, eve, GITHUB), 403, "identity_unknown")


@story
async def test_no_account_begins_by_itself(server):
    server.before, eve = len(server.types()), server.client()

    await refused(server, eve, await back(server, eve), 403, "identity_unknown")
    assert 1 == len((await (await server.logged_in()).get(USERS)).json())


@pytest.mark.parametrize("taken", ["deactivate", "delete"])
def test_who_lost_access_is_not_let_in(server, taken):
    async def tell():
        async with waiting(server) as (ben, user):
            await back(server, ben)
            admin = await server.logged_in()
            path = f"{USERS}/{user['id']}"
            if taken == "delete":
                await admin.delete(path)
            else:
                await admin.post(f"{path}/deactivate")
            server.before, again = len(server.types()), server.client()

            await refused(server, again, await back(server, again), 403, "identity_unknown")
            assert not await known(ben)

    server.run(tell)


@story
async def test_an_invitation_that_ran_out_is_not_accepted(server):
    async with waiting(server) as (ben, _):
        server.clock.forward(hours=72)

        await refused(server, ben, await back(server, ben), 403, "identity_unknown")


# linking an account that is there

OLD = "a tiger in the snow"


async def linking(server, password=OLD):
    """Somebody with a password begins to link: the client and the answer."""
    client = await server.logged_in("ben@a.io", OLD)
    server.before = len(server.types())
    return client, await client.post(f"{GOOGLE}/link", json={"password": password})


@story
async def test_who_is_logged_in_and_gives_the_password_links_an_account(server):
    user = await server.add("ben@a.io", OLD)
    server.double.who["email"] = "another@address.io"
    client, begun = await linking(server)
    answer = await client.get(server.double.browse(begun.json()["url"]))

    assert (302, "/account") == (answer.status_code, answer.headers["location"])
    assert ["identity_linked", "identity_proved"] == server.types()[server.before :]
    other = server.client()
    await back(server, other)
    me = (await other.get(ME)).json()
    assert (user, "google") == (me["id"], me["oauth_provider"])


@story
async def test_linking_takes_the_password_and_a_session(server):
    await server.add("ben@a.io", OLD)
    client, answer = await linking(server, "wrong")
    key = (await client.post("/api/auth/api-keys", json={"name": "k"})).json()["key"]
    by_key = server.client(authorization=f"Bearer {key}")

    assert (403, "wrong_password") == (answer.status_code, answer.json()["error_code"])
    assert COOKIE not in client.cookies
    body = {"password": OLD}
    assert 403 == (await by_key.post(f"{GOOGLE}/link", json=body)).status_code
    assert 401 == (await server.client().post(f"{GOOGLE}/link", json=body)).status_code


@pytest.mark.parametrize("who", ["nobody", "another"])
def test_only_who_began_to_link_ends_it(server, who):
    async def tell():
        await server.add("ben@a.io", OLD)
        ben, begun = await linking(server)
        url = server.double.browse(begun.json()["url"])
        eve = server.client() if who == "nobody" else await server.logged_in()
        eve.cookies.set(COOKIE, ben.cookies[COOKIE])
        answer = await eve.get(url)

        assert (400, "attempt_unknown") == (answer.status_code, answer.json()["error_code"])
        assert "identity_linked" not in server.types()
        assert [] == server.double.calls

    server.run(tell)


# what comes back


@story
async def test_a_callback_without_its_cookie_or_in_another_browser_is_refused(server):
    async with waiting(server) as (ben, _):
        url = server.double.browse(await sent(ben))
        stranger, other = server.client(), server.client()
        await sent(other)

        await refused(server, stranger, await stranger.get(url), 400, "attempt_unknown")
        await refused(server, other, await other.get(url), 400, "attempt_unknown")
        assert [] == server.double.calls
        assert 302 == (await ben.get(url)).status_code


@pytest.mark.parametrize("change", [{"state": "x"}, {"state": ""}, {"state": "ä"}, {"state": None}])
def test_a_state_that_is_missing_or_another_is_refused(server, change):
    async def tell():
        async with waiting(server) as (ben, _):
            url = server.double.browse(await sent(ben))
            said = {**dict(parse_qsl(urlsplit(url).query)), **change}
            said = {name: value for name, value in said.items() if value is not None}
            answer = await ben.get(f"{GOOGLE}/callback?{urlencode(said)}")

            await refused(server, ben, answer, 400, "attempt_unknown")
            assert [] == server.double.calls

    server.run(tell)


@story
async def test_what_is_said_twice_is_refused(server):
    async with waiting(server) as (ben, _):
        url = server.double.browse(await sent(ben))

        await refused(server, ben, await ben.get(f"{url}&code=x"), 400, "attempt_unknown")


@story
async def test_a_state_is_good_once_even_with_its_cookie(server):
    async with waiting(server) as (ben, _):
        url = server.double.browse(await sent(ben))
        kept = {"cookie": f"{COOKIE}={ben.cookies[COOKIE]}"}
        assert 302 == (await ben.get(url)).status_code
        assert COOKIE not in ben.cookies
        server.before, eve = len(server.types()), server.client()
        gone = await eve.get(url, headers=kept)  # the provider takes no code twice
        await refused(server, eve, gone, 403)
        server.double.codes.update({f"code-{n}": server.double.asked for n in range(9)})
        fresh = await eve.get(url, headers=kept)  # one that does gains nothing by it

        await refused(server, eve, fresh, 400, "attempt_spent")


@story
async def test_of_fifty_that_bring_one_code_at_once_one_is_let_in(server):
    async with waiting(server) as (ben, _):
        url = server.double.browse(await sent(ben))
        server.double._token = lambda form, answer=server.double._token: (
            server.double.codes.setdefault(form["code"], server.double.asked) and answer(form)
        )
        kept = {"cookie": f"{COOKIE}={ben.cookies[COOKIE]}"}
        clients = [server.client() for _ in range(50)]

        answers = await asyncio.gather(*(client.get(url, headers=kept) for client in clients))

        found = [answer.status_code for answer in answers]
        assert (1, set()) == (found.count(302), set(found) - {302, 400, 403, 429, 503})
        assert 1 == server.types()[server.before :].count("session_started")


@story
async def test_an_attempt_is_over_after_ten_minutes(server):
    async with waiting(server) as (ben, _):
        url = server.double.browse(await sent(ben))
        kept = {"cookie": f"{COOKIE}={ben.cookies[COOKIE]}"}
        server.clock.forward(minutes=10)

        await refused(server, ben, await ben.get(url, headers=kept), 400, "attempt_unknown")


@story
async def test_an_answer_for_one_provider_is_not_taken_at_the_other(server):
    async with waiting(server) as (ben, _):
        url = server.double.browse(await sent(ben))
        mixed = url.replace("/google/", "/github/")
        await refused(server, ben, await ben.get(mixed), 400, "attempt_unknown")
        assert [] == server.double.calls
        named = f"{server.double.browse(await sent(ben))}&iss=https%3A%2F%2Fevil.example"
        await refused(server, ben, await ben.get(named), 403, "login_denied")
        assert [] == server.double.calls


CHANGES = {
    "a longer life": lambda text: text.replace(".", ".9", 1),
    "another place": lambda text: ".".join((*text.split(".")[:2], "L2V2aWw", *text.split(".")[3:])),
    "another account": lambda text: text.replace("..", ".id-1."),
    "another seal": lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
    "another token": lambda text: ("y" if text[0] == "x" else "x") + text[1:],
    "nothing": lambda text: "....",
    "no base64": lambda text: "a.1.%%%..b",
    "a long number": lambda text: f"{'A' * 43}.{'9' * 5000}.Lw..x",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_cookie_that_was_changed_is_none(server, change):
    async def tell():
        async with waiting(server) as (ben, _):
            url = server.double.browse(await sent(ben))
            wrong = {"cookie": f"{COOKIE}={change(ben.cookies[COOKIE])}"}
            answer = await server.client().get(url, headers=wrong)
            await refused(server, ben, answer, 400, "attempt_unknown")

    server.run(tell)


@pytest.mark.parametrize("said", ["error=access_denied", "error=<script>", "code=", ""])
def test_a_provider_that_says_no_is_believed(server, said):
    async def tell():
        async with waiting(server) as (ben, _):
            state = dict(parse_qsl(urlsplit(await sent(ben)).query))["state"]
            answer = await ben.get(f"{GOOGLE}/callback?{said}&state={state}")
            await refused(server, ben, answer, 403, "login_denied")
            assert "script" not in answer.text
            assert [] == server.double.calls

    server.run(tell)


# what the provider sends

WRONG = {
    "another nonce": {"nonce": "x"},
    "no nonce": {"nonce": None},
    "another issuer": {"iss": "https://accounts.evil.example"},
    "no issuer": {"iss": None},
    "another client's": {"aud": "another-client"},
    "another client's too": {"aud": [CLIENT, "another-client"]},
    "for another party": {"azp": "another-client"},
    "no audience": {"aud": None},
    "expired": {"exp": 1},
    "never expiring": {"exp": None},
    "of the future": {"iat": 2**40},
    "nobody's": {"sub": None},
    "of an empty name": {"sub": ""},
    "of a long name": {"sub": "x" * 256},
    "of a name that is none": {"sub": {"a": 1}},
    "for another token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("claims", WRONG.values(), ids=WRONG)
def test_a_token_with_a_wrong_claim_is_refused(server, claims):
    async def tell():
        async with waiting(server) as (ben, _):
            server.double.claims = claims
            answer = await back(server, ben)
            await refused(server, ben, answer, 403)
            assert "does not prove who you are" in answer.json()["detail"]
            assert "invalid" == server.recorded[-1].event.reason

    server.run(tell)


@pytest.mark.parametrize(
    "sign", ["signed_by_another_key", "signed_with_the_public_key", "unsigned", "half_signed"]
)
def test_a_token_that_the_provider_did_not_sign_is_refused(server, sign):
    async def tell():
        async with waiting(server) as (ben, _):
            server.double.sign = getattr(server.double, sign)
            answer = await back(server, ben)
            await refused(server, ben, answer, 403)
            assert "does not prove who you are" in answer.json()["detail"]

    server.run(tell)


@story
async def test_a_code_of_another_client_or_for_another_address_is_refused(server):
    async with waiting(server) as (ben, _):
        for change in ({"code_challenge": "another"}, {"redirect_uri": "https://evil.example"}):
            url = server.double.browse(await sent(ben))
            code = dict(parse_qsl(urlsplit(url).query))["code"]
            server.double.codes[code] = {**server.double.asked, **change}

            await refused(server, ben, await ben.get(url), 403)


@pytest.mark.parametrize(
    ("error", "said"), [("invalid_client", ["Google says invalid_client"]), ("ben@a.io\nx", [])]
)
def test_an_operator_is_told_why_a_code_was_refused(server, caplog, error, said):
    async def tell():
        async with waiting(server) as (ben, _):
            body = json.dumps({"error": error, "error_description": "marked"}).encode()
            server.double.crooked = {"/token": (401, {}, body)}
            await refused(server, ben, await back(server, ben), 403)

    server.run(tell)

    assert said == [r.getMessage() for r in caplog.records if r.name == "dango.identities"]


HUGE = b'"' + b"x" * (256 * 1024) + b'"'
CROOKED = {
    "broken": (500, {}, b"{}"),
    "too many": (429, {}, b"{}"),
    "elsewhere": (302, {"location": "http://127.0.0.1:9/"}, b""),
    "no JSON": (200, {}, b"<html>"),
    "no text": (200, {}, b"\xff\xfe"),
    "no object": (200, {}, b"[]"),
    "deep": (200, {}, b"[" * 100_000),
    "huge": (200, {}, HUGE),
    "packed": (200, {"content-encoding": "gzip"}, b"\x1f\x8b"),
}


@pytest.mark.parametrize("crooked", CROOKED.values(), ids=CROOKED)
def test_a_provider_that_answers_otherwise_is_502(server, crooked):
    async def tell():
        async with waiting(server) as (ben, _):
            server.double.crooked = {"/token": crooked}
            await refused(server, ben, await back(server, ben), 502)
            assert ["/token"] == server.double.calls
            assert "unreachable" == server.recorded[-1].event.reason

    server.run(tell)


@pytest.mark.parametrize("keys", [b"{}", b"[]", b'{"keys": 1}', b'{"keys": [{}]}', b'{"keys":[]}'])
def test_keys_that_are_none_prove_nothing(server, keys):
    async def tell():
        async with waiting(server) as (ben, _):
            server.double.crooked = {"/keys": (200, {}, keys)}
            await refused(server, ben, await back(server, ben), 403)

    server.run(tell)


@pytest.mark.parametrize("user", [b"{}", b"[]", b'{"id": "1"}', b'{"id": true}', b'{"id": null}'])
def test_a_github_user_without_a_number_is_nobody(server, user):
    async def tell():
        async with waiting(server) as (ben, _):
            server.double.crooked = {"/user": (200, {}, user)}
            await refused(server, ben, await back(server, ben, GITHUB), 403)

    server.run(tell)


@pytest.mark.parametrize("there", [True, False])
def test_a_provider_that_says_nothing_or_is_not_there_is_given_up(server, monkeypatch, there):
    monkeypatch.setattr(transport, "CALL_S", 0.2)

    async def tell():
        async with waiting(server) as (ben, _):
            with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
                base = f"http://127.0.0.1:{silent.getsockname()[1]}"
                if not there:
                    silent.close()
                server.platform.providers["google"].places = transport.double(base)
                await refused(server, ben, await back(server, ben), 502)

    server.run(tell)


@story
async def test_guessing_is_bounded(server):
    async with waiting(server):
        eve, found = server.client("203.0.113.9"), []
        for _ in range(12):
            state = dict(parse_qsl(urlsplit(await sent(eve)).query))["state"]
            found.append((await eve.get(f"{GOOGLE}/callback?code=x&state={state}")).status_code)

        assert [403] * 10 + [429] * 2 == found


# where to go


@pytest.mark.parametrize(
    "where",
    [
        *("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"),
        *("/\t/evil.example", "evil", "http:evil", "/" + "x" * 2_000, "/login"),
    ],
)
def test_nobody_is_led_to_another_site(server, where):
    async def tell():
        async with waiting(server) as (ben, _):
            answer = await back(server, ben, where=where)

            assert (302, "/") == (answer.status_code, answer.headers["location"])

    server.run(tell)


# without configuration, and for people


@story
async def test_the_login_page_offers_what_is_configured(server):
    page = html.unescape((await server.client().get("/login?next=/events")).text)

    for base, label in ((GOOGLE, "Google"), (GITHUB, "GitHub")):
        assert f'href="{base}/login?next=%2Fevents">Log in with {label}</a>' in page


def test_without_configuration_nothing_is_offered_and_it_says_what_to_do(tmp_path):
    server = Server(tmp_path)

    async def tell():
        client = server.client()
        assert "Log in with" not in (await client.get("/login")).text
        for path in (f"{GOOGLE}/login", f"{GITHUB}/callback", "/api/auth/oauth/myspace/login"):
            answer = await client.get(path)
            assert (404, "provider_missing") == (answer.status_code, answer.json()["error_code"])
            assert "auth.oauth" in answer.json()["detail"]

    server.run(tell)


@story
async def test_a_browser_is_told_on_a_page(server):
    answer = await server.client(accept="text/html,*/*;q=0.8").get(f"{GOOGLE}/callback?state=x")

    assert (400, "text/html") == (
        answer.status_code,
        answer.headers["content-type"].partition(";")[0],
    )
    assert "was not begun in this browser" in answer.text


@story
async def test_no_secret_and_no_address_stands_in_log_or_views(server):
    async with waiting(server, "marked@a.io") as (ben, _):
        server.double.who |= {"sub": "marked-subject", "email": "marked@a.io"}
        assert 302 == (await back(server, ben)).status_code

        folder = server.log.path.parent
        stored = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
        words = ("marked-subject", "marked@a.io", SECRET, "access-1", server.double.asked["state"])
        assert [] == [word for word in words if word.encode() in stored]
