"""Decisions about logging in and out."""

from datetime import timedelta

import msgspec
import pytest

from commands.kernel import Forget, Keep
from commands.sessions import (
    DECIDERS,
    ChangePassword,
    EndAllSessions,
    EndSession,
    FailCurrentPassword,
    FailLogin,
    StartSession,
    UnlockUser,
)
from domain import guesses, logins, sessions, users
from tests.accounts import (
    accepted,
    created,
    deactivated,
    deleted,
    ended,
    failed,
    failures,
    invited,
    new,
    offered,
    partial,
    restored,
    siege,
    started,
    unlocked,
    wrong,
)
from tests.decisions import NOW, Scenario, ago, within

replace = msgspec.structs.replace


def given(*events):
    return Scenario(DECIDERS, events)


LOGIN = StartSession(
    user_id="anna", email_digest="digest-anna", session=new(), verified="anna-1", at=NOW
)
CHANGE = ChangePassword(
    user_id="anna",
    email_digest="digest-anna",
    session_id="s1",
    verified="anna-1",
    credential="anna-2",
    password_hash="h2",
    session=new("s9"),
    at=NOW,
)
CHANGED = users.PasswordChanged(user_id="anna", credential="anna-2")
LOGOUT = EndSession(session_id="s1", user_id="anna", reason="logout")


def guess(number, network="net"):
    return FailLogin(
        attempt=f"try-{number}",
        email_digest="digest-anna",
        user_id="anna",
        network=network,
        at=NOW,
    )


def wrong_again(number, session="s1"):
    return FailCurrentPassword(attempt=f"try-{number}", session_id=session, user_id="anna", at=NOW)


# logging in


def test_the_right_password_begins_a_session():
    given(created()).when(LOGIN).then(started())


@pytest.mark.parametrize(
    "since",
    [
        [deactivated()],
        [deleted()],
        [users.PasswordReset(user_id="anna", credential="anna-2")],
        [CHANGED],
    ],
)
def test_what_took_access_away_while_the_hash_was_checked_counts(since):
    given(created(), created("ben"), *since).when(LOGIN).refused(logins.BadCredentials)


def test_who_accepted_an_invitation_logs_in_and_nobody_before():
    given(invited()).when(LOGIN).refused(logins.BadCredentials)
    given(invited(), accepted()).when(LOGIN).then(started())
    back = users.UserReactivated(user_id="anna", role="admin", invited=True)
    given(invited(), deactivated(), back).when(LOGIN).refused(logins.BadCredentials)


def test_nobody_logs_in_to_an_account_that_is_not_there():
    given().when(LOGIN).refused(logins.BadCredentials)


def test_the_clients_address_and_a_new_hash_go_to_the_vault_alone():
    client = Keep(
        "session",
        "s1",
        b'{"address":"10.0.0.1","agent":"curl"}',
        NOW + timedelta(days=7),
        LOGIN.user_id,
    )

    assert (client,) == LOGIN.vault()
    assert (client, Keep("password", "anna", b"new")) == replace(LOGIN, rehashed="new").vault()


def test_sessions_that_expired_are_cleared_away_by_the_next_login():
    old = started("old", expires_at=NOW)

    given(created(), old).when(LOGIN).then(ended("old", reason="expired"), started())


def test_the_oldest_session_makes_room_for_one_too_many():
    full = [started(f"full-{n}") for n in range(logins.SESSIONS_PER_USER_MAX)]

    given(created(), *full).when(LOGIN).then(ended("full-0", reason="displaced"), started())


# guesses


@pytest.mark.parametrize("known", [True, False])
def test_a_failure_is_counted_whether_there_is_an_account_or_not(known):
    command = guess(1) if known else replace(guess(1), user_id=None)

    given(created("ben")).when(command).then(failed(1, known=known))


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("before", "wait_s"), [(4, 0), (5, 1), (6, 2), (7, 4), (10, 32), (11, 60), (99, 60)]
)
def test_guesses_come_slower_and_slower(known, before, wait_s):
    account = [created()] if known else []
    command = guess("new") if known else replace(guess("new"), user_id=None)
    tried = [*account, *failures(before, known=known)]
    early = NOW + timedelta(seconds=wait_s - 0.5)

    if wait_s:
        refusal = given(*tried).when(replace(command, at=early)).refused(guesses.TooManyAttempts)
        assert 1 == refusal.facts["retry_after"]
    given(*tried).when(replace(command, at=NOW + timedelta(seconds=wait_s))).then(
        failed("new", known=known)
    )


def test_too_early_a_right_password_is_answered_like_a_wrong_one():
    tried = [created(), *failures(5, network="home")]

    right = given(*tried).when(LOGIN).refused(guesses.TooManyAttempts)
    wrong = given(*tried).when(guess("new", "home")).refused(guesses.TooManyAttempts)

    assert (right.detail, right.facts) == (wrong.detail, wrong.facts)


def test_a_login_clears_the_failures_of_its_network_alone():
    tried = [created(), *failures(4, network="home"), *failures(4), started("s0")]

    given(*tried, *failures(4, network="home")).when(LOGIN).then(started())
    given(*tried, failed("fifth")).when(guess("new")).refused(guesses.TooManyAttempts)


def test_failures_are_forgotten_after_a_day():
    tried = [ago(event, hours=24, seconds=1) for event in failures(50, network="home")]

    given(created(), *tried, *failures(4, network="home")).when(LOGIN).then(started())


def test_failures_of_yesterday_are_read_and_older_ones_are_not_even_read():
    boundary = sessions.login("anna", "digest-anna", NOW)
    days = ["2026-01-01", "2025-12-31", "2025-12-30"]
    events = [replace(failed(user="anna", known=False), day=day) for day in days]

    assert [True, True, False] == [within(boundary, event) for event in events]


def test_strangers_do_not_slow_down_other_networks():
    tried = [created(), *failures(50)]

    given(*tried).when(LOGIN).then(started())
    given(*tried).when(guess("new")).refused(guesses.TooManyAttempts)


@pytest.mark.parametrize("known", [True, False])
def test_an_hour_has_a_budget_for_all_networks_that_are_not_known(known):
    account = [created()] if known else []
    command = replace(guess("new", "one more"), user_id="anna" if known else None)
    full = [*account, *siege(guesses.STRANGERS_PER_HOUR_MAX, known=known)]
    later = replace(command, at=NOW + timedelta(hours=1))

    refusal = given(*full).when(command).refused(guesses.TooManyAttempts)

    assert 3600 == refusal.facts["retry_after"]
    given(*full[:-1]).when(command).then(failed("new", known=known, network="one more"))
    given(*full).when(later).then(failed("new", known=known, network="one more"))


def test_a_network_that_somebody_logged_in_from_lately_needs_no_budget_and_uses_none_up():
    login = ago(started("s0"), days=29)
    full = siege(guesses.STRANGERS_PER_HOUR_MAX)
    own = failures(4, network="home")

    given(created(), login, *full).when(LOGIN).then(started())
    given(created(), login, *own, *full[:-1]).when(guess("new")).then(failed("new"))
    given(created(), ago(started("s0"), days=31), *full).when(LOGIN).refused(
        guesses.TooManyAttempts
    )


def test_a_known_device_answers_for_itself_alone():
    at_home = replace(LOGIN, session=replace(new(), device="browser"))
    login = replace(started("s0"), device="browser")
    begun = replace(started(), device="browser")
    there = [created(), login, *failures(50, network="home")]
    own = failures(5, network="browser")

    given(*there).when(LOGIN).refused(guesses.TooManyAttempts)
    given(*there).when(at_home).then(begun)
    given(*there, *own).when(at_home).refused(guesses.TooManyAttempts)
    long_ago = [created(), ago(login, days=31), *failures(50, network="home")]
    given(*long_ago).when(at_home).refused(guesses.TooManyAttempts)
    strangers = siege(guesses.STRANGERS_PER_HOUR_MAX)
    elsewhere = replace(at_home, session=replace(at_home.session, network="abroad"))
    given(created(), login, *strangers).when(elsewhere).then(replace(begun, network="abroad"))


def test_what_is_remembered_of_networks_is_bounded():
    state = guesses.Guesses()
    for number in range(3 * guesses.NETWORKS_MAX):
        state = state.fail(f"net-{number}", NOW)
        state = state.succeed(f"home-{number}", NOW, f"browser-{number}")

    assert (guesses.NETWORKS_MAX, guesses.NETWORKS_MAX) == (len(state.failed), len(state.known))
    assert guesses.DEVICES_MAX == len(state.devices)
    assert state.knows(f"home-{3 * guesses.NETWORKS_MAX - 1}", NOW)


def test_guesses_at_one_account_do_not_slow_another_down():
    given(created(), created("ben"), *failures(50, "ben")).when(LOGIN).then(started())


# the password


def test_a_changed_password_ends_all_sessions_and_begins_one():
    given(created(), started()).when(CHANGE).then(CHANGED, started("s9", method="password_change"))
    given(created(), started("s8"), CHANGED).when(LOGIN).refused(logins.BadCredentials)


def test_a_password_is_changed_only_from_the_one_in_force():
    reset = users.PasswordReset(user_id="anna", credential="anna-1b")

    given(created(), reset).when(CHANGE).refused(logins.PasswordStale)


def test_guesses_at_the_current_password_are_slowed_down_in_their_session_alone():
    tried = [created(), started(), started("s2"), *(wrong(number) for number in range(5))]

    given(*tried).when(CHANGE).refused(guesses.TooManyAttempts)
    given(*tried).when(wrong_again("new")).refused(guesses.TooManyAttempts)
    given(*tried).when(wrong_again("new", "s2")).then(wrong("new", "s2"))
    given(*tried).when(replace(LOGIN, session=new("s3"))).then(started("s3"))


def test_a_session_is_not_held_up_by_what_strangers_guess():
    besieged = [created(), started(), *failures(50), *siege(guesses.STRANGERS_PER_HOUR_MAX)]

    given(*besieged).when(CHANGE).then(CHANGED, started("s9", method="password_change"))
    given(*besieged).when(wrong_again(1)).then(wrong(1))


# the end


def test_a_session_is_ended():
    given(created(), started()).when(LOGOUT).then(ended())
    assert (Forget("session", "s1"),) == LOGOUT.vault()


def test_nobody_ends_a_session_of_somebody_else():
    given(created("ben"), started(user="ben")).when(LOGOUT).refused(sessions.SessionMissing)
    given(created(), started("s2")).when(LOGOUT).refused(sessions.SessionMissing)
    given(started(user="ben"), ended(user="ben")).when(LOGOUT).refused(sessions.SessionMissing)


@pytest.mark.parametrize(
    "ending",
    [
        CHANGED,
        users.PasswordReset(user_id="anna", credential="c"),
        offered(),
        deactivated(),
        deleted(),
    ],
)
def test_what_the_account_has_ended_is_not_ended_again(ending):
    given(created(), started(), ending).when(LOGOUT).then()


def test_all_sessions_of_a_user_are_ended_at_once():
    there = [created(), started(), started("s2"), ended("s2"), started("s3"), started("b1", "ben")]

    given(*there).when(EndAllSessions(user_id="anna")).then(
        ended("s1", reason="revoked"), ended("s3", reason="revoked")
    )


@pytest.mark.parametrize("failures", [failures(7), siege(guesses.STRANGERS_PER_HOUR_MAX)])
def test_an_account_is_unlocked(failures):
    command = UnlockUser(user_id="anna", email_digest="digest-anna", at=NOW)
    tried = [created(), *failures, *(failed(n, network="home") for n in range(7))]

    given(*tried).when(LOGIN).refused(guesses.TooManyAttempts)
    given(*tried).when(command).then(unlocked())
    given(*tried, unlocked()).when(LOGIN).then(started())
    given(created(), started("s0")).when(command).then()


# a restore


def test_a_restore_ends_all_sessions_and_those_that_begin_later_live():
    half = replace(LOGOUT, session_id="p1")
    before = (created(), started(), partial())

    given(*before, restored()).when(LOGOUT).then()
    given(*before, restored()).when(half).then()
    given(*before, restored()).when(EndAllSessions(user_id="anna")).then()
    given(*before, restored(), started("s2")).when(EndAllSessions(user_id="anna")).then(
        ended("s2", reason="revoked")
    )


@pytest.mark.parametrize("known", [True, False])
def test_a_restore_forgets_failures_and_who_was_known(known):
    account = [created(), started(network="net")] if known else []
    command = guess("new", "net") if known else replace(guess("new", "net"), user_id=None)
    tried = failures(guesses.FAILURES_FREE, known=known)
    full = siege(guesses.STRANGERS_PER_HOUR_MAX, known=known)
    again = failed("new", known=known, network="net")

    given(*account, *tried).when(command).refused(guesses.TooManyAttempts)
    given(*account, *tried, restored()).when(command).then(again)
    given(*account, restored(), *full).when(command).refused(guesses.TooManyAttempts)
