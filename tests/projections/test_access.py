"""Accounts, sessions and keys as rows: of now, and of any position before."""

from datetime import timedelta

import msgspec
import pytest

from domain import api_keys as key_rules
from domain import backups, guesses, totp
from domain import sessions as session_rules
from domain import users as user_rules
from domain.permissions import Role
from infra.views.views import Current, Past
from projections import api_keys, identities, sessions, users
from tests.accounts import (
    accepted,
    created,
    deactivated,
    deleted,
    enabled,
    ended,
    failed,
    failures,
    invited,
    key,
    offered,
    partial,
    restored,
    siege,
    started,
    unlocked,
    wrong,
)
from tests.decisions import NOW, ago, history
from tests.folding import build

PROJECTIONS = (
    users.PROJECTION,
    sessions.PROJECTION,
    api_keys.PROJECTION,
    identities.PROJECTION,
)
TABLES = tuple(table for projection in PROJECTIONS for table in projection.tables)
EVENTS = (
    *user_rules.EVENTS,
    *totp.EVENTS,
    *session_rules.EVENTS,
    *key_rules.EVENTS,
    *backups.EVENTS,
)


@pytest.fixture
def given(tmp_path):
    opened = []

    def fold(*events, as_of=None):
        path = tmp_path / f"views-{len(opened)}.db"
        build(path, PROJECTIONS, EVENTS, history(*events))
        reader = Current(path, lambda: NOW)
        if as_of is not None:
            reader.close()
            reader = Past(path, lambda: NOW, TABLES).at(as_of, NOW)
        opened.append(reader)
        return reader

    yield fold
    for reader in opened:
        reader.close()


def test_an_account_is_found_by_id_and_by_address(given):
    reader = given(created("anna"), created("ben", Role.VIEWER, must_change=True))

    assert ["anna", "ben"] == [account.user_id for account in users.every(reader)]
    assert users.one(reader, "ben") == users.by_email(reader, "digest-ben")
    ben = users.one(reader, "ben")
    assert (Role.VIEWER, True, True, None) == (
        ben.role,
        ben.active,
        ben.must_change_password,
        ben.last_login,
    )
    assert (None, None) == (users.one(reader, "eve"), users.by_email(reader, "digest-eve"))


def test_a_changed_password_lifts_the_duty_to_change_it_and_a_reset_sets_it(given):
    reset = user_rules.PasswordReset(user_id="anna", credential="anna-2")
    changed = user_rules.PasswordChanged(user_id="anna", credential="anna-3")

    first = users.one(given(created(), reset), "anna")
    then = users.one(given(created(), reset, changed), "anna")

    assert (True, "anna-2") == (first.must_change_password, first.credential)
    assert (False, "anna-3") == (then.must_change_password, then.credential)


def test_an_invited_account_is_found_by_its_link_until_it_is_accepted(given):
    pending, active = given(invited()), given(invited(), accepted())

    found = users.by_link(pending, "link-anna")
    assert (user_rules.Standing.INVITED, None, False) == (
        found.status,
        found.credential,
        found.active,
    )
    assert NOW + timedelta(hours=72) == found.link.expires_at
    assert None is users.by_link(active, "link-anna")
    assert (True, "anna-1", None) == (
        users.one(active, "anna").active,
        users.one(active, "anna").credential,
        users.one(active, "anna").link,
    )


def test_a_link_is_replaced_by_the_next_and_goes_with_a_new_password(given):
    changed = user_rules.PasswordChanged(user_id="anna", credential="anna-2")
    newer = given(created(), offered(), offered(proof="newer"))

    assert (None, "anna") == (
        users.by_link(newer, "link-anna"),
        users.by_link(newer, "newer").user_id,
    )
    for since in (changed, deactivated(), deleted()):
        assert None is users.by_link(given(created(), offered(), since), "link-anna")


def test_a_deleted_account_is_gone_and_its_address_is_free(given):
    again = user_rules.UserCreated(
        user_id="other",
        role=Role.VIEWER,
        email_digest="digest-anna",
        credential="c",
        must_change_password=False,
    )
    reader = given(created("ben"), created(), started(), key(), deleted(), again)

    assert ["ben", "other"] == [account.user_id for account in users.every(reader)]
    assert "other" == users.by_email(reader, "digest-anna").user_id
    assert (None, None) == (
        sessions.by_proof(reader, "proof-s1"),
        api_keys.by_proof(reader, "proof-k1"),
    )


def test_failures_are_counted_for_accounts_and_for_addresses_without_one(given):
    reader = given(created(), *failures(3), *failures(2, "eve", known=False))

    assert 3 == users.one(reader, "anna").guesses.count(NOW)
    assert {"net": guesses.Tries(2, NOW)} == users.guesses(reader, "digest-eve").failed
    assert guesses.Guesses() == users.guesses(reader, "digest-ben")


def test_only_so_many_addresses_without_an_account_are_remembered(given, monkeypatch):
    monkeypatch.setattr(users, "STRANGERS_MAX", 8)
    strangers = [failed(1, f"eve-{n}", known=False) for n in range(100)]
    again = [failed(n, "eve-99", known=False) for n in range(20)]

    reader = given(created(), failed(), *strangers, *again)

    ((count,),) = reader.rows("SELECT count(*) FROM logins WHERE slot IS NOT NULL")
    assert (1, 1) == (count, users.one(reader, "anna").guesses.count(NOW))
    assert 21 == users.guesses(reader, "digest-eve-99").count(NOW)
    ((count,),) = given(*strangers).rows("SELECT count(*) FROM logins")
    assert 8 == count


@pytest.mark.parametrize(
    "events",
    [
        [*failures(7)],
        [*failures(7), started(), *failures(2)],
        [*(ago(event, hours=25) for event in failures(7)), failed("new")],
        [*siege(99), started(network="net-1"), failed("new", network="net-1"), *failures(3)],
        [*(ago(event, minutes=61) for event in siege(100)), *failures(2)],
        [started(), *failures(7), *siege(99), unlocked(), failed("new")],
    ],
)
def test_rows_and_decisions_count_failures_alike(given, events):
    state = session_rules.Sessions()
    for item in history(created(), *events):
        state = session_rules.evolve(state, item)

    assert state.guesses == users.guesses(given(created(), *events), "digest-anna")


def test_a_second_factor_is_known_until_it_is_disabled(given):
    on = given(created(), enabled(), started())
    off = given(created(), enabled(), totp.TotpDisabled(user_id="anna"), started())

    assert (True, False) == (users.one(on, "anna").totp, users.one(off, "anna").totp)
    assert (True, False) == tuple(
        sessions.by_proof(reader, "proof-s1").totp for reader in (on, off)
    )


@pytest.mark.parametrize(
    "since",
    [
        ended("p1"),
        enabled(),
        totp.TotpDisabled(user_id="anna"),
        totp.RecoveryCodesIssued(user_id="anna", recovery=()),
        offered(),
        deactivated(),
        deleted(),
    ],
)
def test_a_partial_session_is_no_session_and_ends_with_them(given, since):
    there, gone = given(created(), partial()), given(created(), started(), partial(), since)

    assert ("anna", NOW + timedelta(minutes=5)) == (
        sessions.partial(there, "proof-p1").user_id,
        sessions.partial(there, "proof-p1").expires_at,
    )
    assert (None, []) == (
        sessions.by_proof(there, "proof-p1"),
        sessions.of_user(there, "anna"),
    )
    assert None is sessions.partial(gone, "proof-p1")


def test_wrong_current_passwords_are_counted_by_session(given):
    old = ago(wrong(1), hours=25)
    reader = given(created(), started(), started("s2"), old, wrong(2), wrong(3), ended("s2"))

    assert guesses.Tries(2, NOW) == sessions.wrong(reader, "s1")
    assert guesses.Tries() == sessions.wrong(reader, "s2")


def test_a_session_is_found_by_its_proof_with_what_its_owner_is_now(given):
    demoted = user_rules.UserRoleChanged(user_id="anna", role=Role.VIEWER, before=Role.ADMIN)
    holder = sessions.by_proof(given(created(), started(), demoted), "proof-s1")

    assert ("s1", "anna", Role.VIEWER) == (holder.session.session_id, holder.user_id, holder.role)


@pytest.mark.parametrize(
    "since",
    [
        [ended()],
        [user_rules.PasswordChanged(user_id="anna", credential="anna-2")],
        [user_rules.PasswordReset(user_id="anna", credential="anna-2")],
        [offered()],
        [deactivated()],
        [deleted()],
        [deactivated(), user_rules.UserReactivated(user_id="anna", role=Role.ADMIN)],
    ],
)
def test_what_ends_a_session_ends_it_for_good(given, since):
    assert None is sessions.by_proof(given(created(), started(), *since), "proof-s1")


def test_expired_sessions_are_not_listed(given):
    reader = given(created(), started(), started("s2", expires_at=NOW), started("s3", "ben"))

    assert ["s1"] == [session.session_id for session in sessions.of_user(reader, "anna")]


def test_a_key_is_found_by_its_proof_until_it_is_revoked(given):
    revoked = key_rules.ApiKeyRevoked(key_id="k1", user_id="anna")

    assert "k1" == api_keys.by_proof(given(created(), key()), "proof-k1").key.key_id
    assert None is api_keys.by_proof(given(created(), key(), revoked), "proof-k1")


def test_a_key_knows_what_it_is_narrowed_to(given):
    narrowed = msgspec.structs.replace(key("k2"), permissions=("source.view",))
    reader = given(created(), key(), narrowed)

    assert (None, frozenset({"source.view"})) == tuple(
        api_keys.by_proof(reader, f"proof-{name}").key.permissions for name in ("k1", "k2")
    )


def test_a_key_dies_with_its_owners_deactivation_for_good(given):
    back = user_rules.UserReactivated(user_id="anna", role=Role.ADMIN)

    assert None is api_keys.by_proof(given(created(), key(), deactivated()), "proof-k1")
    assert None is api_keys.by_proof(given(created(), key(), deactivated(), back), "proof-k1")


def test_expired_keys_are_listed(given):
    reader = given(created(), key(expires_at=NOW - timedelta(days=1)), key("k2"))

    assert ["k1", "k2"] == [key.key_id for key in api_keys.of_user(reader, "anna")]


def test_the_past_shows_what_was(given):
    events = (created(), started(), key(), *failures(1), deactivated())

    before, after = given(*events, as_of=4), given(*events, as_of=5)

    assert (True, 1) == (
        users.one(before, "anna").active,
        users.one(before, "anna").guesses.count(NOW),
    )
    assert (1, 1) == (len(sessions.of_user(before, "anna")), len(api_keys.of_user(before, "anna")))
    assert (False, 0, 0) == (
        users.one(after, "anna").active,
        len(sessions.of_user(after, "anna")),
        len(api_keys.of_user(after, "anna")),
    )


def test_a_restore_ends_sessions_links_and_keys_and_the_past_still_shows_them(given):
    log = (
        created(),
        started(),
        partial(),
        key(),
        invited("ben", proof="link-ben"),
        *failures(2),
        restored(),
    )
    before, now = given(*log, as_of=len(log) - 1), given(*log)

    def known(reader):
        return (
            [row.session_id for row in sessions.of_user(reader, "anna")],
            sessions.partial(reader, "proof-p1") is not None,
            sessions.by_proof(reader, "proof-s1") is not None,
            [row.key_id for row in api_keys.of_user(reader, "anna")],
            users.by_link(reader, "link-ben") is not None,
            users.one(reader, "ben").link is not None,
            users.guesses(reader, "digest-anna") == guesses.Guesses(),
        )

    assert (["s1"], True, True, ["k1"], True, True, False) == known(before)
    assert ([], False, False, [], False, False, True) == known(now)
    kept = given(*log[:-1], restored(keys_ended=False))
    assert (["k1"], []) == (known(kept)[3], known(kept)[0])
