"""How a second factor is put in force, used at a login, and taken away.

Invariants: a partial session becomes a session by a code that is good now, once; whoever changes
factors has given the password in force, or a code of the new one, and goes on with a new session
while all others end. Wrong codes are slowed down as wrong passwords are: at a login by account and
network, in a session by session.

Each decision spends the code that it was given in the same breath: of many at once one succeeds.
"""

from datetime import datetime

from domain import guesses, logins, sessions
from domain.kernel import Event, Refused
from domain.sessions import Ending, SessionId, Sessions, SessionStarted
from domain.totp import Code, RecoveryCodesIssued, TotpDisabled, TotpEnabled, TotpSetupBegun
from domain.users import Credential


def verify(
    state: Sessions, partial_id: SessionId, code: Code, started: SessionStarted, at: datetime
) -> list[Event]:
    """Log in at last. Raises PartialSessionOver, TooManyAttempts, BadCode."""
    if started.session_id in state.live:
        return []
    partial = state.partials.get(partial_id)
    if partial is None or partial.started.expires_at <= at:
        raise PartialSessionOver
    place = state.guesses.place(started.network, started.device, at)
    guesses.heard(state.guesses.until(place, at), at)
    used = state.factor.spent(started.user_id, code)
    if used is None:
        raise BadCode
    ended = sessions.over(partial.started, Ending.COMPLETED)
    return [used, ended, *logins.make_room(state, at), started]


def begin(
    state: Sessions, begun: TotpSetupBegun, verified: Credential, at: datetime
) -> list[Event]:
    """Make a seed known. Raises TooManyAttempts, PasswordStale, FactorThere."""
    if state.factor.pending == begun.factor_id:
        return []
    guesses.heard(state.wrong.until(at), at)
    logins.in_force(state, verified)
    if state.factor.enabled is not None:
        raise FactorThere
    return [begun]


def enable(
    state: Sessions, enabled: TotpEnabled, started: SessionStarted, at: datetime
) -> list[Event]:
    """Put a seed in force, a code of which was given.

    Raises FactorThere, NoSetup, TooManyAttempts.
    """
    if state.factor.enabled == enabled.factor_id:
        return []
    if state.factor.enabled is not None:
        raise FactorThere
    if state.factor.pending != enabled.factor_id:
        raise NoSetup
    guesses.heard(state.wrong.until(at), at)
    return [enabled, started]


def disable(
    state: Sessions,
    disabled: TotpDisabled,
    started: SessionStarted,
    *,
    verified: Credential,
    code: Code | None,
    at: datetime,
) -> list[Event]:
    """Do without a second factor; a code that is given too must be right. Raises as below."""
    return _change(state, disabled, started, verified=verified, code=code, at=at)


def regenerate(
    state: Sessions,
    issued: RecoveryCodesIssued,
    started: SessionStarted,
    *,
    verified: Credential,
    code: Code,
    at: datetime,
) -> list[Event]:
    """Replace the recovery codes.

    Raises NoFactor, TooManyAttempts, PasswordStale, CodeWrong.
    """
    return _change(state, issued, started, verified=verified, code=code, at=at)


def _change(
    state: Sessions,
    changed: TotpDisabled | RecoveryCodesIssued,
    started: SessionStarted,
    *,
    verified: Credential,
    code: Code | None,
    at: datetime,
) -> list[Event]:
    if started.session_id in state.live:
        return []
    if state.factor.enabled is None:
        raise NoFactor
    guesses.heard(state.wrong.until(at), at)
    logins.in_force(state, verified)
    if code is None:
        return [changed, started]
    used = state.factor.spent(started.user_id, code)
    if used is None:
        raise CodeWrong
    return [used, changed, started]


class BadCode(Refused):
    """The code is wrong, or was given before: nobody learns which."""

    def __init__(self) -> None:
        super().__init__("The code is not valid; a code is good once.")


class PartialSessionOver(Refused):
    """The password was given too long ago, or too many codes were wrong."""

    def __init__(self) -> None:
        super().__init__("Log in again: the code was due within five minutes.")


class CodeWrong(Refused):
    """Somebody who is logged in gave a code that is wrong, or spent."""

    def __init__(self) -> None:
        super().__init__("The code is not valid; a code is good once.")


class FactorThere(Refused):
    """A second factor is changed by taking it away first."""

    def __init__(self) -> None:
        super().__init__("Two-factor authentication is on already; disable it first.")


class NoFactor(Refused):
    """There is no second factor."""

    def __init__(self) -> None:
        super().__init__("Two-factor authentication is not on.")


class NoSetup(Refused):
    """There is no seed that a code could be of, or not any more."""

    def __init__(self) -> None:
        super().__init__("No setup is under way; begin one at /api/auth/2fa/setup.")
