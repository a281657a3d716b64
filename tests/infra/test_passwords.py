"""argon2id on a bounded pool."""

import asyncio
import re

import argon2
import pytest

from commands.kernel import Overloaded
from domain import passwords as policy
from domain.emails import Email
from infra.passwords import SHARE_MAX, WAITING_MAX, WORKERS, Argon2Passwords


@pytest.fixture(scope="module")
def passwords():
    pool = Argon2Passwords()
    yield pool
    pool.close()


def run(work):
    return asyncio.run(work)


def test_hashes_name_argon2id_and_its_parameters(passwords):
    hashed = run(passwords.hash("blue-tiger"))

    assert re.match(r"\$argon2id\$v=19\$m=47104,t=1,p=1\$", hashed)
    assert not passwords.outdated(hashed)


def test_only_the_whole_password_is_right(passwords):
    long = "x" * 1023 + "a"
    hashed = passwords.hash_now(long)

    assert run(passwords.verify(hashed, long))
    for wrong in (long[:-1], long[:-1] + "b", long + " ", long.upper()):
        assert not run(passwords.verify(hashed, wrong))


@pytest.mark.parametrize("password", ["nul\0inside", "trailing space ", "\ud800 surrogate"])
def test_every_character_counts(passwords, password):
    hashed = passwords.hash_now(password)

    assert run(passwords.verify(hashed, password))
    assert not run(passwords.verify(hashed, password[:-1]))


def test_nobodys_password_is_never_right(passwords):
    assert not run(passwords.verify(None, "nobody has this password"))


def test_older_parameters_are_noticed(passwords):
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash("blue-tiger")

    assert passwords.outdated(old)
    assert run(passwords.verify(old, "blue-tiger"))


def test_what_finds_no_room_is_refused_at_once_and_room_comes_back():
    async def story():
        passwords = Argon2Passwords(workers=1, waiting_max=1)
        hashed = passwords.hash_now("blue-tiger")
        results = await asyncio.gather(
            *(passwords.verify(hashed, "blue-tiger") for _ in range(5)), return_exceptions=True
        )
        again = await passwords.verify(hashed, "blue-tiger")
        passwords.close()
        return [type(result) for result in results], again

    assert ([bool, bool, Overloaded, Overloaded, Overloaded], True) == run(story())


def test_one_share_leaves_room_for_others():
    async def story():
        passwords = Argon2Passwords()
        passwords.hash_now = passwords._verify = lambda *_: True
        one = [passwords.verify(None, "x", "one") for _ in range(WORKERS + WAITING_MAX)]
        others = [passwords.verify(None, "x", f"other-{n}") for n in range(SHARE_MAX)]
        results = await asyncio.gather(*one, *others, return_exceptions=True)
        left = dict(passwords._shares)
        again = await passwords.verify(None, "x", "one")
        passwords.close()
        return [result is True for result in results], left, again

    expected = [True] * SHARE_MAX + [False] * (WORKERS + WAITING_MAX - SHARE_MAX)
    assert ([*expected, *[True] * SHARE_MAX], {}, True) == run(story())


def test_a_caller_that_goes_away_gives_its_room_back_when_the_work_ends():
    async def story():
        passwords = Argon2Passwords(workers=1, waiting_max=0)
        task = asyncio.create_task(passwords.hash("blue-tiger"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(Overloaded):
            await passwords.hash("blue-tiger")
        while not passwords._room:  # noqa: ASYNC110 - its callback sets no event
            await asyncio.sleep(0.01)
        passwords.close()

    run(story())


def test_the_three_thousand_commonest_are_refused(passwords):
    email = Email("zz@localhost")

    def refused(password):
        try:
            policy.check(password, email, passwords.common)
        except policy.PasswordWeak:
            return True
        return False

    assert 3_000 == len(passwords.common)
    assert [] == [word for word in passwords.common if not refused(word)]
    assert {"jennifer", "password1", "qwertyuiop"} <= passwords.common
