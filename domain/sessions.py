"""Logging in, being logged in, and how both end.

Invariants: a session begins only on the password in force of an active account; guesses come
slower and slower (guesses.py); an account has a bounded number of sessions. A session is over when
an event ends it, when it expires, when it lies idle (which no event tells, see the `Seen` port),
and when the account loses its access (users.ENDS_SESSIONS).

Guesses are counted by the e-mail address that was typed, so that absent accounts are slowed down
like existing ones and cannot be told from them. Whoever is logged in and gives a wrong current
password slows down that session alone: strangers' guesses never stand in the way of a session.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType

import msgspec

from domain import guesses, users
from domain.guesses import Guesses, Tries
from domain.kernel import Boundary, Clause, Event, Recorded, Refused
from domain.users import Credential, UserId

SESSIONS_PER_USER_MAX: Final = 100

SessionId = NewType("SessionId", str)


class Method(StrEnum):
    """How a session began."""

    PASSWORD = "password"  # noqa: S105 - the word itself
    PASSWORD_CHANGE = "password_change"  # noqa: S105


class Ending(StrEnum):
    """Why a session is over."""

    LOGOUT = "logout"
    REVOKED = "revoked"
    EXPIRED = "expired"
    DISPLACED = "displaced"


def tag(session_id: str) -> str:
    """The tag of everything about one session."""
    return f"session:{session_id}"


def login_tag(email_digest: str) -> str:
    """The tag of everything that speeds up or slows down logins with an e-mail address."""
    return f"login:{email_digest}"


def day_tag(email_digest: str, day: str) -> str:
    """The tag of a day's failures alone, so that no decision has to read those of a whole siege."""
    return f"login:{email_digest}:{day}"


def day_of(at: datetime) -> str:
    """The day in a `day_tag`."""
    return at.date().isoformat()


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class SessionStarted(Event, frozen=True, kw_only=True, tag="session_started"):
    """Somebody logged in, or changed the password and goes on with a new session."""

    session_id: SessionId
    user_id: UserId
    email_digest: str
    proof: str  # keyed digest of the token
    method: Method
    expires_at: datetime
    network: str = ""  # keyed digest of the caller's network

    def stream(self) -> str:
        return tag(self.session_id)

    def labels(self) -> tuple[str, ...]:
        return (users.tag(self.user_id), login_tag(self.email_digest))


class SessionEnded(Event, frozen=True, kw_only=True, tag="session_ended"):
    """One session is over."""

    session_id: SessionId
    user_id: UserId
    reason: Ending

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
    day: str = ""  # of the attempt, in UTC
    unheard: int = 0  # attempts by anybody that were turned away since the last recorded failure

    def stream(self) -> str:
        return login_tag(self.email_digest)

    def labels(self) -> tuple[str, ...]:
        day = (day_tag(self.email_digest, self.day),) if self.day else ()
        return day if self.user_id is None else (users.tag(self.user_id), *day)


class CurrentPasswordWrong(Event, frozen=True, kw_only=True, tag="current_password_wrong"):
    """Somebody who is logged in gave a wrong current password."""

    attempt: str
    session_id: SessionId
    user_id: UserId

    def stream(self) -> str:
        return tag(self.session_id)

    def labels(self) -> tuple[str, ...]:
        return (users.tag(self.user_id),)


class UserUnlocked(Event, frozen=True, kw_only=True, tag="user_unlocked"):
    """An admin said that the failed logins of an account do not count."""

    user_id: UserId
    email_digest: str

    def stream(self) -> str:
        return users.tag(self.user_id)

    def labels(self) -> tuple[str, ...]:
        return (login_tag(self.email_digest),)


EVENTS: Final[tuple[type[Event], ...]] = (
    SessionStarted,
    SessionEnded,
    LoginFailed,
    CurrentPasswordWrong,
    UserUnlocked,
)


class Sessions(msgspec.Struct, frozen=True):
    """One account's ways in, or one session alone, as the boundary has it."""

    active: bool = False
    credential: Credential | None = None
    live: Mapping[SessionId, SessionStarted] = {}
    ended: SessionStarted | SessionEnded | None = None  # the last one that is over
    guesses: Guesses = Guesses()
    wrong: Tries = Tries()  # current passwords, in the session that the boundary names
    attempt: str | None = None  # the last that failed


def evolve(state: Sessions, recorded: Recorded) -> Sessions:
    """Fold one event."""
    replace = msgspec.structs.replace
    match recorded.event:
        case SessionStarted(network=network) as started:
            live = {**state.live, started.session_id: started}
            known = state.guesses.succeed(network, recorded.at)
            return replace(state, live=live, guesses=known)
        case SessionEnded(session_id=session) as ended:
            live = {key: value for key, value in state.live.items() if key != session}
            return replace(state, live=live, ended=ended)
        case LoginFailed(attempt=attempt, network=network):
            failed = state.guesses.fail(network, recorded.at)
            return replace(state, guesses=failed, attempt=attempt)
        case CurrentPasswordWrong(attempt=attempt):
            return replace(state, wrong=state.wrong.one_more(recorded.at), attempt=attempt)
        case UserUnlocked():
            return replace(state, guesses=state.guesses.forgiven())
        case _:
            return _account(state, recorded.event)


def _account(state: Sessions, event: Event) -> Sessions:
    """What happened to the account itself."""
    replace = msgspec.structs.replace
    match event:
        case users.UserCreated(credential=credential) | users.InviteAccepted(credential=credential):
            return replace(state, active=True, credential=credential)
        case users.PasswordChanged(credential=new) | users.PasswordReset(credential=new):
            return replace(_emptied(state), credential=new)
        case users.PasswordResetOffered():
            return _emptied(state)
        case users.UserDeactivated() | users.UserDeleted():
            return replace(_emptied(state), active=False)
        case users.UserReactivated(invited=invited):
            return replace(state, active=not invited)
        case _:
            return state


def _emptied(state: Sessions) -> Sessions:
    """All sessions end at once."""
    last = next(reversed([*state.live.values()]), state.ended)
    return msgspec.structs.replace(state, live={}, ended=last)


def login(user_id: UserId | None, email_digest: str, at: datetime) -> Boundary:
    """An account, its sessions, and the failures under its e-mail address that still count."""
    days = (day_of(at - guesses.FAILURES_KEPT), day_of(at))
    failures = tuple(Clause((LoginFailed,), (day_tag(email_digest, day),)) for day in days)
    counting = (*failures, Clause((UserUnlocked,), (login_tag(email_digest),)))
    return counting if user_id is None else (*counting, *of_user(user_id))


def of_user(user_id: UserId) -> Boundary:
    """An account and its sessions."""
    return (Clause((*users.EVENTS, SessionStarted, SessionEnded), (users.tag(user_id),)),)


def guarded(user_id: UserId, session_id: SessionId) -> Boundary:
    """An account, its sessions, and the wrong passwords that were given in one of them."""
    return (*of_user(user_id), Clause((CurrentPasswordWrong,), (tag(session_id),)))


def one(session_id: SessionId, user_id: UserId) -> Boundary:
    """One session, and what ends all sessions of its user."""
    return (
        Clause((SessionStarted, SessionEnded), (tag(session_id),)),
        Clause(users.ENDS_SESSIONS, (users.tag(user_id),)),
    )


def start(
    state: Sessions, started: SessionStarted, *, verified: Credential, at: datetime
) -> list[Event]:
    """Log in with the password that was verified. Raises TooManyAttempts, BadCredentials."""
    if started.session_id in state.live:
        return []
    # A right guess among many at once must not tell itself by another answer than a wrong one's.
    guesses.heard(state.guesses.until(started.network, at), at)
    if not state.active or state.credential != verified:
        raise BadCredentials
    return [*_make_room(state, at), started]


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
    if not state.active or state.credential != verified:
        raise PasswordStale
    return [changed, started]


def _make_room(state: Sessions, at: datetime) -> list[Event]:
    """End what has expired, and the oldest where there are too many."""
    expired = [session for session in state.live.values() if session.expires_at <= at]
    running = [session for session in state.live.values() if session.expires_at > at]
    surplus = running[: max(0, len(running) + 1 - SESSIONS_PER_USER_MAX)]
    return [
        *(_end(session, Ending.EXPIRED) for session in expired),
        *(_end(session, Ending.DISPLACED) for session in surplus),
    ]


def fail(state: Sessions, failed: LoginFailed, at: datetime) -> list[Event]:
    """Count a failed login. Raises TooManyAttempts when it should not have been made."""
    if state.attempt == failed.attempt:
        return []
    guesses.heard(state.guesses.until(failed.network, at), at)
    return [failed]


def fail_again(state: Sessions, failed: CurrentPasswordWrong, at: datetime) -> list[Event]:
    """Count a wrong current password. Raises TooManyAttempts, as `fail` does."""
    if state.attempt == failed.attempt:
        return []
    guesses.heard(state.wrong.until(at), at)
    return [failed]


def end(state: Sessions, session_id: SessionId, user_id: UserId, reason: Ending) -> list[Event]:
    """End one of a user's own sessions. Raises SessionMissing, for others' too."""
    session = state.live.get(session_id) or state.ended
    if session is None or (session.session_id, session.user_id) != (session_id, user_id):
        raise SessionMissing
    return [_end(session, reason)] if session_id in state.live else []


def end_all(state: Sessions) -> list[Event]:
    """End all sessions of an account."""
    return [_end(session, Ending.REVOKED) for session in state.live.values()]


def unlock(state: Sessions, unlocked: UserUnlocked) -> list[Event]:
    """Let the failed logins of an account count no more."""
    return [unlocked] if state.guesses != state.guesses.forgiven() else []


def _end(session: SessionStarted | SessionEnded, reason: Ending) -> Event:
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


class SessionMissing(Refused):
    """The user has no such session."""

    def __init__(self) -> None:
        super().__init__("Session not found.")
