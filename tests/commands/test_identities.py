"""Decisions about logging in with an account at another place."""

from datetime import timedelta

import msgspec
import pytest

from commands.identities import (
    DECIDERS,
    LinkIdentity,
    LogInWithIdentity,
    RefuseIdentity,
    UnlinkIdentity,
)
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
    unlinked,
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
UNLINK = UnlinkIdentity(user_id="anna", session_id="s1", provider="google", identity="i1")
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
    given(created(), started(), linked()).when(LINK).then()


def test_an_identity_that_is_linked_anew_opens_its_former_account_no_more():
    others = (created("ben"), linked("ben"))

    given(*others, created(), started()).when(LINK).then(unlinked("ben"), linked(), proved())
    given(*others, invited()).when(VOUCHED).then(
        unlinked("ben"), linked(), accepted(), proved(), BEGUN
    )


def test_an_account_has_a_bounded_number_of_identities():
    most = identities.IDENTITIES_PER_USER_MAX
    full = (created(), started(), *(linked(identity=f"other-{n}") for n in range(most)))

    given(*full).when(LINK).refused(identities.TooManyIdentities)
    given(*full, unlinked(identity="other-3")).when(LINK).then(linked(), proved())
    given(*full, linked("ben", "i1")).when(LINK).refused(identities.TooManyIdentities)


def test_an_identity_is_unlinked_once_and_opens_nothing_after_that():
    account = (created(), linked(), started())

    given(*account).when(UNLINK).then(unlinked())
    given(*account, unlinked()).when(UNLINK).then()
    given(created(), linked(), unlinked()).when(LOGIN).refused(identities.IdentityUnknown)
    given(*account, unlinked()).when(LINK).then(linked(), proved())


def test_sessions_that_may_have_begun_with_an_identity_end_with_it():
    account = (created(), linked(), started(), started("s2"), partial())

    given(*account).when(UNLINK).then(
        unlinked(), ended("p1", reason="revoked"), ended("s2", reason="revoked")
    )


@pytest.mark.parametrize(
    "events",
    [
        (created(), started()),
        (created(), started(), created("ben"), linked("ben")),
        (created(), started(), linked(), unlinked(), linked("ben")),
    ],
)
def test_what_is_not_ones_own_cannot_be_unlinked(events):
    story = given(*events)

    if unlinked() in events:
        story.when(UNLINK).then()
    else:
        story.when(UNLINK).refused(identities.IdentityMissing)


def test_the_only_way_into_an_account_stays():
    bare = (invited(), linked(), accepted(), started())
    changed = users.PasswordChanged(user_id="anna", credential="anna-2")
    reset = users.PasswordReset(user_id="anna", credential="anna-2")
    github = linked(identity="i2", provider="github")

    given(*bare).when(UNLINK).refused(identities.LastWayIn)
    given(*bare, github).when(UNLINK).then(unlinked())
    given(*bare, github, unlinked(identity="i2", provider="github")).when(UNLINK).refused(
        identities.LastWayIn
    )
    for password in (changed, reset):
        given(*bare, password).when(UNLINK).then(unlinked())
    given(invited(), accepted(), linked(), started()).when(UNLINK).then(unlinked())


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
