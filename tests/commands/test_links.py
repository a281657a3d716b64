"""Decisions about links: what they are good for, how often, and how long."""

from datetime import timedelta

import msgspec
import pytest

from commands.kernel import Keep
from commands.links import (
    DECIDERS,
    AcceptInvite,
    InviteUser,
    OfferPasswordReset,
    RedeemPasswordReset,
    RenewInvite,
    ResetPassword,
)
from domain import links, users
from domain.emails import Email
from domain.permissions import Role
from tests.accounts import accepted, created, deactivated, deleted, invited, offered, restored
from tests.decisions import NOW, Scenario, ago

replace = msgspec.structs.replace
INVITE = InviteUser(
    user_id="anna",
    email=Email("anna@a.io"),
    email_digest="digest-anna",
    role=Role.ADMIN,
    display_name="Anna",
    link=users.Link("link-anna", NOW + links.INVITE_LIFE),
)
RENEW = RenewInvite(user_id="anna", link=users.Link("newer", NOW + links.INVITE_LIFE))
RENEWED = users.InviteRenewed(user_id="anna", proof="newer", expires_at=NOW + timedelta(hours=72))
OFFER = OfferPasswordReset(user_id="anna", link=users.Link("link-anna", NOW + links.RESET_LIFE))
TEMPORARY = ResetPassword(user_id="anna", credential="anna-2", password_hash="h")
ACCEPT = AcceptInvite(
    user_id="anna", proof="link-anna", credential="anna-1", password_hash="h", at=NOW
)
REDEEM = RedeemPasswordReset(
    user_id="anna", proof="link-anna", credential="anna-2", password_hash="h", at=NOW
)
CHANGED = users.PasswordChanged(user_id="anna", credential="anna-2")


def given(*events):
    return Scenario(DECIDERS, events)


def test_an_account_begins_with_an_invitation():
    given().when(INVITE).then(invited())
    given(created()).when(replace(INVITE, user_id="other")).refused(users.EmailTaken)
    given(invited()).when(replace(INVITE, user_id="other")).refused(users.EmailTaken)


def test_names_addresses_and_hashes_go_to_the_vault_alone():
    assert (
        Keep("email", "anna", b"anna@a.io"),
        Keep("display_name", "anna", b"Anna"),
    ) == INVITE.vault()
    assert (Keep("password", "anna", b"h"),) == ACCEPT.vault() == REDEEM.vault()
    named = replace(ACCEPT, display_name="Ann")
    assert (Keep("password", "anna", b"h"), Keep("display_name", "anna", b"Ann")) == named.vault()


def test_an_invitation_is_accepted_once():
    given(invited()).when(ACCEPT).then(accepted())
    given(invited(), accepted()).when(replace(ACCEPT, credential="anna-2")).refused(
        links.LinkInvalid
    )


def test_a_role_that_changed_meanwhile_is_the_one_that_counts():
    changed = users.UserRoleChanged(
        user_id="anna", role=Role.VIEWER, before=Role.ADMIN, active=False
    )

    given(invited(), changed).when(ACCEPT).then(accepted(role=Role.VIEWER))


def test_a_new_link_makes_the_one_before_void():
    given(invited()).when(RENEW).then(RENEWED)
    given(invited(), RENEWED).when(ACCEPT).refused(links.LinkInvalid)
    given(invited(), RENEWED).when(replace(ACCEPT, proof="newer")).then(accepted())
    newer = offered(proof="newer")
    given(created(), offered(), newer).when(REDEEM).refused(links.LinkInvalid)


@pytest.mark.parametrize("life", [links.INVITE_LIFE, timedelta(seconds=1)])
def test_an_invitation_ends_with_its_time(life):
    given(invited(expires_at=NOW + life)).when(replace(ACCEPT, at=NOW + life)).refused(
        links.LinkInvalid
    )


@pytest.mark.parametrize(
    "since",
    [
        [deactivated()],
        [deactivated(), users.UserReactivated(user_id="anna", role=Role.ADMIN, invited=True)],
        [deleted()],
    ],
)
def test_what_takes_access_away_makes_the_invitation_void(since):
    given(created("ben"), invited(), *since).when(ACCEPT).refused(links.LinkInvalid)


def test_whose_account_is_accepted_gets_no_further_invitation():
    given(created()).when(RENEW).refused(links.AcceptedAlready)
    given(invited(), accepted()).when(RENEW).refused(links.AcceptedAlready)
    given(created("ben"), invited(), deactivated()).when(RENEW).refused(users.UserInactive)
    given().when(RENEW).refused(users.UserMissing)


def test_a_reset_is_offered_and_redeemed_once():
    given(created()).when(OFFER).then(offered())
    given(created(), offered()).when(REDEEM).then(CHANGED)
    given(created(), offered(), CHANGED).when(replace(REDEEM, credential="anna-3")).refused(
        links.LinkInvalid
    )


def test_a_reset_ends_with_its_time():
    late = replace(REDEEM, at=NOW + links.RESET_LIFE)

    given(created(), offered()).when(late).refused(links.LinkInvalid)


@pytest.mark.parametrize(
    "since",
    [
        CHANGED,
        users.PasswordReset(user_id="anna", credential="anna-2b"),
        deactivated(),
        deleted(),
    ],
)
def test_a_new_password_or_lost_access_makes_the_reset_void(since):
    command = replace(REDEEM, credential="anna-3")

    given(created("ben"), created(), offered(), since).when(command).refused(links.LinkInvalid)


def test_neither_link_is_good_for_the_other():
    given(invited()).when(REDEEM).refused(links.LinkInvalid)
    given(created(), offered()).when(replace(ACCEPT, credential="x")).refused(links.LinkInvalid)


def test_nothing_but_the_token_opens():
    given(invited()).when(replace(ACCEPT, proof="other")).refused(links.LinkInvalid)
    given(created(), offered()).when(replace(REDEEM, proof="other")).refused(links.LinkInvalid)
    given(created()).when(replace(REDEEM, proof="")).refused(links.LinkInvalid)


def test_a_temporary_password_does_without_a_link():
    given(created()).when(TEMPORARY).then(users.PasswordReset(user_id="anna", credential="anna-2"))


@pytest.mark.parametrize("command", [OFFER, TEMPORARY])
@pytest.mark.parametrize(
    ("before", "rule"),
    [
        ([], users.UserMissing),
        ([created(), deactivated()], users.UserInactive),
        ([invited()], users.UserPending),
        ([created(), deleted()], users.UserMissing),
    ],
)
def test_only_a_password_that_is_there_is_reset(command, before, rule):
    given(created("ben"), *before).when(command).refused(rule)


def test_old_links_are_not_remembered_by_what_came_long_ago():
    given(ago(invited(expires_at=NOW - timedelta(days=1)), days=4)).when(ACCEPT).refused(
        links.LinkInvalid
    )


def test_a_restore_makes_all_links_void_and_those_that_are_made_later_are_good():
    given(invited(), restored()).when(ACCEPT).refused(links.LinkInvalid)
    given(invited(), restored()).when(RENEW).then(RENEWED)
    given(invited(), restored(), RENEWED).when(replace(ACCEPT, proof="newer")).then(accepted())
    given(created(), offered(), restored()).when(REDEEM).refused(links.LinkInvalid)
    given(created(), offered(), restored(), offered()).when(REDEEM).then(CHANGED)
