"""Decisions about second factors, and about logins where one is due."""

import msgspec
import pytest

from commands.factors import (
    DECIDERS,
    BeginTotpSetup,
    DisableTotp,
    EnableTotp,
    RegenerateRecoveryCodes,
    VerifySecondFactor,
)
from commands.kernel import Forget, Keep
from commands.sessions import DECIDERS as SESSION_DECIDERS
from commands.sessions import EndSession, FailCurrentPassword, FailLogin, StartSession
from domain import factors, guesses, logins, sessions, totp, users
from domain.sessions import Given
from domain.totp import Code
from tests.accounts import (
    created,
    deactivated,
    deleted,
    enabled,
    ended,
    failed,
    failures,
    new,
    offered,
    partial,
    recovered,
    setup,
    siege,
    started,
    used,
    wrong,
)
from tests.decisions import NOW, Scenario

replace = msgspec.structs.replace
CHANGED = users.PasswordChanged(user_id="anna", credential="anna-2")
RIGHT, LATER = Code(factor_id="f1", step=101), Code(factor_id="f1", step=102)


def given(*events):
    return Scenario({**DECIDERS, **SESSION_DECIDERS}, events)


WITHIN = {"user_id": "anna", "session_id": "s1", "at": NOW}
AGAIN = {**WITHIN, "email_digest": "digest-anna", "session": new("s9")}
BEGIN = BeginTotpSetup(
    **WITHIN, factor_id="f1", verified="anna-1", pending=b"{}", expires_at=NOW + totp.SETUP_LIFE
)
ENABLE = EnableTotp(**AGAIN, factor_id="f1", step=100, recovery=("r1", "r2"), seed=b"seed")
DISABLE = DisableTotp(**AGAIN, verified="anna-1")
REGENERATE = RegenerateRecoveryCodes(**AGAIN, verified="anna-1", code=RIGHT, recovery=("n1",))
VERIFY = VerifySecondFactor(
    user_id="anna",
    email_digest="digest-anna",
    partial_id="p1",
    code=RIGHT,
    session=new("s1"),
    at=NOW,
)
LOGIN = StartSession(
    user_id="anna",
    email_digest="digest-anna",
    session=new("p1", logins.PARTIAL_LIFE),
    verified="anna-1",
    partial=True,
    at=NOW,
)
ON = (created(), started(), setup(), enabled())
OFF = totp.TotpDisabled(user_id="anna")
RENEWED = started("s9", method="factor_change")
ISSUED = totp.RecoveryCodesIssued(user_id="anna", recovery=("n1",))


def wrong_code(number=1, session="p1"):
    return FailLogin(
        attempt=f"try-{number}",
        email_digest="digest-anna",
        user_id="anna",
        network="net",
        given=Given.CODE,
        session_id=session,
        at=NOW,
    )


def code_failed(number=1, session="p1", network="net"):
    return failed(number, network=network, given=Given.CODE, session_id=session)


# at a login


def test_a_right_password_is_half_a_login_where_a_second_factor_is_due():
    given(*ON).when(LOGIN).then(partial())
    given(*ON).when(replace(LOGIN, partial=False)).refused(logins.BadCredentials)
    given(created()).when(LOGIN).refused(logins.BadCredentials)
    given(*ON).when(replace(LOGIN, verified="anna-0")).refused(logins.BadCredentials)
    given(*ON, OFF).when(replace(LOGIN, partial=False)).then(
        started("p1", expires_at=NOW + logins.PARTIAL_LIFE)
    )


def test_half_a_login_forgives_no_failure_and_makes_nobody_known():
    tried = [*ON, *failures(4), partial("p0"), failed("fifth")]
    besieged = [*ON, partial("p0"), *siege(guesses.STRANGERS_PER_HOUR_MAX)]
    stranger = replace(LOGIN, session=replace(LOGIN.session, network="other"))

    given(*tried).when(wrong_code("new")).refused(guesses.TooManyAttempts)
    given(*besieged).when(stranger).refused(guesses.TooManyAttempts)


def test_the_oldest_partial_session_makes_room_for_one_too_many():
    full = [partial(f"full-{n}") for n in range(logins.PARTIALS_PER_USER_MAX)]

    given(*ON, *full).when(LOGIN).then(ended("full-0", reason="displaced"), partial())


@pytest.mark.parametrize(
    ("code", "spent", "method"),
    [
        (RIGHT, used(101), "totp"),
        (Code(proof="r1"), recovered("r1"), "recovery_code"),
    ],
)
def test_a_code_completes_the_login_once(code, spent, method):
    verify = replace(VERIFY, code=code)
    end = ended("p1", reason="completed")
    again = replace(verify, partial_id="p2", session=new("s2"))

    story = given(*ON, OFF, setup(), enabled(), partial()).when(verify)
    story.then(spent, end, started(method=method))
    given(*ON, partial("p2"), spent).when(again).refused(factors.BadCode)


@pytest.mark.parametrize("step", [99, 100])
def test_a_step_that_is_not_later_than_the_last_is_refused(step):
    code = Code(factor_id="f1", step=step)

    given(*ON, partial()).when(replace(VERIFY, code=code)).refused(factors.BadCode)


def test_a_code_of_an_old_seed_or_an_old_list_is_refused():
    anew = [*ON, OFF, setup("f2"), enabled("f2", recovery=("r9",)), partial()]

    for code in (RIGHT, Code(proof="r1"), Code()):
        given(*anew).when(replace(VERIFY, code=code)).refused(factors.BadCode)
    given(*ON, ISSUED, partial()).when(replace(VERIFY, code=Code(proof="r1"))).refused(
        factors.BadCode
    )


@pytest.mark.parametrize(
    "since",
    [
        [CHANGED],
        [offered()],
        [deactivated()],
        [deleted()],
        [OFF],
        [ISSUED],
        [ended("p1")],
        [enabled("f2")],
    ],
)
def test_what_ends_sessions_ends_half_logins_too(since):
    given(created("ben"), *ON, partial(), *since).when(VERIFY).refused(factors.PartialSessionOver)


def test_half_a_login_lasts_five_minutes_and_is_its_owners():
    late = replace(VERIFY, at=NOW + logins.PARTIAL_LIFE)

    given(*ON, partial()).when(late).refused(factors.PartialSessionOver)
    given(*ON, partial("p1", "ben")).when(VERIFY).refused(factors.PartialSessionOver)


def test_wrong_codes_are_slowed_down_like_wrong_passwords():
    tried = [*ON, *failures(3, network="home"), partial()]
    codes = [code_failed(f"c{n}", "p0", "home") for n in range(2)]

    given(*tried, *codes[:1]).when(VERIFY).then(
        used(101), ended("p1", reason="completed"), started(method="totp")
    )
    given(*tried, *codes).when(VERIFY).refused(guesses.TooManyAttempts)


def test_a_wrong_code_is_counted_and_the_fifth_ends_the_partial_session():
    four = [code_failed(n, network=f"net-{n}") for n in range(4)]

    given(*ON, partial()).when(wrong_code()).then(code_failed())
    given(*ON, partial(), *four).when(wrong_code("new")).then(
        code_failed("new"), ended("p1", reason="guessed")
    )
    given(*ON, *four, partial()).when(wrong_code("new")).then(code_failed("new"))


def test_half_a_login_is_given_up_by_its_owner():
    logout = EndSession(session_id="p1", user_id="anna", reason="logout")

    given(*ON, partial()).when(logout).then(ended("p1"))
    given(*ON, partial("p1", "ben")).when(logout).refused(sessions.SessionMissing)
    given(*ON, partial(), CHANGED).when(logout).then()


# put in force and taken away


def test_a_setup_takes_the_password_and_changes_nothing_yet():
    given(created(), started()).when(BEGIN).then(setup())
    given(created(), started(), setup("f0")).when(BEGIN).then(setup())
    given(created(), started(), CHANGED).when(BEGIN).refused(logins.PasswordStale)
    given(*ON).when(replace(BEGIN, factor_id="f2")).refused(factors.FactorThere)
    given(created(), started(), setup()).when(replace(LOGIN, partial=False)).then(
        started("p1", expires_at=NOW + logins.PARTIAL_LIFE)
    )


def test_a_code_puts_the_factor_in_force_and_ends_all_other_sessions():
    given(created(), started(), started("s2"), setup()).when(ENABLE).then(enabled(), RENEWED)
    given(created(), started()).when(ENABLE).refused(factors.NoSetup)
    given(created(), started(), setup(), setup("f2")).when(ENABLE).refused(factors.NoSetup)
    given(*ON, setup("f2")).when(replace(ENABLE, factor_id="f2")).refused(factors.FactorThere)


@pytest.mark.parametrize(
    ("code", "spent"), [(None, []), (RIGHT, [used(101)]), (Code(proof="r2"), [recovered("r2")])]
)
def test_a_factor_is_disabled_with_the_password_and_a_code_if_one_is_given(code, spent):
    given(*ON, started("s2")).when(replace(DISABLE, code=code)).then(*spent, OFF, RENEWED)


def test_recovery_codes_are_replaced():
    given(*ON).when(REGENERATE).then(used(101), ISSUED, RENEWED)


@pytest.mark.parametrize("command", [DISABLE, REGENERATE])
def test_factors_change_only_for_the_password_in_force_and_a_good_code(command):
    given(created(), started()).when(command).refused(factors.NoFactor)
    given(*ON, CHANGED).when(command).refused(logins.PasswordStale)
    for code in (Code(), Code(factor_id="f1", step=100), Code(proof="r9")):
        given(*ON).when(replace(command, code=code)).refused(factors.CodeWrong)


@pytest.mark.parametrize(
    ("before", "command"),
    [((created(), setup()), ENABLE), (ON, DISABLE), (ON, REGENERATE), ((created(),), BEGIN)],
)
def test_wrong_codes_slow_down_their_own_session_alone(before, command):
    tried = [*before, *(wrong(number) for number in range(5))]

    given(*tried).when(command).refused(guesses.TooManyAttempts)
    given(*tried).when(replace(command, session_id="s2")).decide(tried)


def test_a_wrong_code_of_somebody_who_is_logged_in_is_counted_as_such():
    command = FailCurrentPassword(attempt="try-1", given=Given.CODE, session_id="s1",
                                  user_id="anna", at=NOW)  # fmt: skip

    given(*ON).when(command).then(replace(wrong(), given=Given.CODE))


def test_seeds_lie_in_the_vault_alone():
    session = new("s9").keep("anna")

    assert (Keep("totp_pending", "anna", b"{}", NOW + totp.SETUP_LIFE),) == BEGIN.vault()
    expected = (session, Keep("totp", "anna", b"seed"), Forget("totp_pending", "anna"))
    assert expected == ENABLE.vault()
    assert (session, Forget("totp", "anna")) == DISABLE.vault()
    assert (session,) == REGENERATE.vault()
    assert (new("s1").keep("anna"), Forget("session", "p1")) == VERIFY.vault()
