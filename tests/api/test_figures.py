"""Promises about accounts with their figures; in `make soak` as often as they are told."""

import asyncio
import itertools
import random
import statistics
import time
from datetime import timedelta

import pyotp
import pytest

from commands.identities import LogInWithIdentity
from commands.kernel import Origin
from commands.sessions import NewSession
from domain import passwords
from domain.emails import Email
from domain.identities import Provider
from domain.permissions import Role
from infra.passwords import Argon2Passwords, common_passwords
from tests.api.access import ADMIN, Server
from tests.api.stories import USERS, invited
from tests.server.harness import tell

LOGIN, KEYS, ME = "/api/auth/login", "/api/auth/api-keys", "/api/auth/me"
TWO = "/api/auth/2fa"
NEW = "an owl over the river"
AT_ONCE = 50
HEARD_MAX = 100  # guesses at one account in an hour
LOGINS = 300  # of each kind of account
APART = 0.05  # how far the medians of the kinds may be

often = pytest.mark.parametrize(
    "rounds", [5, pytest.param(100, marks=pytest.mark.soak)], ids=["few", "many"]
)


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


def run(server, story):
    server.run(story)


async def newcomer(server, number):
    """A client of a new user with a second factor; its seed and recovery codes."""
    email = f"user{number}@a.io"
    await server.add(email, NEW)
    client = await server.logged_in(email, NEW)
    made = (await client.post(f"{TWO}/setup", json={"password": NEW})).json()
    given = {"code": code(server, made["secret"])}
    assert 200 == (await client.post(f"{TWO}/verify-setup", json=given)).status_code
    server.clock.forward(seconds=30)
    return email, made["secret"], made["recovery_codes"]


def code(server, secret):
    return pyotp.TOTP(secret).at(int(server.clock.now.timestamp()))


async def all_at_once(path, clients, body):
    answers = await asyncio.gather(*(client.post(path, json=body) for client in clients))
    return [answer.status_code for answer in answers]


@often
@pytest.mark.parametrize("kind", ["totp", "recovery"])
def test_a_code_is_good_for_one_of_fifty_every_time(server, kind, rounds):
    async def story():
        for number in range(rounds):
            server.clock.forward(hours=25)
            email, secret, recovery = await newcomer(server, number)
            given = recovery[0] if kind == "recovery" else code(server, secret)
            halves = [server.client() for _ in range(5)]
            for half in halves:
                await half.post(LOGIN, json={"email": email, "password": NEW})
            clients = [half for half, _ in itertools.product(halves, range(AT_ONCE // 5))]
            found = await all_at_once(f"{TWO}/verify", clients, {"code": given})
            assert (1, True) == (found.count(200), set(found) <= {200, 401, 429})
        tell(f"{rounds} times one of {AT_ONCE} got in with a {kind} code")

    run(server, story)


@often
def test_an_invitation_is_good_for_one_of_fifty_every_time(server, rounds):
    async def story():
        for number in range(rounds):
            server.clock.forward(hours=25)
            admin = await server.logged_in()
            _, token = await invited(admin, f"user{number}@a.io")
            clients = [server.client() for _ in range(AT_ONCE)]
            body = {"token": token, "password": NEW}
            found = await all_at_once("/api/auth/accept-invite", clients, body)
            assert (1, True) == (found.count(200), set(found) <= {200, 401, 429})
        tell(f"{rounds} times one of {AT_ONCE} accepted an invitation")

    run(server, story)


@pytest.mark.parametrize("count", [30, pytest.param(1_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("kind", ["key", "session", "user", "role"])
def test_what_is_revoked_is_refused_by_the_next_request(server, kind, count):
    async def story():
        admin, passed = await server.logged_in(), 0
        for number in range(count):
            if number % 50 == 0:
                server.clock.forward(hours=1)
                email = f"user{number}@a.io"
                user = await server.add(email, NEW, Role.ADMIN)
            passed += await used_after(server, admin, kind, email, user)
        tell(f"{passed} of {count} requests passed right after the end of their {kind}")
        assert 0 == passed

    run(server, story)


async def used_after(server, admin, kind, email, user):
    """Take a right away and use it at once; whether that was taken."""
    if kind == "key":
        made = (await admin.post(KEYS, json={"name": "short"})).json()
        client = server.client(authorization=f"Bearer {made['key']}")
        path, end = KEYS, admin.delete(f"{KEYS}/{made['id']}")
    else:
        client = await server.logged_in(email, NEW)
        path = USERS
        ends = {
            "session": lambda: client.post("/api/auth/logout"),
            "user": lambda: admin.post(f"{USERS}/{user}/deactivate"),
            "role": lambda: admin.put(f"{USERS}/{user}/role", json={"role": "viewer"}),
        }
        end = ends[kind]()
    held = dict(client.cookies)
    assert 200 == (await client.get(path)).status_code
    assert 200 == (await end).status_code
    client.cookies.update(held)
    taken = (await client.get(path)).status_code not in (401, 403)
    if kind == "user":
        await admin.post(f"{USERS}/{user}/reactivate")
    if kind == "role":
        await admin.put(f"{USERS}/{user}/role", json={"role": "admin"})
    return taken


@pytest.mark.parametrize("addresses", [1, 200])
@pytest.mark.parametrize("guesses", [1_000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_few_of_many_guesses_at_an_account_are_heard_and_its_owner_goes_on(
    server, addresses, guesses
):
    async def story():
        owner = await server.logged_in(address="198.51.100.7")
        before, failed = server.passwords.checks, 0
        strangers = [server.client(f"10.{n}.0.1") for n in range(addresses)]
        for number in range(guesses):
            server.clock.forward(seconds=3_599 / guesses)
            body = {**ADMIN, "password": f"guess {number}"}
            await strangers[number % addresses].post(LOGIN, json=body)
            if number % (guesses // 100) == 0:
                failed += (await owner.get("/api/events")).status_code != 200
        heard = server.passwords.checks - before
        tell(f"{guesses} guesses of {addresses} addresses in an hour: {heard} reached the hash,")
        tell(f"{failed} of 100 requests of the owner's session failed")
        assert (True, 0) == (0 < heard <= HEARD_MAX, failed)
        assert 200 == (await owner.post(LOGIN, json=ADMIN)).status_code

    run(server, story)


async def everybody(server):
    """An e-mail address of each kind of account, and one that nobody has."""
    admin = await server.logged_in()
    found = {"existing": ADMIN["email"], "absent": "nobody@a.io"}
    for kind in ("locked", "deactivated", "deleted"):
        found[kind] = f"{kind}@a.io"
        user = await server.add(found[kind], NEW)
        if kind == "deactivated":
            assert 200 == (await admin.post(f"{USERS}/{user}/deactivate")).status_code
        if kind == "deleted":
            assert 200 == (await admin.delete(f"{USERS}/{user}")).status_code
    _, _ = await invited(admin, "invited@a.io")
    found["invited"] = "invited@a.io"
    found["second factor"], *_ = await newcomer(server, 1)
    found["provider only"] = "only@a.io"
    await accepted_elsewhere(server, admin, "only@a.io")
    return found


async def accepted_elsewhere(server, admin, email):
    """An account whose invitation was accepted at a provider: it never had a password."""
    user, _ = await invited(admin, email)
    session = NewSession(
        session_id=server.new_id(),
        proof=server.new_id(),
        expires_at=server.clock.now + timedelta(days=7),
    )
    command = LogInWithIdentity(
        user_id=user["id"],
        email_digest=server.vault.digest("email", email),
        provider=Provider.GOOGLE,
        identity=server.new_id(),
        attempt=server.new_id(),
        session=session,
        vouched=True,
        credential=server.new_id(),
        at=server.clock.now,
    )
    origin = Origin(actor="cli:test", via="control", correlation="test")
    outcome = await server.writer.send(command, origin)
    assert "invite_accepted" in [item.type for item in outcome.recorded]


async def guess(server, email, number):
    client = server.client("203.0.113.7", **{"x-request-id": "same"})
    begun = time.perf_counter()
    answer = await client.post(LOGIN, json={"email": email, "password": f"wrong {number}"})
    return answer, time.perf_counter() - begun


def seen(answer):
    """All that a client gets, but for how long the log is by now."""
    headers = {name: value for name, value in answer.headers.items() if name != "x-position"}
    return answer.status_code, headers, answer.content


def test_every_kind_of_account_answers_in_the_same_bytes_until_it_is_locked_and_then(server):
    async def story():
        answers = {}
        for kind, email in (await everybody(server)).items():
            server.clock.forward(hours=25)
            found = [(await guess(server, email, n))[0] for n in range(8)]
            answers[kind] = [seen(answer) for answer in found]
        first = answers["existing"]
        assert [401] * 5 + [429] * 3 == [status for status, *_ in first]
        for found in answers.values():
            assert first == found

    run(server, story)


@pytest.mark.soak
@pytest.mark.parametrize("locked", [False, True], ids=["heard", "locked"])
def test_every_kind_of_account_answers_in_the_same_time(tmp_path, locked):
    server = Server(tmp_path, passwords=Argon2Passwords())
    times = {}

    async def story():
        kinds = await everybody(server)
        for email in kinds.values() if locked else ():
            answers = [(await guess(server, email, n))[0].status_code for n in range(8)]
            assert 429 == answers[-1]
        turns = [*kinds] * LOGINS
        random.Random(1).shuffle(turns)  # noqa: S311 - seeded
        for number, kind in enumerate(turns):
            server.clock.forward(hours=0 if locked else 25)
            answer, spent = await guess(server, kinds[kind], number)
            assert (429 if locked else 401) == answer.status_code
            times.setdefault(kind, []).append(spent)

    run(server, story)
    medians = {kind: statistics.median(spent) for kind, spent in times.items()}
    middle = statistics.median(medians.values())
    for kind, median in medians.items():
        tell(f"{kind}: median {median * 1000:.2f} ms of {len(times[kind])} logins")
    assert max(abs(median - middle) for median in medians.values()) <= APART * middle


def test_none_of_the_three_thousand_commonest_passwords_is_taken():
    common = common_passwords()
    email, taken = Email("anna@example.org"), []
    for password in common:
        for spelled in (password, password.upper(), password.capitalize()):
            try:
                passwords.check(spelled, email, common)
            except passwords.PasswordWeak:
                continue
            taken.append(spelled)
    tell(f"{len(common)} common passwords, {len(taken)} taken")
    assert (True, []) == (len(common) >= 3_000, taken)
