"""Logging in and out, the password, sessions and keys, through the front door."""

import pytest

from api.platform import HttpSettings
from commands.kernel import Origin
from commands.users import DeactivateUser
from domain.permissions import Role
from tests.api.access import ADMIN, Server
from tests.api.stories import story

LOGIN, LOGOUT, ME = "/api/auth/login", "/api/auth/logout", "/api/auth/me"
CHANGE, SESSIONS = "/api/auth/change-password", "/api/auth/sessions"
KEYS, USERS = "/api/auth/api-keys", "/api/admin/users"
NEW = "an owl over the river"


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


@story
async def test_a_login_answers_the_user_and_sets_a_cookie_that_opens(server):
    client = server.client()

    answer = await client.post(LOGIN, json={**ADMIN, "email": " Admin@LOCALHOST "})
    me = await client.get(ME)

    body = answer.json()
    assert ("ok", False, False) == (
        body["status"],
        body["must_change_password"],
        body["requires_2fa_setup"],
    )
    assert ("admin@localhost", "admin", "admin", "2026-01-01T12:00:00Z") == tuple(
        body["user"][name] for name in ("email", "role", "display_name", "last_login")
    )
    cookie, device = answer.headers.get_list("set-cookie")
    assert cookie.startswith("dango_session=")
    assert cookie.endswith("; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax")
    assert device.startswith("dango_device=")
    assert device.endswith("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax")
    assert "2" == answer.headers["x-position"]
    assert {**body["user"], "auth_enabled": True, "authenticated": True} == me.json()
    assert "user:id-1" == server.recorded[-1].actor


@story
async def test_nobody_is_told_so(server):
    client = server.client()

    assert {"auth_enabled": True, "authenticated": False} == (await client.get(ME)).json()
    assert 401 == (await client.get(SESSIONS)).status_code
    assert 401 == (await client.post(LOGOUT)).status_code


@story
async def test_a_login_ends_the_session_that_the_browser_came_with_and_no_other(server):
    await server.add("ben@a.io", "an owl over the river")
    other, client = await server.logged_in(), await server.logged_in()
    before = client.cookies["dango_session"]
    for email, password in (
        (ADMIN["email"], ADMIN["password"]),
        ("ben@a.io", "an owl over the river"),
    ):
        body = {"email": email, "password": password}
        assert 200 == (await client.post(LOGIN, json=body)).status_code
        stolen = server.client(cookie=f"dango_session={before}")
        assert not (await stolen.get(ME)).json()["authenticated"]
        assert email == (await client.get(ME)).json()["email"]
        before = client.cookies["dango_session"]
    assert (await other.get(ME)).json()["authenticated"]


@story
async def test_every_failed_login_is_answered_alike(server):
    await server.add("gone@a.io", "x")
    admin = await server.logged_in()
    gone = (await admin.get(USERS)).json()[1]["id"]
    await deactivate(server, gone)

    answers = [
        await server.client(**{"x-request-id": "same"}).post(LOGIN, json=body)
        for body in (
            {"email": "admin@localhost", "password": "wrong"},
            {"email": "eve@a.io", "password": "wrong"},
            {"email": "gone@a.io", "password": "wrong"},
            {"email": "gone@a.io", "password": "x"},
        )
    ]

    assert {401} == {answer.status_code for answer in answers}
    assert 1 == len({answer.content for answer in answers})
    assert ["login_failed"] * 4 == server.types()[-4:]
    assert 5 == server.passwords.checks


@story
async def test_too_many_guesses_are_refused_before_the_hash(server):
    client = server.client()
    guess = {"email": "admin@localhost", "password": "wrong"}
    answers = [await client.post(LOGIN, json=guess) for _ in range(7)]

    assert [401] * 5 + [429] * 2 == [answer.status_code for answer in answers]
    assert "1" == answers[-1].headers["retry-after"]
    assert 5 == server.passwords.checks
    assert 429 == (await client.post(LOGIN, json=ADMIN)).status_code
    server.clock.forward(seconds=1)
    assert 200 == (await client.post(LOGIN, json=ADMIN)).status_code


@story
async def test_a_hash_with_older_parameters_is_replaced_at_login(server):
    user = await server.add("old@a.io", "x", encoded="old:a tiger in the snow")

    await server.logged_in("old@a.io")

    assert b"new:a tiger in the snow" == server.vault.read("password", user)


@story
async def test_bad_bodies_are_refused(server):
    client = server.client()
    for body in (
        {},
        {"email": "a@b.io"},
        {**ADMIN, "more": 1},
        {"email": "nobody", "password": "x"},
        {"email": "a@b.io", "password": "x" * 1025},
    ):
        assert 422 == (await client.post(LOGIN, json=body)).status_code


@story
async def test_logout_ends_the_session_at_once(server):
    client = await server.logged_in()
    cookie = client.cookies["dango_session"]

    answer = await client.post(LOGOUT)

    assert {"success": True} == answer.json()
    assert "dango_session=; Path=/; Max-Age=0" in answer.headers["set-cookie"]
    again = server.client(cookie=f"dango_session={cookie}")
    assert 401 == (await again.get(SESSIONS)).status_code


@story
async def test_a_session_ends_when_it_lies_idle_and_when_it_is_old(server):
    client = await server.logged_in()
    for _ in range(14):
        server.clock.forward(hours=12)
        if server.clock.now.day < 8:
            assert 200 == (await client.get(SESSIONS)).status_code
    assert 401 == (await client.get(SESSIONS)).status_code

    other = await server.logged_in()
    server.clock.forward(hours=12, seconds=1)
    assert 401 == (await other.get(SESSIONS)).status_code


@story
async def test_a_changed_password_ends_the_other_sessions_and_renews_this_one(server):
    client, other = await server.logged_in(), await server.logged_in()
    before = client.cookies["dango_session"]

    answer = await client.post(
        CHANGE, json={"current_password": ADMIN["password"], "new_password": NEW}
    )

    assert {"success": True} == answer.json()
    assert before != client.cookies["dango_session"]
    assert 200 == (await client.get(SESSIONS)).status_code
    assert 401 == (await other.get(SESSIONS)).status_code
    assert 401 == (await server.client().post(LOGIN, json=ADMIN)).status_code
    await server.logged_in(password=NEW)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"current_password": "wrong", "new_password": NEW}, 403),
        ({"current_password": ADMIN["password"], "new_password": "short"}, 422),
        ({"current_password": ADMIN["password"], "new_password": "ILoveYou"}, 422),
        ({"current_password": ADMIN["password"], "new_password": ADMIN["password"]}, 422),
    ],
)
def test_a_bad_change_changes_nothing(server, body, status):
    async def tell():
        client = await server.logged_in()
        answer = await client.post(CHANGE, json=body)
        assert status == answer.status_code, answer.text
        assert "password_changed" not in server.types()
        assert 200 == (await client.get(SESSIONS)).status_code

    server.run(tell)


@story
async def test_own_sessions_are_listed_and_revoked_but_not_others(server):
    await server.add("ben@a.io", "a tiger in the snow")
    client = await server.logged_in()
    server.clock.forward(seconds=1)
    other = await server.logged_in()
    ben = await server.logged_in("ben@a.io")

    listed = (await client.get(SESSIONS)).json()
    mine, second = (item["id"] for item in listed)

    assert [True, False] == [item["is_current"] for item in listed]
    assert ("127.0.0.1", True) == (
        listed[0]["ip_address"],
        listed[0]["user_agent"].startswith("python-httpx"),
    )
    assert 404 == (await ben.delete(f"{SESSIONS}/{mine}")).status_code
    assert {"success": True} == (await client.delete(f"{SESSIONS}/{second}")).json()
    assert 401 == (await other.get(SESSIONS)).status_code


@story
async def test_a_key_makes_no_keys_and_touches_no_sessions_and_no_password(server):
    client = await server.logged_in()
    made = (await client.post(KEYS, json={"name": "k"})).json()
    session = (await client.get(SESSIONS)).json()[0]["id"]
    program = server.client(authorization=f"Bearer {made['key']}")
    change = {"current_password": ADMIN["password"], "new_password": NEW}

    answers = [
        await program.post(KEYS, json={"name": "another"}),
        await program.delete(f"{KEYS}/{made['id']}"),
        await program.get(SESSIONS),
        await program.delete(f"{SESSIONS}/{session}"),
        await program.post(CHANGE, json=change),
        await program.post("/account/password", json=change),
    ]

    assert {403} == {answer.status_code for answer in answers}
    assert 5 == sum(answer.json()["error_code"] == "session_only" for answer in answers[:5])
    assert 200 == (await program.get(KEYS)).status_code


@story
async def test_a_key_opens_until_it_is_revoked(server):
    client = await server.logged_in()

    made = (await client.post(KEYS, json={"name": " laptop "})).json()
    program = server.client(authorization=f"Bearer {made['key']}")
    listed = (await program.get(KEYS)).json()

    assert "laptop" == made["name"]
    assert made["key"][:12] == made["key_prefix"]
    assert [{**without(made, "key"), "last_used_at": "2026-01-01T12:00:00Z"}] == listed
    assert 200 == (await program.get(USERS)).status_code
    await server.add("ben@a.io", "a tiger in the snow", Role.ADMIN)
    ben = await server.logged_in("ben@a.io")
    assert 404 == (await ben.delete(f"{KEYS}/{made['id']}")).status_code
    assert {"success": True} == (await client.delete(f"{KEYS}/{made['id']}")).json()
    assert 401 == (await program.get(USERS)).status_code
    assert [] == (await client.get(KEYS)).json()


@story
async def test_an_expired_key_opens_nothing_and_none_is_made_expired(server):
    client = await server.logged_in()
    body = {"name": "k", "expires_at": "2026-01-01T14:00:00+01:00"}
    key = (await client.post(KEYS, json=body)).json()["key"]
    program = server.client(authorization=f"Bearer {key}")

    assert 200 == (await program.get(KEYS)).status_code
    server.clock.forward(hours=1)
    assert 401 == (await program.get(KEYS)).status_code
    for wrong in ("2026-01-01T14:00:00+01:00", "2027-01-01T00:00:00", "soon"):
        answer = await client.post(KEYS, json={"name": "k", "expires_at": wrong})
        assert 422 == answer.status_code


@story
async def test_a_key_can_be_narrowed_and_never_has_more_than_its_owner(server):
    user = await server.add("ben@a.io", "a tiger in the snow", Role.ADMIN)
    ben, admin = await server.logged_in("ben@a.io"), await server.logged_in()
    body = {"name": "k", "permissions": ["users.manage", "audit.view"]}
    made = (await ben.post(KEYS, json=body)).json()
    program = server.client(authorization=f"Bearer {made['key']}")

    assert ["audit.view", "users.manage"] == made["permissions"]
    assert [200, 200, 403, 200] == [
        (await program.get(path)).status_code
        for path in (USERS, "/api/events", "/api/projections", KEYS)
    ]
    assert [made["permissions"]] == [key["permissions"] for key in (await program.get(KEYS)).json()]
    await admin.put(f"{USERS}/{user}/role", json={"role": "viewer"})
    assert [403, 403] == [(await program.get(path)).status_code for path in (USERS, "/api/events")]
    for wrong in ([], ["fly"], "users.manage", [1], [["users.manage"]], ["users.manage"] * 31):
        answer = await admin.post(KEYS, json={"name": "k", "permissions": wrong})
        assert 422 == answer.status_code, wrong
    assert None is (await admin.post(KEYS, json={"name": "k"})).json()["permissions"]


@story
async def test_a_created_user_must_change_the_password_first(server):
    admin = await server.logged_in()
    body = {"email": "Ben@a.io", "role": "editor", "display_name": "Ben", "generate_password": True}

    answer = await admin.post(USERS, json=body)
    made = answer.json()
    ben = await server.logged_in("ben@a.io", made["temp_password"])

    assert (201, "ben@a.io", "Ben", True) == (
        answer.status_code,
        made["user"]["email"],
        made["user"]["display_name"],
        made["user"]["must_change_password"],
    )
    assert 403 == (await ben.get(KEYS)).status_code
    change = {"current_password": made["temp_password"], "new_password": NEW}
    assert 200 == (await ben.post(CHANGE, json=change)).status_code
    assert 200 == (await ben.get(KEYS)).status_code
    assert 403 == (await ben.get(USERS)).status_code
    assert 409 == (await admin.post(USERS, json=body)).status_code
    assert 422 == (await admin.post(USERS, json={**body, "role": "boss"})).status_code


@story
async def test_a_temporary_password_ends_the_sessions_and_spares_the_keys(server):
    user = await server.add("ben@a.io", "a tiger in the snow", Role.EDITOR)
    admin, ben = await server.logged_in(), await server.logged_in("ben@a.io")
    key = (await ben.post(KEYS, json={"name": "k"})).json()["key"]

    body = {"generate_password": True}
    made = (await admin.post(f"{USERS}/{user}/reset-password", json=body)).json()

    assert (22, True) == (len(made["temp_password"]), made["user"]["must_change_password"])
    assert 401 == (await ben.get(KEYS)).status_code
    assert 200 == (await server.client(authorization=f"Bearer {key}").get(KEYS)).status_code
    nobody = await admin.post(f"{USERS}/nobody/reset-password", json=body)
    assert 404 == nobody.status_code


@story
async def test_deactivation_is_felt_by_the_next_request(server):
    user = await server.add("ben@a.io", "a tiger in the snow", Role.EDITOR)
    ben = await server.logged_in("ben@a.io")
    key = (await ben.post(KEYS, json={"name": "k"})).json()["key"]

    await deactivate(server, user)

    assert 401 == (await ben.get(KEYS)).status_code
    assert 401 == (await server.client(authorization=f"Bearer {key}").get(KEYS)).status_code


@story
async def test_no_secret_and_no_personal_data_lies_open(server):
    client = await server.logged_in()
    token = client.cookies["dango_session"]
    made = (await client.post(KEYS, json={"name": "marked-name"})).json()
    await client.post(LOGIN, json={"email": "marked@a.io", "password": "marked-wrong"})

    folder = server.log.path.parent
    stored = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())

    plain = (token, made["key"], *ADMIN.values(), "marked", "127.0.0.1", "python-httpx")
    assert [] == [text for text in plain if text.encode() in stored]


def test_behind_https_only_the_host_cookie_counts(tmp_path):
    server = Server(tmp_path, settings=HttpSettings(public_url="https://dango.example"))

    async def tell():
        client = await server.logged_in()
        token = client.cookies["__Host-dango_session"]
        plain = server.client(cookie=f"dango_session={token}")
        assert 200 == (await client.get(SESSIONS)).status_code
        assert 401 == (await plain.get(SESSIONS)).status_code

    server.run(tell)


def test_without_authentication_nobody_has_an_account(tmp_path):
    server = Server(tmp_path, settings=HttpSettings(auth_enabled=False))

    async def tell():
        client = server.client()
        assert {"auth_enabled": False} == (await client.get(ME)).json()
        assert 200 == (await client.get(USERS)).status_code
        assert 403 == (await client.get(SESSIONS)).status_code

    server.run(tell)


def without(body, name):
    return {key: value for key, value in body.items() if key != name}


async def deactivate(server, user):
    origin = Origin(actor="cli:test", via="control", correlation="test")
    await server.writer.send(DeactivateUser(user_id=user), origin)
