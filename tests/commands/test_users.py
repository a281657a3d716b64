"""Decisions about accounts."""

import msgspec
import pytest

from commands.kernel import Keep
from commands.users import (
    DECIDERS,
    ChangeRole,
    CreateUser,
    DeactivateUser,
    ReactivateUser,
    ResetPassword,
)
from domain import users
from domain.emails import Email
from domain.permissions import Role
from tests.accounts import created, deactivated
from tests.decisions import Scenario


def given(*events):
    return Scenario(DECIDERS, events)


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


def test_a_reset_puts_a_temporary_password_in_force():
    command = ResetPassword(user_id="anna", credential="anna-2", password_hash="h")

    given(created()).when(command).then(users.PasswordReset(user_id="anna", credential="anna-2"))


def test_nobody_resets_the_password_of_an_account_that_is_not_there():
    command = ResetPassword(user_id="anna", credential="anna-2", password_hash="h")

    given(created("ben")).when(command).refused(users.UserMissing)
    given(created("ben"), created(), deactivated()).when(command).refused(users.UserInactive)


def test_a_role_is_changed():
    given(created(), created("ben", Role.VIEWER)).when(
        ChangeRole(user_id="ben", role=Role.ADMIN)
    ).then(users.UserRoleChanged(user_id="ben", role=Role.ADMIN, before=Role.VIEWER))


@pytest.mark.parametrize(
    "command", [ChangeRole(user_id="anna", role=Role.EDITOR), DeactivateUser(user_id="anna")]
)
@pytest.mark.parametrize(
    "others",
    [
        [],
        [created("ben", Role.EDITOR)],
        [created("ben"), deactivated("ben")],
        [created("ben"), users.UserRoleChanged(user_id="ben", role=Role.VIEWER, before=Role.ADMIN)],
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
    ],
)
def test_an_admin_can_go_when_another_one_is_there(others):
    given(created(), *others).when(DeactivateUser(user_id="anna")).then(deactivated())


def test_a_deactivated_account_comes_back_as_it_was():
    given(created(), created("ben", Role.EDITOR), deactivated("ben", Role.EDITOR)).when(
        ReactivateUser(user_id="ben")
    ).then(users.UserReactivated(user_id="ben", role=Role.EDITOR))
    given(created()).when(ReactivateUser(user_id="ben")).refused(users.UserMissing)
