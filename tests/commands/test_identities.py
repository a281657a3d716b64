"""Decisions about logging in with an account at another place."""

from datetime import timedelta

import msgspec
import pytest

from commands.identities import DECIDERS, LinkIdentity, LogInWithIdentity, RefuseIdentity
from commands.kernel import Keep
from domain import identities, logins, users
from domain.permissions import Role
from tests.accounts import (
    accepted,
    created,
    deactivated,
    deleted,
    enabled,
    ended,
    invited,
    linked,
    new,
    partial,
    proved,
    refused,
    siege,
    started,
)
from tests.decisions import NOW, Scenario

replace = msgspec.structs.replace


def given(*events):
    return Scenario(DECIDERS, events)


LOGIN = LogInWithIdentity(
    user_id="anna",
    email_digest="digest-anna",
    provider="google",
    identity="i1",
    attempt="a1",
    session=new(),
    credential="anna-1",
    at=NOW,
)
VOUCHED = replace(LOGIN, vouched=True)
LINK = LinkIdentity(user_id="anna", session_id="s1", provider="google", identity="i1", attempt="a1")
HALF = replace(LOGIN, session=new("p1", timedelta(minutes=5)), partial=True)
BEGUN = started(method="oauth:google")


def test_an_identity_opens_the_account_that_it_is_linked_to():
    given(invited(), linked(), accepted()).when(LOGIN).then(proved(), BEGUN)


def test_an_invitation_is_accepted_by_its_verified_address():
    given(invited()).when(VOUCHED).then(linked(), accepted(), proved(), BEGUN)


@pytest.mark.parametrize(
    "events",
    [
        (),
        (created(),),  # an address alone takes over nothing
        (invited(), accepted()),
        (invited(), linked(identity="other"), accepted()),
        (invited(), deactivated()),
        (invited(), linked(), accepted(), deactivated()),
        (created("ben"), invited(), linked(), accepted(), deleted()),
        (invited(expires_at=NOW),),
        (invited(), linked(), accepted(), linked("ben")),  # it was linked to another one since
    ],
)
def test_nothing_else_opens_an_account(events):
    given(*events).when(VOUCHED).refused(identities.IdentityUnknown)


def test_an_address_that_nobody_vouches_for_accepts_no_invitation():
    given(invited()).when(LOGIN).refused(identities.IdentityUnknown)


def test_an_invitation_that_was_given_back_needs_a_new_link():
    back = users.UserReactivated(user_id="anna", role=Role.ADMIN, invited=True)

    given(invited(), deactivated(), back).when(VOUCHED).refused(identities.IdentityUnknown)


def test_who_was_let_in_by_an_identity_comes_back_with_it_after_a_deactivation():
    back = users.UserReactivated(user_id="anna", role=Role.ADMIN)

    given(invited(), linked(), accepted(), deactivated(), back).when(LOGIN).then(proved(), BEGUN)


def test_a_second_factor_is_due_all_the_same():
    factor = (invited(), linked(), accepted(), enabled())

    given(*factor).when(HALF).then(proved(), partial())
    given(*factor).when(LOGIN).refused(identities.IdentityUnknown)
    given(invited(), linked(), accepted()).when(HALF).refused(identities.IdentityUnknown)


@pytest.mark.parametrize("before", [proved(), proved(user="ben"), refused()])
def test_an_attempt_ends_once(before):
    story = given(invited(), linked(), accepted(), before)

    story.when(LOGIN).refused(identities.AttemptSpent)


def test_who_is_logged_in_links_an_identity():
    given(created(), started()).when(LINK).then(linked(), proved())
    given(created("ben"), linked("ben"), created(), started()).when(LINK).then(linked(), proved())
    given(created(), started(), linked()).when(LINK).then()


def test_nothing_is_linked_after_the_session_ended_or_the_attempt():
    changed = users.PasswordChanged(user_id="anna", credential="anna-2")

    for over in (ended(), changed, deactivated()):
        given(created(), created("ben"), started(), over).when(LINK).refused(
            identities.AttemptUnknown
        )
    given(created(), started(), refused()).when(LINK).refused(identities.AttemptSpent)


def test_an_attempt_that_came_to_nothing_is_noted_once():
    command = RefuseIdentity(provider="google", attempt="a1", reason="unknown")

    given().when(command).then(refused())
    given(proved()).when(command).then()


def test_strangers_who_guess_at_the_password_do_not_stand_in_the_way():
    story = (invited(), linked(), accepted(), *siege(150))

    given(*story).when(LOGIN).then(proved(), BEGUN)


def test_the_oldest_session_makes_room_for_one_too_many():
    account = (invited(), linked(), accepted())
    full = [started(f"full-{n}") for n in range(logins.SESSIONS_PER_USER_MAX)]
    halves = [partial(f"half-{n}") for n in range(logins.PARTIALS_PER_USER_MAX)]
    displaced = (ended(name, reason="displaced") for name in ("full-0", "half-0"))

    given(*account, *full).when(LOGIN).then(proved(), next(displaced), BEGUN)
    given(*account, enabled(), *halves).when(HALF).then(proved(), next(displaced), partial())


def test_the_clients_address_goes_to_the_vault_alone():
    client = Keep(
        "session",
        "s1",
        b'{"address":"10.0.0.1","agent":"curl"}',
        NOW + timedelta(days=7),
        LOGIN.user_id,
    )

    assert (client,) == LOGIN.vault()
