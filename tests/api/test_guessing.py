"""Strangers guess at passwords: they are slowed down, and nobody else is."""

import pytest

from api import attempts, networks
from domain import guesses
from tests.api.access import ADMIN, Server
from tests.api.stories import story

LOGIN, CHANGE = "/api/auth/login", "/api/auth/change-password"
SESSIONS = "/api/auth/sessions"
ROUNDS = 12


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


async def guess(server, address, email=ADMIN["email"]):
    body = {"email": email, "password": "wrong"}
    return await server.client(address).post(LOGIN, json=body)


async def besieged(server, email=ADMIN["email"]):
    """Strangers use up what an account grants them within the hour."""
    for number in range(guesses.STRANGERS_PER_HOUR_MAX):
        assert 401 == (await guess(server, f"10.0.{number}.1", email)).status_code
        server.clock.forward(seconds=3)


@story
async def test_the_owner_gets_in_while_a_stranger_takes_each_opening(server):
    statuses = []
    for _ in range(ROUNDS):
        answer = await guess(server, "203.0.113.9")
        statuses.append(answer.status_code)
        server.clock.forward(seconds=int(answer.headers.get("retry-after", 0)))
        assert 200 == (await server.client("198.51.100.7").post(LOGIN, json=ADMIN)).status_code

    assert {401, 429} == set(statuses)


@pytest.mark.parametrize("email", [ADMIN["email"], "nobody@a.io"])
def test_a_siege_from_everywhere_has_a_budget_that_does_not_bind_known_networks(server, email):
    async def tell():
        await server.logged_in(address="198.51.100.7")
        await besieged(server, email)
        checks, written = server.passwords.checks, len(server.recorded)

        answer = await guess(server, "10.1.0.1", email)

        assert (429, True) == (answer.status_code, 0 < int(answer.headers["retry-after"]) <= 3600)
        assert (checks, written) == (server.passwords.checks, len(server.recorded))
        await server.logged_in(address="198.51.100.8")  # of the same network
        server.clock.forward(hours=1)
        assert 401 == (await guess(server, "10.1.0.1", email)).status_code

    server.run(tell)


@pytest.mark.parametrize("address", ["203.0.113.9", "127.0.0.1"])
def test_a_known_device_gets_in_while_others_of_its_network_are_kept_out(server, address):
    async def tell():
        owner = await server.logged_in(address=address)
        assert 200 == (await owner.post("/api/auth/logout")).status_code
        for _ in range(3 * ROUNDS):
            await guess(server, address)

        assert 429 == (await server.client(address).post(LOGIN, json=ADMIN)).status_code
        assert 200 == (await owner.post(LOGIN, json=ADMIN)).status_code
        device = owner.cookies["dango_device"]
        assert 200 == (await owner.post(LOGIN, json=ADMIN)).status_code
        assert device == owner.cookies["dango_device"]

    server.run(tell)


@story
async def test_a_device_is_known_to_the_account_it_belongs_to_and_slowed_down_like_others(server):
    await server.add("ben@a.io", "a tiger in the snow")
    owner = await server.logged_in(address="203.0.113.9")
    cookie = f"dango_device={owner.cookies['dango_device']}"
    device = server.client("203.0.113.9", cookie=cookie)
    bodies = [{**ADMIN, "password": "wrong"}, {"email": "ben@a.io", "password": "wrong"}]

    own = [(await device.post(LOGIN, json=bodies[0])).status_code for _ in range(6)]
    assert [401] * 5 + [429] == own
    assert 200 == (await server.client("203.0.113.9").post(LOGIN, json=ADMIN)).status_code
    networks = set()
    for body in bodies:
        server.clock.forward(minutes=1)
        assert 401 == (await device.post(LOGIN, json=body)).status_code
        networks.add(server.recorded[-1].event.network)
    home = server.recorded[-1].event.network
    assert (2, True) == (len(networks), home in networks)
    assert 401 == (await guess(server, "203.0.113.9", "ben@a.io")).status_code
    assert home == server.recorded[-1].event.network


@story
async def test_a_device_that_is_not_known_gets_a_token_of_its_own(server):
    for planted in ("x" * 43, "nonsense", ""):
        client = server.client(cookie=f"dango_device={planted}")
        answer = await client.post(LOGIN, json=ADMIN)
        given = answer.cookies["dango_device"]
        assert (43, True) == (len(given), given != planted)


@story
async def test_a_live_session_changes_its_password_during_a_siege(server):
    client = await server.logged_in()
    await besieged(server)
    body = {"current_password": ADMIN["password"], "new_password": "an owl over the river"}

    assert 200 == (await client.post(CHANGE, json=body)).status_code


@story
async def test_wrong_current_passwords_slow_down_their_own_session_alone(server):
    client, other = await server.logged_in(), await server.logged_in()
    body = {"current_password": "wrong", "new_password": "an owl over the river"}

    statuses = [(await client.post(CHANGE, json=body)).status_code for _ in range(7)]

    assert [403] * 5 + [429] * 2 == statuses
    assert ["current_password_wrong"] * 5 == server.types()[-5:]
    assert 200 == (await client.get(SESSIONS)).status_code
    assert 403 == (await other.post(CHANGE, json=body)).status_code
    await server.logged_in()
    server.clock.forward(seconds=1)
    assert 403 == (await client.post(CHANGE, json=body)).status_code


@story
async def test_one_network_that_tries_many_addresses_is_turned_away_unheard(server):
    most = attempts.NETWORK_PER_MINUTE_MAX
    answers = [
        await guess(server, f"203.0.113.{number}", f"eve-{number}@a.io")
        for number in range(most + 5)
    ]

    assert [401] * most + [429] * 5 == [answer.status_code for answer in answers]
    assert most == server.passwords.checks == server.types().count("login_failed")
    assert "60" == answers[-1].headers["retry-after"]
    assert 401 == (await guess(server, "198.51.100.7", "eve@a.io")).status_code
    assert 5 == server.recorded[-1].event.unheard
    server.clock.forward(minutes=1)
    assert 401 == (await guess(server, "203.0.113.1", "eve@a.io")).status_code
    assert 0 == server.recorded[-1].event.unheard


@story
async def test_logins_that_succeed_use_nothing_up(server):
    for _ in range(2 * attempts.STRANGERS_PER_MINUTE_MAX):
        await server.logged_in(address="203.0.113.9")


@pytest.mark.parametrize("local", [True, False])
def test_strangers_of_all_networks_have_a_bound_and_learn_nothing_by_it(server, local):
    async def tell():
        await server.logged_in(address="198.51.100.7")
        for number in range(attempts.STRANGERS_PER_MINUTE_MAX):
            address = "127.0.0.1" if local else f"10.0.{number}.1"
            assert 401 == (await guess(server, address, f"e{number}@a.io")).status_code
        checks = server.passwords.checks

        answers = [
            await server.client("10.1.0.1", **{"x-request-id": "same"}).post(LOGIN, json=body)
            for body in (ADMIN, {**ADMIN, "email": "nobody@a.io"})
        ]

        assert {429} == {answer.status_code for answer in answers}
        assert 1 == len({answer.content for answer in answers})
        assert checks == server.passwords.checks
        await server.logged_in(address="198.51.100.7")

    server.run(tell)


@story
async def test_the_networks_that_are_remembered_are_bounded(server):
    book, at = attempts.Attempts(), server.clock()
    for number in range(attempts.WINDOWS_MAX + 9):
        source = networks.Source(address="", network=f"net-{number}", local=False)
        with book.counted(source, guesses.Guesses(), at):
            pass

    assert attempts.WINDOWS_MAX == len(book._networks)


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("203.0.113.1", "203.0.113.254", True),
        ("203.0.113.1", "203.0.114.1", False),
        ("::ffff:203.0.113.1", "203.0.113.2", True),
        ("::ffff:203.0.113.1", "::ffff:198.51.100.1", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
    ],
)
def test_a_network_is_what_a_household_shares(server, one, other, together):
    first, second = (networks.source(address, server.vault) for address in (one, other))

    assert together == (first.network == second.network)
    assert (False, False) == (first.local, second.local)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", ""])
def test_this_machine_is_known_by_any_name(server, address):
    assert networks.source(address, server.vault).local
