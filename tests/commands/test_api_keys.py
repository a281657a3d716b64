"""Decisions about API keys."""

from datetime import timedelta

import msgspec

from commands.api_keys import DECIDERS, CreateApiKey, RevokeApiKey
from commands.kernel import Keep
from domain import api_keys, users
from tests.accounts import accepted, created, deactivated, deleted, invited, key, restored
from tests.decisions import NOW, Scenario

replace = msgspec.structs.replace
CREATE = CreateApiKey(
    key_id="k1", user_id="anna", name="laptop", proof="proof-k1", prefix="dango_ak_abc", at=NOW
)
REVOKE = RevokeApiKey(key_id="k1", user_id="anna")
REVOKED = api_keys.ApiKeyRevoked(key_id="k1", user_id="anna")


def given(*events):
    return Scenario(DECIDERS, events)


def test_a_key_is_made():
    given(created()).when(CREATE).then(key())


def test_its_name_goes_to_the_vault_alone():
    assert (Keep("api_key_name", "k1", b"laptop", owner=CREATE.user_id),) == CREATE.vault()


def test_a_key_that_is_expired_from_the_start_is_refused():
    given(created()).when(replace(CREATE, expires_at=NOW)).refused(api_keys.ExpiryPast)


def test_a_key_is_narrowed_to_permissions_that_there_are():
    narrowed = replace(CREATE, permissions=("query.execute", "source.view"))

    given(created()).when(narrowed).then(replace(key(), permissions=narrowed.permissions))
    for names in ((), ("fly",), ("source.view", "")):
        given(created()).when(replace(CREATE, permissions=names)).refused(
            api_keys.PermissionUnknown
        )


def test_who_accepted_an_invitation_makes_keys_and_nobody_before():
    back = users.UserReactivated(user_id="anna", role="admin", invited=True)

    given(invited(), accepted()).when(CREATE).then(key())
    for before in ([invited()], [invited(), deactivated(), back], [created(), deleted()]):
        given(*before).when(CREATE).refused(users.UserInactive)


def test_a_deactivated_user_makes_no_keys():
    given(created(), deactivated()).when(CREATE).refused(users.UserInactive)


def test_a_users_keys_are_bounded_but_expired_ones_do_not_count():
    bound = api_keys.KEYS_PER_USER_MAX
    live = [key(f"live-{n}") for n in range(bound)]
    stale = [key(f"old-{n}", expires_at=NOW - timedelta(days=1)) for n in range(bound)]

    given(created(), *live).when(CREATE).refused(api_keys.TooManyKeys)
    given(created(), *stale, *live[1:]).when(CREATE).then(key())


def test_a_key_is_revoked():
    given(created(), key()).when(REVOKE).then(REVOKED)


def test_nobody_revokes_a_key_of_somebody_else():
    given(key(user="ben")).when(REVOKE).refused(api_keys.KeyMissing)
    given().when(REVOKE).refused(api_keys.KeyMissing)


def test_what_died_with_its_owner_is_not_revoked_again():
    back = users.UserReactivated(user_id="anna", role="admin")

    given(created(), key(), deactivated()).when(REVOKE).then()
    given(created(), key(), deactivated(), back).when(REVOKE).then()
    given(created(), key(), deleted()).when(REVOKE).then()


def test_a_restore_ends_all_keys_unless_they_are_kept():
    full = [key(str(number)) for number in range(api_keys.KEYS_PER_USER_MAX)]

    given(created(), key(), restored()).when(REVOKE).then()
    given(created(), key(), restored(keys_ended=False)).when(REVOKE).then(REVOKED)
    given(created(), *full, restored()).when(CREATE).then(key())
    given(created(), *full, restored(keys_ended=False)).when(CREATE).refused(api_keys.TooManyKeys)
    given(created(), restored(), key()).when(REVOKE).then(REVOKED)
