"""Links through the front door: invitations and resets, each good once."""

import asyncio

import pytest

from api import attempts, users
from api.platform import HttpSettings
from commands.kernel import Origin
from commands.links import AcceptInvite
from domain.links import LinkInvalid
from domain.permissions import Role
from tests.api.access import Server
from tests.api.stories import invited, story, token_of

LOGIN, KEYS, USERS = "/api/auth/login", "/api/auth/api-keys", "/api/admin/users"
ACCEPT, REDEEM = "/api/auth/accept-invite", "/api/auth/reset-password"
OLD, NEW = "a tiger in the snow", "an owl over the river"
AT_ONCE = 50


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


async def added(server, email="ben@a.io", role=Role.EDITOR):
    return await server.add(email, OLD, role)


async def statuses(requests):
    return sorted([answer.status_code for answer in await asyncio.gather(*requests)])


@story
async def test_who_is_invited_chooses_a_password_and_logs_in(server):
    admin, ben = await server.logged_in(), server.client()
    user, token = await invited(admin, "Ben@a.io", role="editor", display_name="Ben")

    assert ("ben@a.io", "editor", "Ben", "invited", True, True, None) == tuple(
        user[name]
        for name in (
            *("email", "role", "display_name", "status", "is_active"),
            *("has_pending_invite", "last_login"),
        )
    )
    assert "2026-01-04T12:00:00Z" == user["invite_expires_at"]
    assert 43 == len(token)
    body = {"token": token, "password": NEW, "display_name": " Benedict "}
    answer = await ben.post(ACCEPT, json=body)
    assert {"message": "Password set successfully", "success": True} == answer.json()
    assert "set-cookie" not in answer.headers
    after = (await ben.post(LOGIN, json={"email": "ben@a.io", "password": NEW})).json()["user"]
    assert ("Benedict", "active", None, False) == tuple(
        after[name]
        for name in ("display_name", "status", "invite_expires_at", "has_pending_invite")
    )
    assert 401 == (await server.client().post(ACCEPT, json=body)).status_code


@story
async def test_an_invitation_is_good_once_of_fifty_at_once(server):
    _, token = await invited(await server.logged_in())
    clients = [server.client() for _ in range(AT_ONCE)]

    found = await statuses(
        client.post(ACCEPT, json={"token": token, "password": f"{NEW} {number}"})
        for number, client in enumerate(clients)
    )

    assert (1, set()) == (found.count(200), set(found) - {200, 401, 429})  # 429: their budget
    assert 1 == server.types().count("invite_accepted")


@story
async def test_fifty_that_all_found_the_link_good_are_decided_one_by_one(server):
    user, token = await invited(await server.logged_in())
    proof, now = users.link_proof(token, server.platform), server.clock()
    origin = Origin(actor="anonymous", via="anonymous", correlation="test")
    commands = [
        AcceptInvite(
            user_id=user["id"], proof=proof, credential=f"c{n}", password_hash=f"h{n}", at=now
        )
        for n in range(AT_ONCE)
    ]

    found = await asyncio.gather(
        *(server.writer.send(command, origin) for command in commands), return_exceptions=True
    )

    refused = [type(answer) for answer in found if isinstance(answer, Exception)]
    (only,) = (number for number, answer in enumerate(found) if not isinstance(answer, Exception))
    assert [LinkInvalid] * (AT_ONCE - 1) == refused
    assert f"h{only}".encode() == server.vault.read("password", user["id"])


@story
async def test_a_reset_is_good_once_of_fifty_at_once(server):
    user, admin = await added(server), await server.logged_in()
    url = (await admin.post(f"{USERS}/{user}/reset-password")).json()["reset_url"]

    found = await statuses(
        server.client().post(REDEEM, json={"token": token_of(url), "password": f"{NEW} {number}"})
        for number in range(AT_ONCE)
    )

    assert (1, set()) == (found.count(200), set(found) - {200, 401, 429})  # 429: their budget
    assert 1 == server.types().count("password_changed")


@story
async def test_an_invitation_is_made_anew_and_ends_with_its_time(server):
    admin = await server.logged_in()
    user, first = await invited(admin)

    answer = await admin.post(f"{USERS}/{user['id']}/reinvite")
    second = token_of(answer.json()["invite_url"])

    assert (200, "2026-01-04T12:00:00Z") == (answer.status_code, answer.json()["expires_at"])
    stale = await server.client().post(ACCEPT, json={"token": first, "password": NEW})
    server.clock.forward(hours=72)
    late = await server.client().post(ACCEPT, json={"token": second, "password": NEW})
    assert (401, "link_invalid") == (stale.status_code, stale.json()["error_code"])
    assert stale.json()["detail"] == late.json()["detail"]
    admin = await server.logged_in()
    assert 404 == (await admin.post(f"{USERS}/nobody/reinvite")).status_code
    assert 409 == (await admin.post(f"{USERS}/id-1/reinvite")).status_code


@story
async def test_a_weak_password_leaves_the_link_as_it_is(server):
    _, token = await invited(await server.logged_in())
    for weak in ("short", "ILoveYou", "ben@a.io"):
        answer = await server.client().post(ACCEPT, json={"token": token, "password": weak})
        assert (422, "password_weak") == (answer.status_code, answer.json()["error_code"])

    good = await server.client().post(ACCEPT, json={"token": token, "password": NEW})
    assert 200 == good.status_code


@story
async def test_guessing_at_links_costs_no_hash_and_is_bounded(server):
    for number in range(attempts.NETWORK_PER_MINUTE_MAX):
        body = {"token": f"{number:043d}x", "password": NEW}
        answer = await server.client("203.0.113.9").post(ACCEPT, json=body)
        assert 401 == answer.status_code

    for path in (ACCEPT, REDEEM):
        answer = await server.client("203.0.113.9").post(path, json=body)
        assert (429, "60") == (answer.status_code, answer.headers["retry-after"])
    assert 0 == server.passwords.checks


@story
async def test_links_lead_where_people_reach_the_server_and_stand_nowhere_else(server):
    admin = await server.logged_in()
    _, invite = await invited(admin, "marked@a.io")
    reset = (await admin.post(f"{USERS}/id-1/reset-password")).json()["reset_url"]

    assert "http://127.0.0.1:8800/reset/" == reset.removesuffix(token_of(reset))
    folder = server.log.path.parent
    stored = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    secret = (invite, token_of(reset), "marked@a.io")
    assert [] == [text for text in secret if text.encode() in stored]


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        (HttpSettings(public_url="https://dango.example/"), "https://dango.example"),
        (HttpSettings(host="0.0.0.0", port=80), "http://localhost:80"),  # noqa: S104 - a setting
        (HttpSettings(host="::1"), "http://[::1]:8800"),
    ],
)
def test_a_link_begins_with_the_public_url_or_what_the_server_listens_on(settings, base):
    assert base == settings.base_url


@pytest.mark.parametrize("path", [ACCEPT, REDEEM])
@pytest.mark.parametrize(
    "body",
    [
        *({}, {"token": "x"}, {"password": NEW}, {"token": None, "password": NEW}),
        *({"token": 1, "password": NEW}, {"token": "x", "password": ["y"]}, []),
        *({"token": "x", "password": NEW, "role": "admin"}, {"token": "x" * 129, "password": NEW}),
        {"token": "x", "password": "y" * 1025},
    ],
)
def test_hostile_bodies_at_links_are_422(server, path, body):
    async def tell():
        assert 422 == (await server.client().post(path, json=body)).status_code

    server.run(tell)


@story
async def test_a_reset_link_ends_the_sessions_and_the_password_changes_with_its_use(server):
    user, admin = await added(server), await server.logged_in()
    ben = await server.logged_in("ben@a.io")
    key = (await ben.post(KEYS, json={"name": "k"})).json()["key"]

    made = (await admin.post(f"{USERS}/{user}/reset-password")).json()
    body = {"token": token_of(made["reset_url"]), "password": NEW}

    assert 401 == (await ben.get(KEYS)).status_code
    assert 200 == (await server.client(authorization=f"Bearer {key}").get(KEYS)).status_code
    old = await server.logged_in("ben@a.io")  # the link may never arrive
    assert 200 == (await server.client().post(REDEEM, json=body)).status_code
    assert 401 == (await old.get(KEYS)).status_code
    wrong = {"email": "ben@a.io", "password": OLD}
    assert 401 == (await server.client().post(LOGIN, json=wrong)).status_code
    await server.logged_in("ben@a.io", NEW)
    late = (await admin.post(f"{USERS}/{user}/reset-password")).json()["reset_url"]
    server.clock.forward(hours=1)
    body = {"token": token_of(late), "password": OLD}
    assert 401 == (await server.client().post(REDEEM, json=body)).status_code
    assert 404 == (await admin.post(f"{USERS}/nobody/reset-password")).status_code
    wrong = await admin.post(f"{USERS}/{user}/reset-password", json={"password": "mine"})
    assert 422 == wrong.status_code
