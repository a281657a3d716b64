"""Kept folds are those of all events, however they were begun, and hold so many bytes at most."""

import asyncio
import functools
import itertools
from random import Random

import pytest
from msgspec.structs import replace

from commands.table import DECIDERS
from commands.users import ChangeRole, CreateUser, DeactivateUser, DeleteUser, ReactivateUser
from domain import users
from domain.kernel import Refused
from domain.permissions import Role
from infra import folds, recent
from tests.core import Core
from tests.decisions import within

SEEDS, STEPS = 10, 60
NAMES = ("anna", "ben", "cleo", "dora", "emil")
ADMINS = 300  # more than what makes a clause worth a fold of its own
BYTES_MAX = 1024 * 1024
DECIDER = DECIDERS[ChangeRole]
CHANGES = (
    lambda user, role: ChangeRole(user_id=user, role=role),
    lambda user, _: DeactivateUser(user_id=user),
    lambda user, _: ReactivateUser(user_id=user),
    lambda user, _: DeleteUser(user_id=user),
)


def lived(tmp_path, story):
    async def live():
        async with Core(tmp_path) as core:
            return await story(core)

    return asyncio.run(live())


def created(user, role=Role.ADMIN):
    return CreateUser(
        user_id=user,
        email=f"{user}@example.org",
        email_digest=user,
        role=role,
        credential=user,
        password_hash="",
    )


async def folded(core, boundary, decider=DECIDER):
    kept = core.writer._folds
    return await core.writer.call(functools.partial(kept.state, decider, boundary))


def plainly(core, boundary):
    found = (item for item in core.stored() if within(boundary, item.event))
    return functools.reduce(users.evolve, found, DECIDER.initial)


def boundaries(user):
    among = users.account_among_admins(user)
    return (among, users.account(user), users.newcomer(user, user), among[::-1])


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_fold_is_that_of_all_events_however_it_was_begun(seed, tmp_path, monkeypatch):
    random = Random(seed)  # noqa: S311 - seeded
    monkeypatch.setattr(folds, "SHARED_EVENTS_MIN", 2)
    monkeypatch.setattr(folds, "FOLDED_BYTES_MAX", random.choice([8_000, 10**6]))
    monkeypatch.setattr(recent, "EVENTS_MAX", 5)
    begun = []
    shared = folds.Folds._begun

    def noted(self, decider, boundary):
        begun.append(shared(self, decider, boundary))
        return begun[-1]

    monkeypatch.setattr(folds.Folds, "_begun", noted)

    async def story(core):
        await core.send(created("root"))
        for number in range(STEPS):
            user, role = random.choice(NAMES), random.choice(tuple(Role))
            commands = [created(f"{user}-{number}", role)]
            commands += [random.choice(CHANGES)(user, role) for _ in range(2)]
            if user not in (await folded(core, users.account(user))).accounts:
                commands.append(created(user, role))
            random.shuffle(commands)
            for command in commands:
                try:
                    await core.send(command)
                except (Refused, ValueError):  # an id that was used before
                    continue
            for each in (user, f"{user}-{number}", "nobody"):
                boundary = random.choice(boundaries(each))
                assert plainly(core, boundary) == await folded(core, boundary)

    lived(tmp_path, story)
    assert {True, False} == {fold.position > 0 for fold in begun}


async def many_admins(core, count=ADMINS):
    for number in range(count):
        await core.send(created(f"u{number}"))


def test_folds_of_many_accounts_among_many_stay_within_their_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(folds, "FOLDED_BYTES_MAX", BYTES_MAX)

    async def story(core):
        await many_admins(core)
        held = []
        for number in range(1, ADMINS):
            await core.send(DeactivateUser(user_id=f"u{number}"))
            kept = core.writer._folds._folds.values()
            held.append((len(kept), sum(folds.size_bytes(fold.state) for fold in kept)))
        return held

    held = lived(tmp_path, story)

    assert BYTES_MAX >= max(size for _, size in held)
    assert 1 < held[-1][0] < ADMINS


def test_a_fold_that_is_larger_than_all_may_be_is_kept_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(folds, "FOLDED_BYTES_MAX", 1)

    async def story(core):
        await many_admins(core, 3)
        for number in (1, 2):
            await folded(core, users.account_among_admins(f"u{number}"))
        return [*core.writer._folds._folds]

    assert [(users.evolve, users.account_among_admins("u2"))] == lived(tmp_path, story)


def test_of_what_was_folded_only_new_events_are_folded_again(tmp_path):
    evolved = itertools.count()

    def counted(state, recorded):
        next(evolved)
        return users.evolve(state, recorded)

    decider = replace(DECIDER, evolve=counted)

    async def story(core):
        await many_admins(core)
        folds_of = []
        for user in ("u1", "u1", "new", "newer"):
            before = next(evolved)
            await folded(core, users.account_among_admins(user), decider)
            folds_of.append(next(evolved) - before - 1)
            if user.startswith("new"):
                await core.send(created(user))
        return folds_of

    # Once for the account and once for the clause; then nothing; then what came since.
    assert [2 * ADMINS, 0, 0, 1] == lived(tmp_path, story)


def test_deciders_that_fold_alike_begin_alike():
    """A fold is known by how it was folded, and kept for all that fold so."""
    firsts = {}
    for decider in DECIDERS.values():
        assert firsts.setdefault(decider.evolve, decider.initial) == decider.initial
