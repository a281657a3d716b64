"""Second factors through the front door: set up, given once, taken away, demanded."""

import asyncio
import re

import pyotp
import pytest

from api.platform import HttpSettings
from api.routes import ROUTES
from domain.permissions import Role
from tests.api.access import ADMIN, Server
from tests.api.stories import story

LOGIN, LOGOUT, ME = "/api/auth/login", "/api/auth/logout", "/api/auth/me"
SETUP, FINISH, VERIFY = (f"/api/auth/2fa/{what}" for what in ("setup", "verify-setup", "verify"))
DISABLE, REGENERATE = "/api/auth/2fa/disable", "/api/auth/2fa/regenerate-recovery"
CHANGE, SESSIONS, USERS = "/api/auth/change-password", "/api/auth/sessions", "/api/admin/users"
PASSWORD = {"password": ADMIN["password"]}
NEW = "an owl over the river"
AT_ONCE = 50


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


def code(server, secret, seconds=0):
    return pyotp.TOTP(secret).at(int(server.clock.now.timestamp()) + seconds)


async def protected(server, **client):
    """The admin's session, with a second factor in force; its secret and recovery codes."""
    admin = await server.logged_in(**client)
    made = (await admin.post(SETUP, json=PASSWORD)).json()
    done = await admin.post(FINISH, json={"code": code(server, made["secret"])})
    assert 200 == done.status_code, done.text
    server.clock.forward(seconds=30)
    return admin, made["secret"], done.json()["recovery_codes"]


async def half(server, **client):
    """A client that has given the password."""
    client = server.client(**client)
    answer = await client.post(LOGIN, json=ADMIN)
    assert "2fa_required" == answer.json()["status"], answer.text
    return client


@story
async def test_a_factor_is_set_up_with_an_app_and_shown_recovery_codes(server):
    admin, other = await server.logged_in(), await server.logged_in()
    before = admin.cookies["dango_session"]

    made = (await admin.post(SETUP, json=PASSWORD)).json()
    assert (
        f"otpauth://totp/Dango:admin%40localhost?secret={made['secret']}&issuer=Dango"
        == (made["provisioning_uri"])
    )
    assert (32, 8, 19) == (
        len(made["secret"]),
        len(set(made["recovery_codes"])),
        len(made["recovery_codes"][0]),
    )
    assert made["qr_svg"].startswith("<svg ")
    assert not (await admin.get(ME)).json()["totp_enabled"]
    done = await admin.post(FINISH, json={"code": code(server, made["secret"])})

    assert {"success": True, "recovery_codes": made["recovery_codes"]} == done.json()
    assert before != admin.cookies["dango_session"]
    assert (await admin.get(ME)).json()["totp_enabled"]
    assert 401 == (await other.get(SESSIONS)).status_code
    assert 409 == (await admin.post(SETUP, json=PASSWORD)).status_code
    assert 409 == (await admin.post(FINISH, json={"code": "123456"})).status_code


@story
async def test_a_setup_takes_the_password_a_right_code_and_its_time(server):
    admin = await server.logged_in()
    assert 409 == (await admin.post(FINISH, json={"code": "123456"})).status_code
    wrong = await admin.post(SETUP, json={"password": "wrong"})
    assert (403, "wrong_password") == (wrong.status_code, wrong.json()["error_code"])
    secret = (await admin.post(SETUP, json=PASSWORD)).json()["secret"]

    wrong = await admin.post(FINISH, json={"code": code(server, secret, 3600)})
    assert (403, "code_wrong") == (wrong.status_code, wrong.json()["error_code"])
    assert ("current_password_wrong", "code") == (
        server.recorded[-1].type,
        server.recorded[-1].event.given,
    )
    server.clock.forward(minutes=15)
    late = await admin.post(FINISH, json={"code": code(server, secret)})
    assert (409, "no_setup") == (late.status_code, late.json()["error_code"])


@story
async def test_a_login_takes_both_and_gets_a_new_token(server):
    _, secret, _ = await protected(server)
    client = server.client()

    answer = await client.post(LOGIN, json=ADMIN)
    partial = client.cookies["dango_session"]
    assert {"status": "2fa_required", "requires_2fa": True} == answer.json()
    assert "Max-Age=300" in answer.headers["set-cookie"]
    assert "anonymous" == server.recorded[-1].actor
    text = code(server, secret)
    done = await client.post(VERIFY, json={"code": f"{text[:3]} {text[3:]}"})

    assert ("ok", "admin@localhost", True) == (
        done.json()["status"],
        done.json()["user"]["email"],
        done.json()["user"]["totp_enabled"],
    )
    assert partial != client.cookies["dango_session"]
    assert 200 == (await client.get(SESSIONS)).status_code
    assert ["totp_used", "session_ended", "session_started"] == server.types()[-3:]
    assert {"user:id-1"} == {item.actor for item in server.recorded[-3:]}
    old = server.client(cookie=f"dango_session={partial}")
    assert 401 == (await old.post(VERIFY, json={"code": text})).status_code


@story
async def test_a_code_is_taken_once_and_no_earlier_one_after_it(server):
    _, secret, _ = await protected(server)
    now, before = code(server, secret), code(server, secret, -30)

    assert 401 == (await (await half(server)).post(VERIFY, json={"code": before})).status_code
    assert 200 == (await (await half(server)).post(VERIFY, json={"code": now})).status_code
    for spent in (now, before):
        answer = await (await half(server)).post(VERIFY, json={"code": spent})
        assert (401, "bad_code") == (answer.status_code, answer.json()["error_code"])
    server.clock.forward(seconds=60)
    early = code(server, secret, -30)
    late, future = code(server, secret, -60), code(server, secret, 30)
    client = await half(server)
    assert [401, 401, 200] == [
        (await client.post(VERIFY, json={"code": text})).status_code
        for text in (late, future, early)
    ]


@pytest.mark.parametrize("kind", ["totp", "recovery"])
def test_of_fifty_at_once_with_one_code_one_gets_in(server, kind):
    async def tell():
        _, secret, recovery = await protected(server)
        given = code(server, secret) if kind == "totp" else recovery[0]
        clients = [await half(server) for _ in range(8)]
        many = [clients[number % 8] for number in range(AT_ONCE)]

        answers = await asyncio.gather(*(c.post(VERIFY, json={"code": given}) for c in many))

        found = [answer.status_code for answer in answers]
        assert (1, True) == (found.count(200), set(found) <= {200, 401, 429})
        assert 1 == server.types().count("totp_used" if kind == "totp" else "recovery_code_used")
        assert 3 == server.types().count("session_started")  # two of them by the setup

    server.run(tell)


@pytest.mark.parametrize("more", [{}, {"is_recovery": True}])
def test_a_recovery_code_is_good_once_however_it_is_written(server, more):
    async def tell():
        _, _, recovery = await protected(server)
        first = recovery[0].lower().replace("-", " ")

        done = await (await half(server)).post(VERIFY, json={"code": first, **more})
        again = await (await half(server)).post(VERIFY, json={"code": recovery[0], **more})
        other = await (await half(server)).post(VERIFY, json={"code": recovery[1], **more})

        assert [200, 401, 200] == [answer.status_code for answer in (done, again, other)]

    server.run(tell)


@story
async def test_guesses_at_codes_stop_after_a_few(server):
    await server.logged_in(address="198.51.100.7")
    _, secret, _ = await protected(server, address="198.51.100.7")
    heard = 0
    for number in range(100):
        client = server.client("203.0.113.9")
        if (await client.post(LOGIN, json=ADMIN)).status_code != 200:
            continue
        answers = [await client.post(VERIFY, json={"code": f"{n:06d}"}) for n in range(number, 110)]
        heard += sum(answer.json().get("error_code") == "bad_code" for answer in answers)

    assert heard <= 10
    owner = await half(server, address="198.51.100.7")
    assert 200 == (await owner.post(VERIFY, json={"code": code(server, secret)})).status_code


@story
async def test_five_wrong_codes_end_the_partial_session(server):
    _, secret, _ = await protected(server)
    client = await half(server)
    found = [(await client.post(VERIFY, json={"code": "nonsense"})) for _ in range(6)]

    assert [401] * 6 == [answer.status_code for answer in found]
    assert ["bad_code"] * 5 == [answer.json()["error_code"] for answer in found[:5]]
    assert "error_code" not in found[5].json()
    server.clock.forward(seconds=60)
    right = {"code": code(server, secret)}
    assert 401 == (await client.post(VERIFY, json=right)).status_code
    assert 200 == (await (await half(server)).post(VERIFY, json=right)).status_code


@story
async def test_a_wrong_password_tells_nothing_of_a_second_factor(server):
    await server.add("ben@a.io", ADMIN["password"])
    await protected(server)
    for _ in range(7):
        answers = [
            await server.client(**{"x-request-id": "same"}).post(
                LOGIN, json={"email": email, "password": "wrong"}
            )
            for email in (ADMIN["email"], "ben@a.io", "absent@a.io")
        ]
        assert 1 == len({(answer.status_code, answer.content) for answer in answers})
        assert {"set-cookie"} & set(answers[0].headers) == set()


@story
async def test_half_a_login_opens_one_route_and_ends_by_logout_or_time(server):
    _, secret, _ = await protected(server)
    client = await half(server)
    for route in ROUTES:
        if route.method == "WS" or route.path in (VERIFY, LOGOUT, "/logout", LOGIN, "/login"):
            continue
        if route.access in ("public", "reads", "partial session"):
            continue
        path = re.sub(r"\{\w+:int\}", "1", route.path).replace(":str", "")
        answer = await client.request(route.method, path, headers={"accept": "application/json"})
        assert answer.status_code in (401, 302, 303), (route.method, path, answer.status_code)
        if answer.status_code == 401 and not route.page:
            assert "2fa_required" == answer.json()["error_code"]
    assert {"auth_enabled": True, "authenticated": False} == (await client.get(ME)).json()

    assert 200 == (await client.post(LOGOUT)).status_code
    assert 401 == (await client.post(VERIFY, json={"code": code(server, secret)})).status_code
    late = await half(server)
    server.clock.forward(minutes=5)
    assert 401 == (await late.post(VERIFY, json={"code": code(server, secret)})).status_code
    full = server.client()
    assert 401 == (await full.post(VERIFY, json={"code": "123456"})).status_code


@story
async def test_the_factor_is_disabled_with_the_password_and_no_wrong_code(server):
    admin, secret, _ = await protected(server)
    other = await half(server)
    assert 200 == (await other.post(VERIFY, json={"code": code(server, secret)})).status_code
    for body, status in (
        ({"password": "wrong"}, 403),
        ({**PASSWORD, "code": "000000"}, 403),
        ({**PASSWORD, "code": code(server, secret)}, 403),  # spent
        ({}, 422),
        ({**PASSWORD, "more": 1}, 422),
    ):
        assert status == (await admin.post(DISABLE, json=body)).status_code, body

    assert {"success": True} == (await admin.post(DISABLE, json=PASSWORD)).json()

    assert not (await admin.get(ME)).json()["totp_enabled"]
    assert 401 == (await other.get(SESSIONS)).status_code
    assert (None, None) == tuple(server.vault.read(k, "id-1") for k in ("totp", "totp_pending"))
    await server.logged_in()
    again = await admin.post(DISABLE, json=PASSWORD)
    assert (409, "no_factor") == (again.status_code, again.json()["error_code"])


@story
async def test_recovery_codes_are_replaced_for_password_and_code(server):
    admin, secret, before = await protected(server)
    for body in ({**PASSWORD, "code": "000000"}, {"password": "wrong", "code": "000000"}):
        assert 403 == (await admin.post(REGENERATE, json=body)).status_code
    assert 422 == (await admin.post(REGENERATE, json=PASSWORD)).status_code

    answer = await admin.post(REGENERATE, json={**PASSWORD, "code": code(server, secret)})

    after = answer.json()["recovery_codes"]
    assert (200, 8, set()) == (answer.status_code, len(after), set(after) & set(before))
    old = await (await half(server)).post(VERIFY, json={"code": before[0]})
    new = await (await half(server)).post(VERIFY, json={"code": after[0]})
    assert [401, 200] == [old.status_code, new.status_code]


@pytest.mark.parametrize("path", [SETUP, FINISH, VERIFY, DISABLE, REGENERATE])
@pytest.mark.parametrize(
    "body",
    [
        *({}, [], {"code": None, "password": None}, {"code": 123456, "password": 1}),
        *({"code": "x" * 65, "password": "x"}, {"code": "1", "password": "x" * 1025}),
        {"code": "123456", "password": "x", "user_id": "id-1"},
    ],
)
def test_hostile_bodies_are_422(server, path, body):
    async def tell():
        client, _, _ = await protected(server)
        if path == VERIFY:
            client = await half(server)
        assert 422 == (await client.post(path, json=body)).status_code

    server.run(tell)


@story
async def test_no_seed_and_no_code_lies_open(server):
    _, secret, recovery = await protected(server)
    await (await half(server)).post(VERIFY, json={"code": recovery[0]})

    folder = server.log.path.parent
    stored = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert [] == [text for text in (secret, *recovery) if text.encode() in stored]


@story
async def test_a_deleted_account_takes_its_seed_along(server):
    await protected(server)
    other = "ben@a.io"
    await server.add(other, ADMIN["password"], Role.ADMIN)
    ben = await server.logged_in(other)
    assert server.vault.read("totp", "id-1") is not None

    assert 200 == (await ben.delete(f"{USERS}/id-1")).status_code
    assert None is server.vault.read("totp", "id-1")


def test_a_demanded_factor_is_set_up_before_anything_else(tmp_path):
    server = Server(tmp_path, settings=HttpSettings(require_2fa=True))

    async def tell():
        client = server.client()
        answer = await client.post(LOGIN, json=ADMIN)
        assert answer.json()["requires_2fa_setup"]
        held = await client.get(USERS)
        assert (403, "2fa_setup_required") == (held.status_code, held.json()["error_code"])
        for path in (SESSIONS, "/api/auth/api-keys", "/api/events"):
            assert 403 == (await client.get(path)).status_code
        assert 200 == (await client.get(ME)).status_code
        change = {"current_password": ADMIN["password"], "new_password": NEW}
        assert 200 == (await client.post(CHANGE, json=change)).status_code
        secret = (await client.post(SETUP, json={"password": NEW})).json()["secret"]
        done = await client.post(FINISH, json={"code": code(server, secret)})
        assert (200, 200) == (done.status_code, (await client.get(USERS)).status_code)
        server.clock.forward(seconds=30)
        again = server.client()
        await again.post(LOGIN, json={**ADMIN, "password": NEW})
        full = await again.post(VERIFY, json={"code": code(server, secret)})
        assert not full.json()["requires_2fa_setup"]

    server.run(tell)
