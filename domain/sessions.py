"""Logging in, being logged in, and how both end.

Invariants: a session begins only on the password in force of an active account; guesses at one
account come slower and slower; an account has a bounded number of sessions. A session is over when
an event ends it, when it expires, when it lies idle (which no event tells, see the `Seen` port),
and when the account loses its access (users.ENDS_SESSIONS).

Guesses are counted by the e-mail address that was typed, so that absent accounts are slowed down
like existing ones and cannot be told from them.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NewType

import msgspec

from domain import users
from domain.kernel import Boundary, Clause, Event, Recorded, Refused
from domain.users import Credential, UserId

SESSIONS_PER_USER_MAX: Final = 100
FAILURES_FREE: Final = 5  # failed logins in a row that cost no waiting
DELAY_FIRST_S: Final = 1  # doubled by each further failure
DELAY_MAX_S: Final = 60  # so that about 70 guesses an hour are heard, and an owner can get in
FAILURES_KEPT: Final = timedelta(hours=24)  # after the last one they are forgotten

SessionId = NewType("SessionId", str)


def tag(session_id: str) -> str:
    """The tag of everything about one session."""
    return f"session:{session_id}"


def login_tag(email_digest: str) -> str:
    """The tag of everything that speeds up or slows down logins with an e-mail address."""
    return f"login:{email_digest}"


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class SessionStarted(Event, frozen=True, kw_only=True, tag="session_started"):
    """Somebody logged in, or changed the password and goes on with a new session."""

    session_id: SessionId
    user_id: UserId
    email_digest: str
    proof: str  # keyed digest of the token
    method: str  # password, password_change
    expires_at: datetime

    def stream(self) -> str:
        return tag(self.session_id)

    def labels(self) -> tuple[str, ...]:
        return (users.tag(self.user_id), login_tag(self.email_digest))


class SessionEnded(Event, frozen=True, kw_only=True, tag="session_ended"):
    """One session is over."""

    session_id: SessionId
    user_id: UserId
    reason: str  # logout, revoked, expired, displaced

    def stream(self) -> str:
        return tag(self.session_id)

    def labels(self) -> tuple[str, ...]:
        return (users.tag(self.user_id),)


class LoginFailed(Event, frozen=True, kw_only=True, tag="login_failed"):
    """A password was wrong, or there is no such account that may log in."""

    attempt: str
    email_digest: str
    user_id: UserId | None
    network: str  # keyed digest of the caller's network

    def stream(self) -> str:
        return login_tag(self.email_digest)

    def labels(self) -> tuple[str, ...]:
        return () if self.user_id is None else (users.tag(self.user_id),)


EVENTS: Final[tuple[type[Event], ...]] = (SessionStarted, SessionEnded, LoginFailed)


class Sessions(msgspec.Struct, frozen=True):
    """One account's ways in, or one session alone, as the boundary has it."""

    active: bool = False
    credential: Credential | None = None
    live: Mapping[SessionId, SessionStarted] = {}
    ended: SessionEnded | None = None  # the last one
    failures: int = 0
    failed_at: datetime | None = None
    attempt: str | None = None  # the last that failed


def evolve(state: Sessions, recorded: Recorded) -> Sessions:
    """Fold one event."""
    replace = msgspec.structs.replace
    match recorded.event:
        case SessionStarted() as started:
            live = {**state.live, started.session_id: started}
            return replace(state, live=live, failures=0, failed_at=None)
        case SessionEnded(session_id=session) as ended:
            live = {key: value for key, value in state.live.items() if key != session}
            return replace(state, live=live, ended=ended)
        case LoginFailed(attempt=attempt):
            failures = count(state.failures, state.failed_at, recorded.at) + 1
            return replace(state, failures=failures, failed_at=recorded.at, attempt=attempt)
        case _:
            return _account(state, recorded.event)


def _account(state: Sessions, event: Event) -> Sessions:
    """What happened to the account itself."""
    replace = msgspec.structs.replace
    match event:
        case users.UserCreated(credential=credential):
            return replace(state, active=True, credential=credential)
        case users.PasswordChanged(credential=new) | users.PasswordReset(credential=new):
            return replace(state, credential=new, live={})
        case users.UserDeactivated():
            return replace(state, active=False, live={})
        case users.UserReactivated():
            return replace(state, active=True)
        case _:
            return state


def count(failures: int, failed_at: datetime | None, at: datetime) -> int:
    """How many failures in a row still count."""
    return 0 if failed_at is None or at - failed_at > FAILURES_KEPT else failures


def open_again(failures: int, failed_at: datetime | None) -> datetime | None:
    """Until when nobody is heard, or None."""
    if failed_at is None or failures < FAILURES_FREE:
        return None
    # The exponent is bounded too: a long siege must not make a huge number.
    doublings = min(failures - FAILURES_FREE, DELAY_MAX_S.bit_length())
    return failed_at + timedelta(seconds=min(DELAY_FIRST_S << doublings, DELAY_MAX_S))


def heard(failures: int, failed_at: datetime | None, at: datetime) -> None:
    """Whether an attempt may be made now. Raises TooManyAttempts."""
    until = open_again(count(failures, failed_at, at), failed_at)
    if until is not None and at < until:
        raise TooManyAttempts(until - at)


def login(user_id: UserId | None, email_digest: str) -> Boundary:
    """An account, its sessions, and the failures under its e-mail address."""
    failures = Clause((SessionStarted, LoginFailed), (login_tag(email_digest),))
    if user_id is None:
        return (failures,)
    account: tuple[type[Event], ...] = (*users.EVENTS, SessionStarted, SessionEnded)
    return (failures, Clause(account, (users.tag(user_id),)))


def one(session_id: SessionId) -> Boundary:
    """One session."""
    return (Clause((SessionStarted, SessionEnded), (tag(session_id),)),)


def start(
    state: Sessions, started: SessionStarted, *, verified: Credential, at: datetime
) -> list[Event]:
    """Log in with the password that was verified. Raises TooManyAttempts, BadCredentials."""
    if started.session_id in state.live:
        return []
    # A right guess among many at once must not tell itself by another answer than a wrong one's.
    heard(state.failures, state.failed_at, at)
    if not state.active or state.credential != verified:
        raise BadCredentials
    return [*_make_room(state, at), started]


def change_password(
    state: Sessions,
    changed: users.PasswordChanged,
    started: SessionStarted | None,
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
    heard(state.failures, state.failed_at, at)
    if not state.active or state.credential != verified:
        raise PasswordStale
    return [changed] if started is None else [changed, started]


def _make_room(state: Sessions, at: datetime) -> list[Event]:
    """End what has expired, and the oldest where there are too many."""
    expired = [session for session in state.live.values() if session.expires_at <= at]
    running = [session for session in state.live.values() if session.expires_at > at]
    surplus = running[: max(0, len(running) + 1 - SESSIONS_PER_USER_MAX)]
    return [_end(s, "expired") for s in expired] + [_end(s, "displaced") for s in surplus]


def fail(state: Sessions, failed: LoginFailed, at: datetime) -> list[Event]:
    """Count a failed attempt. Raises TooManyAttempts when it should not have been made."""
    if state.attempt == failed.attempt:
        return []
    heard(state.failures, state.failed_at, at)
    return [failed]


def end(state: Sessions, session_id: SessionId, user_id: UserId, reason: str) -> list[Event]:
    """End one of a user's own sessions. Raises SessionMissing, for others' too."""
    session = state.live.get(session_id) or state.ended
    if session is None or (session.session_id, session.user_id) != (session_id, user_id):
        raise SessionMissing
    return [_end(session, reason)] if session_id in state.live else []


def _end(session: SessionStarted | SessionEnded, reason: str) -> Event:
    return SessionEnded(session_id=session.session_id, user_id=session.user_id, reason=reason)


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


class TooManyAttempts(Refused):
    """Guesses at one account come too fast."""

    def __init__(self, wait: timedelta) -> None:
        seconds = -(-wait // timedelta(seconds=1))  # rounded up
        super().__init__("Too many attempts; try again later.", retry_after=seconds)


class SessionMissing(Refused):
    """The user has no such session."""

    def __init__(self) -> None:
        super().__init__("Session not found.")
