"""Many at once through the Bus: no update is lost, no position is skipped, no rule is outrun."""

import asyncio
import functools
import itertools
import os
from collections import Counter
from random import Random

import pytest
from msgspec.structs import replace

from commands.table import DECIDERS
from commands.users import ChangeRole, CreateUser, DeactivateUser, DeleteUser, ReactivateUser
from domain import users
from domain.kernel import Refused
from domain.permissions import Role
from infra.folds import Folds
from tests.core import Core
from tests.server.harness import tell

WRITERS = 16
COMMANDS, COMMANDS_CANARY = 10_000, 400
DUELS, DUELS_CANARY = 1_000, 20
SOAK = 10  # times as many
SEED = int(os.environ.get("DANGO_TEST_SEED", "20261121"))
ROLES = tuple(Role)


def lived(tmp_path, part, **core):
    async def live():
        async with Core(tmp_path, **core) as found:
            for user in ("anna", "ben"):
                await found.send(created(user))
            return await part(found)

    return asyncio.run(live())


def created(user):
    return CreateUser(
        user_id=user,
        email=f"{user}@example.org",
        email_digest=user,
        role=Role.ADMIN,
        credential=user,
        password_hash="",
    )


# one stream


async def many_roles(core, commands):
    """Writers give one account another role again and again; answers what they were told."""
    outcomes = []

    async def write(number):
        random, last = Random(SEED + number), 0  # noqa: S311 - seeded
        for _ in range(commands // WRITERS):
            outcome = await core.send(ChangeRole(user_id="ben", role=random.choice(ROLES)))
            assert outcome.position > last or not outcome.recorded
            last = outcome.position
            outcomes.append(outcome)

    await asyncio.gather(*map(write, range(WRITERS)))
    return outcomes, core.stored()


def lost_updates(stored):
    """Events that were decided on something else than what stood before them."""
    changes = [item.event for item in stored if isinstance(item.event, users.UserRoleChanged)]
    befores = [Role.ADMIN, *(event.role for event in changes)]
    return [
        event for before, event in zip(befores, changes, strict=False) if before is not event.before
    ]


def no_update_is_lost(tmp_path, commands):
    outcomes, stored = lived(tmp_path, functools.partial(many_roles, commands=commands))

    assert [] == lost_updates(stored)
    assert list(range(1, len(stored) + 1)) == [item.position for item in stored]
    told = Counter(item.position for outcome in outcomes for item in outcome.recorded)
    assert dict.fromkeys(range(3, len(stored) + 1), 1) == told
    times = [item.at for item in stored]
    assert sorted(times) == times
    tell(f"{len(outcomes)} commands of {WRITERS} writers, {len(told)} events, none lost")
    assert len(outcomes) == commands
    assert len(told) > commands / 2


def test_no_update_of_many_writers_is_lost(tmp_path):
    no_update_is_lost(tmp_path, COMMANDS)


@pytest.mark.soak
def test_no_update_of_very_many_is_lost(tmp_path):
    no_update_is_lost(tmp_path, COMMANDS * SOAK)


def test_a_writer_that_decides_on_what_it_saw_before_is_found_out(tmp_path, monkeypatch):
    fold = Folds.state

    def stale(self, decider, boundary):
        """Look again at every third time only, as one that folds before it has the lock."""
        self.seen = getattr(self, "seen", {})
        number, state = self.seen.get(boundary, (0, None))
        state = fold(self, decider, boundary) if number % 3 == 0 else state
        self.seen[boundary] = (number + 1, state)
        return state

    monkeypatch.setattr(Folds, "state", stale)

    _, stored = lived(tmp_path, functools.partial(many_roles, commands=COMMANDS_CANARY))

    assert lost_updates(stored)


def test_a_boundary_that_leaves_something_out_is_found_out(tmp_path):
    def narrow(command):
        boundary = DECIDERS[type(command)].boundary(command)
        kinds = (users.UserCreated,)
        return tuple(replace(clause, types=kinds) for clause in boundary)

    planted = {ChangeRole: replace(DECIDERS[ChangeRole], boundary=narrow)}
    part = functools.partial(many_roles, commands=COMMANDS_CANARY)

    _, stored = lived(tmp_path, part, deciders={**DECIDERS, **planted})

    assert lost_updates(stored)


# the last admin

ATTACKS = (
    lambda user: ChangeRole(user_id=user, role=Role.VIEWER),
    lambda user: DeactivateUser(user_id=user),
    lambda user: DeleteUser(user_id=user),
)


async def many_duels(core, duels):
    """Two admins take each other's rights away at once; answers how many were left each time."""
    left, names = [], ["anna", "ben"]
    pairs = itertools.cycle(itertools.product(ATTACKS, ATTACKS))
    for number, (first, second) in enumerate(itertools.islice(pairs, duels)):
        blows = [core.send(first(names[1])), core.send(second(names[0]))]
        found = await asyncio.gather(*blows, return_exceptions=True)
        assert all(isinstance(each, Refused) or each.recorded for each in found), found
        left.append(sum(isinstance(each, users.LastAdmin) for each in found))
        for place, blow in ((1, found[0]), (0, found[1])):
            names[place] = await amended(core, names[place], blow, number)
    return left, admins_over_time(core.stored())


async def amended(core, user, blow, number):
    """An active admin again: the same, or in place of one who was deleted another one."""
    if not isinstance(blow, Refused) and isinstance(blow.recorded[0].event, users.UserDeleted):
        user = f"{user.partition('-')[0]}-{number}"
        await core.send(created(user))
        return user
    await core.send(ReactivateUser(user_id=user))
    await core.send(ChangeRole(user_id=user, role=Role.ADMIN))
    return user


def admins_over_time(stored):
    """How many active admins there were after each event, from the first account on."""
    state, counts = users.Users(), []
    for item in stored:
        state = users.evolve(state, item)
        counts.append(state.admins)
    return counts


def one_admin_is_left(tmp_path, duels):
    left, counts = lived(tmp_path, functools.partial(many_duels, duels=duels))

    tell(f"{duels} duels of two admins, never fewer than {min(counts)} active")
    assert [1] * duels == left
    assert 1 == min(counts)


def test_two_admins_cannot_take_each_others_rights(tmp_path):
    one_admin_is_left(tmp_path, DUELS)


@pytest.mark.soak
def test_two_admins_cannot_however_often_they_try(tmp_path):
    one_admin_is_left(tmp_path, DUELS * SOAK)


def test_a_decider_without_the_rule_of_the_last_admin_is_found_out(tmp_path):
    def lenient(state, command):
        nobody = users.Account(Role.ADMIN, users.Standing.ACTIVE)
        more = replace(state, accounts={**state.accounts, "nobody": nobody})
        return DECIDERS[type(command)].decide(more, command)

    attacked = (ChangeRole, DeactivateUser, DeleteUser)
    planted = {kind: replace(DECIDERS[kind], decide=lenient) for kind in attacked}
    part = functools.partial(many_duels, duels=DUELS_CANARY)

    left, counts = lived(tmp_path, part, deciders={**DECIDERS, **planted})

    assert 0 == min(left) == min(counts)
