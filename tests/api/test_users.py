"""Accounts through the front door: made, changed, taken away, and never without an admin."""

import asyncio
import itertools

import pytest

from domain.permissions import Role
from tests.api.access import Server
from tests.api.stories import invited, story

LOGIN, KEYS, USERS = "/api/auth/login", "/api/auth/api-keys", "/api/admin/users"
OLD, NEW = "a tiger in the snow", "an owl over the river"
ROUNDS = 10  # for each pair of attacks


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


async def added(server, email="ben@a.io", role=Role.EDITOR):
    return await server.add(email, OLD, role)


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"email": None}, {"email": 7}, {"email": ""}, {"email": "nobody"}, {"email": "a@"}),
        *({"email": "a@b@c.io"}, {"email": "a b@c.io"}, {"email": "x" * 321}, []),
        *({"email": "x@a.io", "role": "boss"}, {"email": "x@a.io", "role": None}),
        *({"email": "x@a.io", "is_admin": True}, {"email": "x@a.io", "id": "id-1"}),
        *({"email": "x@a.io", "generate_password": "yes"}, {"email": "x@a.io", "status": "active"}),
        {"email": "x@a.io", "display_name": "n" * 129},
    ],
)
def test_hostile_bodies_make_no_account(server, body):
    async def tell():
        admin = await server.logged_in()
        assert 422 == (await admin.post(USERS, json=body)).status_code
        assert 1 == len((await admin.get(USERS)).json())

    server.run(tell)


@pytest.mark.parametrize(
    "alike", ["BEN@A.IO", " ben@a.io ", "ZOE\u0301@a.io", "ZO\u00c9@a.io", "STRA\u1e9eE@a.io"]
)
def test_an_address_that_only_looks_different_is_the_same_account(server, alike):
    async def tell():
        admin = await server.logged_in()
        for email in ("ben@a.io", "zo\u00e9@a.io", "stra\u00dfe@a.io"):
            await invited(admin, email)
        assert 409 == (await admin.post(USERS, json={"email": alike})).status_code

    server.run(tell)


@story
async def test_a_role_counts_from_the_next_request_on_for_sessions_and_keys(server):
    user = await added(server, role=Role.ADMIN)
    admin, ben = await server.logged_in(), await server.logged_in("ben@a.io")
    key = (await ben.post(KEYS, json={"name": "k"})).json()["key"]
    program = server.client(authorization=f"Bearer {key}")
    assert 200 == (await program.get(USERS)).status_code

    answer = await admin.put(f"{USERS}/{user}/role", json={"role": "viewer"})

    assert (200, "viewer") == (answer.status_code, answer.json()["role"])
    for client in (ben, program):
        assert 403 == (await client.get(USERS)).status_code
        assert 200 == (await client.get(KEYS)).status_code
    for body in ({}, {"role": "boss"}, {"role": None}, {"role": "viewer", "id": "x"}, []):
        assert 422 == (await admin.put(f"{USERS}/{user}/role", json=body)).status_code
    assert 404 == (await admin.put(f"{USERS}/no/role", json={"role": "viewer"})).status_code


@story
async def test_the_last_admin_stays(server):
    admin = await server.logged_in()
    await invited(admin, role="admin")
    for request in (
        admin.put(f"{USERS}/id-1/role", json={"role": "editor"}),
        admin.post(f"{USERS}/id-1/deactivate"),
        admin.delete(f"{USERS}/id-1"),
    ):
        answer = await request
        assert (409, "last_admin") == (answer.status_code, answer.json()["error_code"])
    assert 200 == (await admin.get(USERS)).status_code


ATTACKS = {
    "demote": lambda client, user: client.put(f"{USERS}/{user}/role", json={"role": "viewer"}),
    "deactivate": lambda client, user: client.post(f"{USERS}/{user}/deactivate"),
    "delete": lambda client, user: client.delete(f"{USERS}/{user}"),
}


@pytest.mark.parametrize("attacks", list(itertools.product(ATTACKS, ATTACKS)), ids="-".join)
def test_two_admins_against_each_other_never_leave_none(server, attacks):
    first, second = (ATTACKS[name] for name in attacks)

    async def round_of(number):
        """Two admins that there are besides nobody; one of them is left."""
        emails = [f"{side}-{number}@a.io" for side in "ab"]
        left, right = [await server.add(email, OLD, Role.ADMIN) for email in emails]
        one, other = [await server.logged_in(email, OLD) for email in emails]
        for admin in server.left:
            assert 200 == (await one.delete(f"{USERS}/{admin}")).status_code
        answers = await asyncio.gather(first(one, right), second(other, left))
        # The second comes too late, or too early: it is no admin any more, or the last one.
        codes = sorted(answer.status_code for answer in answers)
        assert (200, True) == (codes[0], codes[1] in (401, 403, 409))
        server.left = [right if answers[1].status_code == 200 else left]
        winner = one if answers[0].status_code == 200 else other
        listed = (await winner.get(USERS)).json()
        assert 1 == sum((u["role"], u["status"]) == ("admin", "active") for u in listed)

    async def tell():
        server.left = ["id-1"]
        for number in range(ROUNDS):
            await round_of(number)

    server.run(tell)


@story
async def test_deactivation_ends_everything_and_reactivation_brings_the_password_back(server):
    user, admin = await added(server), await server.logged_in()
    ben = await server.logged_in("ben@a.io")
    key = (await ben.post(KEYS, json={"name": "k"})).json()["key"]
    program = server.client(authorization=f"Bearer {key}")

    assert {"success": True} == (await admin.post(f"{USERS}/{user}/deactivate")).json()

    assert [401, 401] == [(await client.get(KEYS)).status_code for client in (ben, program)]
    body = {"email": "ben@a.io", "password": OLD}
    assert 401 == (await server.client().post(LOGIN, json=body)).status_code
    listed = (await admin.get(USERS)).json()[1]
    assert ("deactivated", False) == (listed["status"], listed["is_active"])
    assert 409 == (await admin.post(f"{USERS}/{user}/reset-password")).status_code
    back = await admin.post(f"{USERS}/{user}/reactivate")
    assert ("active", True) == (back.json()["status"], back.json()["is_active"])
    assert 401 == (await program.get(KEYS)).status_code
    await server.logged_in("ben@a.io")


@story
async def test_a_deleted_user_is_forgotten_and_the_log_is_whole(server):
    user, admin = await added(server), await server.logged_in()
    ben = await server.logged_in("ben@a.io")
    made = (await ben.post(KEYS, json={"name": "k"})).json()
    session = server.recorded[-2].event.session_id
    sealed = [
        ("email", user),
        ("password", user),
        ("session", session),
        ("api_key_name", made["id"]),
    ]
    assert [] == [entry for entry in sealed if server.vault.read(*entry) is None]

    other = {"confirm_email": "eve@a.io"}
    wrong = await admin.request("DELETE", f"{USERS}/{user}", json=other)
    right = await admin.request("DELETE", f"{USERS}/{user}", json={"confirm_email": "BEN@a.io"})

    assert (422, "email_differs") == (wrong.status_code, wrong.json()["error_code"])
    assert (200, {"success": True}) == (right.status_code, right.json())
    assert [] == [entry for entry in sealed if server.vault.read(*entry) is not None]
    assert 401 == (await ben.get(KEYS)).status_code
    program = server.client(authorization=f"Bearer {made['key']}")
    assert 401 == (await program.get(KEYS)).status_code
    assert ["admin@localhost"] == [u["email"] for u in (await admin.get(USERS)).json()]
    assert 404 == (await admin.delete(f"{USERS}/{user}")).status_code
    assert "user_deleted" == server.recorded[-1].type
    again, _ = await invited(admin)
    assert again["id"] != user


@story
async def test_all_sessions_of_a_user_are_revoked_and_counted(server):
    user, admin = await added(server), await server.logged_in()
    clients = [await server.logged_in("ben@a.io") for _ in range(3)]

    answer = await admin.post(f"{USERS}/{user}/revoke-sessions")

    assert {"success": True, "revoked_count": 3} == answer.json()
    assert [401] * 3 == [(await client.get(KEYS)).status_code for client in clients]
    again = await admin.post(f"{USERS}/{user}/revoke-sessions")
    assert {"success": True, "revoked_count": 0} == again.json()
    assert 404 == (await admin.post(f"{USERS}/nobody/revoke-sessions")).status_code


@story
async def test_an_unlocked_account_is_heard_at_once(server):
    user, admin = await added(server), await server.logged_in()
    stranger = server.client("203.0.113.9")
    for _ in range(6):
        await stranger.post(LOGIN, json={"email": "ben@a.io", "password": "wrong"})
    locked = (await admin.get(USERS)).json()[1]
    assert (5, "2026-01-01T12:00:01Z") == (
        locked["failed_login_attempts"],
        locked["locked_until"],
    )

    assert {"success": True} == (await admin.post(f"{USERS}/{user}/unlock")).json()

    free = (await admin.get(USERS)).json()[1]
    assert (0, None) == (free["failed_login_attempts"], free["locked_until"])
    body = {"email": "ben@a.io", "password": OLD}
    assert 200 == (await stranger.post(LOGIN, json=body)).status_code
    assert 404 == (await admin.post(f"{USERS}/nobody/unlock")).status_code


@story
async def test_managing_users_takes_the_permission(server):
    user = await added(server)
    ben = await server.logged_in("ben@a.io")
    for method, path in (
        *(("GET", USERS), ("POST", USERS), ("DELETE", f"{USERS}/{user}")),
        *(("POST", f"{USERS}/{user}/{what}") for what in ("reinvite", "reset-password", "unlock")),
        *(("POST", f"{USERS}/{user}/{what}") for what in ("deactivate", "reactivate")),
        *(("POST", f"{USERS}/{user}/revoke-sessions"), ("PUT", f"{USERS}/{user}/role")),
    ):
        answer = await ben.request(method, path)
        assert (403, "users.manage") == (answer.status_code, answer.json()["permission"]), path


@story
async def test_every_failed_login_is_answered_alike_whatever_the_account_is(server):
    admin = await server.logged_in()
    await invited(admin, "pending@a.io")
    for name in ("gone", "deleted", "there"):
        await added(server, f"{name}@a.io")
    ids = {u["email"]: u["id"] for u in (await admin.get(USERS)).json()}
    await admin.post(f"{USERS}/{ids['gone@a.io']}/deactivate")
    await admin.delete(f"{USERS}/{ids['deleted@a.io']}")
    before = server.passwords.checks
    known = ("pending@a.io", "gone@a.io", "deleted@a.io", "there@a.io", "absent@a.io")

    for count in range(7):
        answers = [
            await server.client(**{"x-request-id": "same"}).post(
                LOGIN, json={"email": email, "password": "wrong"}
            )
            for email in known
        ]
        assert {401 if count < 5 else 429} == {answer.status_code for answer in answers}
        assert 1 == len({answer.content for answer in answers})
    assert 5 * len(known) == server.passwords.checks - before
