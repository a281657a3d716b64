"""How a session begins with a password, and what becomes of attempts that fail.

Invariants: a session begins only on the password in force of an active account, and only without a
second factor; where there is one, a partial session begins, which is neither a success nor a
failure yet. Guesses come slower and slower (guesses.py); an account has a bounded number of
sessions.
"""

from datetime import datetime, timedelta
from typing import Final

from domain import guesses, sessions, users
from domain.kernel import Event, Refused
from domain.sessions import (
    CurrentPasswordWrong,
    Ending,
    LoginFailed,
    PartialSessionStarted,
    Sessions,
    SessionStarted,
    UserUnlocked,
)
from domain.users import Credential

SESSIONS_PER_USER_MAX: Final = 100
PARTIALS_PER_USER_MAX: Final = 10
PARTIAL_LIFE: Final = timedelta(minutes=5)
PARTIAL_WRONG_MAX: Final = 5  # wrong codes, then the password is due again


def start(
    state: Sessions, started: SessionStarted, *, verified: Credential, at: datetime
) -> list[Event]:
    """Log in with the password that was verified. Raises TooManyAttempts, BadCredentials."""
    if started.session_id in state.live:
        return []
    _proved(state, started.network, started.device, verified, at=at)
    if state.factor.enabled is not None:  # since a moment ago
        raise BadCredentials
    return [*make_room(state, at), started]


def start_partial(
    state: Sessions,
    started: PartialSessionStarted,
    *,
    verified: Credential,
    network: str,
    device: str,
    at: datetime,
) -> list[Event]:
    """Begin to log in where a second factor is due. Raises as `start` does."""
    if started.session_id in state.partials:
        return []
    _proved(state, network, device, verified, at=at)
    if state.factor.enabled is None:
        raise BadCredentials
    return [*make_room_for_partial(state), started]


def _proved(
    state: Sessions, network: str, device: str, verified: Credential, *, at: datetime
) -> None:
    # A right guess among many at once must not tell itself by another answer than a wrong one's.
    place = state.guesses.place(network, device, at)
    guesses.heard(state.guesses.until(place, at), at)
    if not state.active or state.credential != verified:
        raise BadCredentials


def change_password(
    state: Sessions,
    changed: users.PasswordChanged,
    started: SessionStarted,
    *,
    verified: Credential,
    at: datetime,
) -> list[Event]:
    """Put a new password in force and go on with a new session; all others end.

    `verified` is the password that was given as the current one. Raises TooManyAttempts,
    PasswordStale.
    """
    if state.credential == changed.credential:
        return []
    guesses.heard(state.wrong.until(at), at)
    in_force(state, verified)
    return [changed, started]


def in_force(state: Sessions, verified: Credential) -> None:
    """Whether the password that was given is still the one. Raises PasswordStale."""
    if not state.active or state.credential != verified:
        raise PasswordStale


def make_room(state: Sessions, at: datetime) -> list[Event]:
    """End what has expired, and the oldest where there are too many."""
    expired = [session for session in state.live.values() if session.expires_at <= at]
    running = [session for session in state.live.values() if session.expires_at > at]
    surplus = running[: max(0, len(running) + 1 - SESSIONS_PER_USER_MAX)]
    return [
        *(sessions.over(session, Ending.EXPIRED) for session in expired),
        *(sessions.over(session, Ending.DISPLACED) for session in surplus),
    ]


def make_room_for_partial(state: Sessions) -> list[Event]:
    """End the oldest partial sessions where there are too many."""
    old = [partial.started for partial in state.partials.values()]
    surplus = old[: max(0, len(old) + 1 - PARTIALS_PER_USER_MAX)]
    return [sessions.over(partial, Ending.DISPLACED) for partial in surplus]


def fail(state: Sessions, failed: LoginFailed, at: datetime) -> list[Event]:
    """Count a failed login; a partial session bears few of them.

    Raises TooManyAttempts when it should not have been made.
    """
    if state.attempt == failed.attempt:
        return []
    guesses.heard(state.guesses.until(failed.network, at), at)
    partial = None if failed.session_id is None else state.partials.get(failed.session_id)
    if partial is None or partial.wrong + 1 < PARTIAL_WRONG_MAX:
        return [failed]
    return [failed, sessions.over(partial.started, Ending.GUESSED)]


def fail_again(state: Sessions, failed: CurrentPasswordWrong, at: datetime) -> list[Event]:
    """Count a wrong current password. Raises TooManyAttempts, as `fail` does."""
    if state.attempt == failed.attempt:
        return []
    guesses.heard(state.wrong.until(at), at)
    return [failed]


def unlock(state: Sessions, unlocked: UserUnlocked) -> list[Event]:
    """Let the failed logins of an account count no more."""
    return [unlocked] if state.guesses != state.guesses.forgiven() else []


class BadCredentials(Refused):
    """The password is wrong, or there is no such account that may log in: nobody learns which."""

    def __init__(self) -> None:
        super().__init__("Invalid e-mail or password.")


class WrongPassword(Refused):
    """The current password that somebody who is logged in gave is not the one in force."""

    def __init__(self) -> None:
        super().__init__("The current password is wrong.")


class PasswordStale(Refused):
    """The password was changed while this was on its way."""

    def __init__(self) -> None:
        super().__init__("The password was changed meanwhile; log in again.")
