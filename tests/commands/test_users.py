"""Decisions about accounts."""

import msgspec
import pytest

from commands.kernel import Forget, Keep
from commands.users import (
    DECIDERS,
    ChangeRole,
    CreateUser,
    DeactivateUser,
    DeleteUser,
    ReactivateUser,
)
from domain import users
from domain.emails import Email
from domain.permissions import Role
from tests.accounts import accepted, created, deactivated, deleted, invited
from tests.decisions import Scenario


def given(*events):
    return Scenario(DECIDERS, events)


def promoted(user, *, active=True):
    return users.UserRoleChanged(user_id=user, role=Role.ADMIN, before=Role.VIEWER, active=active)


def back(user, role=Role.ADMIN, *, invited=False):
    return users.UserReactivated(user_id=user, role=role, invited=invited)


CREATE_ANNA = CreateUser(
    user_id="anna",
    email=Email("anna@a.io"),
    email_digest="digest-anna",
    role=Role.ADMIN,
    display_name="Anna",
    credential="anna-1",
    password_hash="$argon2id$…",
)


def test_an_account_is_created():
    given().when(CREATE_ANNA).then(created())


def test_an_email_address_is_one_account():
    other = msgspec.structs.replace(CREATE_ANNA, user_id="other")

    given(created()).when(other).refused(users.EmailTaken)


def test_the_address_of_a_deactivated_account_stays_taken():
    other = msgspec.structs.replace(CREATE_ANNA, user_id="other")

    given(created(), created("ben"), deactivated()).when(other).refused(users.EmailTaken)


def test_names_addresses_and_hashes_go_to_the_vault_alone():
    assert (
        Keep("email", "anna", b"anna@a.io"),
        Keep("display_name", "anna", b"Anna"),
        Keep("password", "anna", "$argon2id$…".encode()),
    ) == CREATE_ANNA.vault()


def test_a_role_is_changed():
    given(created(), created("ben", Role.VIEWER)).when(
        ChangeRole(user_id="ben", role=Role.ADMIN)
    ).then(users.UserRoleChanged(user_id="ben", role=Role.ADMIN, before=Role.VIEWER))


@pytest.mark.parametrize(
    "command",
    [
        ChangeRole(user_id="anna", role=Role.EDITOR),
        DeactivateUser(user_id="anna"),
        DeleteUser(user_id="anna"),
    ],
)
@pytest.mark.parametrize(
    "others",
    [
        [],
        [created("ben", Role.EDITOR)],
        [created("ben"), deactivated("ben")],
        [created("ben"), users.UserRoleChanged(user_id="ben", role=Role.VIEWER, before=Role.ADMIN)],
        [created("ben"), deleted("ben")],
        [invited("ben")],
        [invited("ben", Role.VIEWER), promoted("ben", active=False)],
        [invited("ben"), deactivated("ben"), back("ben", invited=True)],
    ],
)
def test_the_last_active_admin_stays(command, others):
    given(created(), *others).when(command).refused(users.LastAdmin)


@pytest.mark.parametrize(
    "others",
    [
        [created("ben")],
        [
            created("ben", Role.VIEWER),
            users.UserRoleChanged(user_id="ben", role=Role.ADMIN, before=Role.VIEWER),
        ],
        [
            created("ben"),
            deactivated("ben"),
            users.UserReactivated(user_id="ben", role=Role.ADMIN),
        ],
        [invited("ben"), accepted("ben")],
    ],
)
def test_an_admin_can_go_when_another_one_is_there(others):
    given(created(), *others).when(DeactivateUser(user_id="anna")).then(deactivated())


def test_a_deactivated_account_comes_back_as_it_was():
    given(created(), created("ben", Role.EDITOR), deactivated("ben", Role.EDITOR)).when(
        ReactivateUser(user_id="ben")
    ).then(users.UserReactivated(user_id="ben", role=Role.EDITOR))
    given(created()).when(ReactivateUser(user_id="ben")).refused(users.UserMissing)


def test_who_has_no_password_yet_has_a_role_too_and_comes_back_without_a_password():
    ben = invited("ben", Role.VIEWER)

    given(ben).when(ChangeRole(user_id="ben", role=Role.ADMIN)).then(promoted("ben", active=False))
    given(ben, deactivated("ben", Role.VIEWER)).when(ReactivateUser(user_id="ben")).then(
        back("ben", Role.VIEWER, invited=True)
    )


def test_a_deactivated_account_has_no_role_to_change():
    command = ChangeRole(user_id="ben", role=Role.EDITOR)

    given(created("ben"), created(), deactivated("ben")).when(command).refused(users.UserInactive)


@pytest.mark.parametrize(
    ("before", "role"),
    [
        ([created("ben", Role.EDITOR)], Role.EDITOR),
        ([created("ben", Role.EDITOR), deactivated("ben", Role.EDITOR)], Role.EDITOR),
        ([invited("ben")], Role.ADMIN),
        ([invited("ben"), accepted("ben")], Role.ADMIN),
    ],
)
def test_any_account_but_the_last_admins_is_deleted(before, role):
    command = DeleteUser(user_id="ben", confirmed="digest-ben")

    given(created(), *before).when(command).then(deleted("ben", role))
    assert (Forget(None, "ben"),) == command.vault()


def test_an_address_that_is_given_to_be_sure_must_be_the_accounts_own():
    command = DeleteUser(user_id="ben", confirmed="digest-eve")

    given(created(), created("ben")).when(command).refused(users.EmailDiffers)


def test_the_address_of_a_deleted_account_may_be_somebody_elses():
    again = msgspec.structs.replace(CREATE_ANNA, user_id="other")

    given(created("ben"), created(), deleted()).when(again).then(
        msgspec.structs.replace(created(), user_id="other", credential="anna-1")
    )


@pytest.mark.parametrize(
    "command",
    [
        ChangeRole(user_id="eve", role=Role.EDITOR),
        DeactivateUser(user_id="eve"),
        ReactivateUser(user_id="eve"),
        DeleteUser(user_id="eve"),
    ],
)
def test_nothing_is_done_to_an_account_that_is_not_there(command):
    given(created()).when(command).refused(users.UserMissing)
