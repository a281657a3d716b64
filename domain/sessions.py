"""Being logged in, what is remembered of logins, and how sessions end.

How one begins stands in logins.py and factors.py. A session is over when an event ends it, when it
expires, when it lies idle (which no event tells, see the `Seen` port), when password, factor or
access of the account change (`ENDS_ALL`), and when the project is restored. A partial session,
which waits for a second factor, is another thing: it is good for giving that alone.

Guesses are counted by the e-mail address that was typed, so that absent accounts are slowed down
like existing ones and cannot be told from them; a restore forgets them, and who was known. Whoever
is logged in and gives a wrong current password slows down that session alone: strangers' guesses
never stand in the way of a session.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType, TypeVar

import msgspec

from domain import backups, guesses, totp, users
from domain.guesses import Guesses, Tries
from domain.kernel import Boundary, Clause, Event, Recorded, Refused
from domain.users import Credential, UserId

SessionId = NewType("SessionId", str)
Value = TypeVar("Value")


class Method(StrEnum):
    """How a session began."""

    PASSWORD = "password"  # noqa: S105 - the word itself
    PASSWORD_CHANGE = "password_change"  # noqa: S105
    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    FACTOR_CHANGE = "factor_change"
    GOOGLE = "oauth:google"
    GITHUB = "oauth:github"


class Given(StrEnum):
    """What was given wrongly."""

    PASSWORD = "password"  # noqa: S105 - the word itself
    CODE = "code"


class Ending(StrEnum):
    """Why a session is over."""

    LOGOUT = "logout"
    REVOKED = "revoked"
    EXPIRED = "expired"
    DISPLACED = "displaced"
    COMPLETED = "completed"  # a partial one: the second factor was given
    GUESSED = "guessed"  # a partial one: too many wrong codes


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
    device: str = ""  # keyed digest of the token by which the browser is known again

    def stream(self) -> str:
        return tag(self.session_id)

    def labels(self) -> tuple[str, ...]:
        return (users.tag(self.user_id), login_tag(self.email_digest))


class PartialSessionStarted(Event, frozen=True, kw_only=True, tag="partial_session_started"):
    """The password was right, or the identity known; the second factor is due."""

    session_id: SessionId
    user_id: UserId
    email_digest: str
    proof: str  # keyed digest of the token
    expires_at: datetime

    def stream(self) -> str:
        return tag(self.session_id)

    def labels(self) -> tuple[str, ...]:
        return (users.tag(self.user_id),)


class SessionEnded(Event, frozen=True, kw_only=True, tag="session_ended"):
    """One session is over, or one partial session."""

    session_id: SessionId
    user_id: UserId
    reason: Ending

    def stream(self) -> str:
        return tag(self.session_id)

    def labels(self) -> tuple[str, ...]:
        return (users.tag(self.user_id),)


class LoginFailed(Event, frozen=True, kw_only=True, tag="login_failed"):
    """A password or code was wrong, or there is no such account that may log in."""

    attempt: str
    email_digest: str
    user_id: UserId | None
    network: str  # keyed digest of the caller's network, or of its device when that is known
    day: str = ""  # of the attempt, in UTC
    unheard: int = 0  # attempts by anybody that were turned away since the last recorded failure
    given: Given = Given.PASSWORD
    session_id: SessionId | None = None  # the partial session of a wrong code

    def stream(self) -> str:
        return login_tag(self.email_digest)

    def labels(self) -> tuple[str, ...]:
        day = (day_tag(self.email_digest, self.day),) if self.day else ()
        return day if self.user_id is None else (users.tag(self.user_id), *day)


class CurrentPasswordWrong(Event, frozen=True, kw_only=True, tag="current_password_wrong"):
    """Somebody who is logged in gave a wrong current password, or a wrong code."""

    attempt: str
    session_id: SessionId
    user_id: UserId
    given: Given = Given.PASSWORD

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
    PartialSessionStarted,
)
ENDS_ALL: Final = (*users.ENDS_SESSIONS, *totp.ENDS_SESSIONS)
_Beginning = SessionStarted | PartialSessionStarted


class Partial(msgspec.Struct, frozen=True):
    """A partial session, and how many wrong codes it has seen."""

    started: PartialSessionStarted
    wrong: int = 0


class Sessions(msgspec.Struct, frozen=True):
    """One account's ways in, or one session alone, as the boundary has it."""

    active: bool = False
    credential: Credential | None = None
    live: Mapping[SessionId, SessionStarted] = {}
    partials: Mapping[SessionId, Partial] = {}
    factor: totp.Factor = totp.Factor()
    ended: _Beginning | SessionEnded | None = None  # the last one that is over
    guesses: Guesses = Guesses()
    wrong: Tries = Tries()  # current passwords, in the session that the boundary names
    attempt: str | None = None  # the last that failed


def evolve(state: Sessions, recorded: Recorded) -> Sessions:
    """Fold one event."""
    replace, event = msgspec.structs.replace, recorded.event
    match event:
        case SessionStarted(network=network, device=device) as started:
            live = {**state.live, started.session_id: started}
            known = state.guesses.succeed(network, recorded.at, device)
            return replace(state, live=live, guesses=known)
        case PartialSessionStarted(session_id=session) as begun:
            return replace(state, partials={**state.partials, session: Partial(begun)})
        case SessionEnded(session_id=session) as ended:
            live, partials = _without(state.live, session), _without(state.partials, session)
            return replace(state, live=live, partials=partials, ended=ended)
        case LoginFailed(attempt=attempt, network=network, session_id=session):
            failed = state.guesses.fail(network, recorded.at)
            wrong = _one_more_wrong(state.partials, session)
            return replace(state, guesses=failed, partials=wrong, attempt=attempt)
        case CurrentPasswordWrong(attempt=attempt):
            return replace(state, wrong=state.wrong.one_more(recorded.at), attempt=attempt)
        case UserUnlocked():
            return replace(state, guesses=state.guesses.forgiven())
        case backups.BackupRestored():
            return replace(_emptied(state), guesses=Guesses())
        case _:
            return _account(state, event)


def _account(state: Sessions, event: Event) -> Sessions:
    """What happened to the account itself."""
    replace = msgspec.structs.replace
    if isinstance(event, ENDS_ALL):
        state = _emptied(state)
    state = replace(state, factor=totp.evolve(state.factor, event))
    match event:
        case users.UserCreated(credential=credential) | users.InviteAccepted(credential=credential):
            return replace(state, active=True, credential=credential)
        case users.PasswordChanged(credential=new) | users.PasswordReset(credential=new):
            return replace(state, credential=new)
        case users.UserDeactivated() | users.UserDeleted():
            return replace(state, active=False)
        case users.UserReactivated(invited=invited):
            return replace(state, active=not invited)
        case _:
            return state


def _emptied(state: Sessions) -> Sessions:
    """All sessions end at once."""
    begun = [*(partial.started for partial in state.partials.values()), *state.live.values()]
    last = begun[-1] if begun else state.ended
    return msgspec.structs.replace(state, live={}, partials={}, ended=last)


def _without(values: Mapping[SessionId, Value], session_id: SessionId) -> dict[SessionId, Value]:
    return {key: value for key, value in values.items() if key != session_id}


def _one_more_wrong(
    partials: Mapping[SessionId, Partial], session_id: SessionId | None
) -> Mapping[SessionId, Partial]:
    if session_id is None or session_id not in partials:
        return partials
    partial = partials[session_id]
    return {**partials, session_id: Partial(partial.started, partial.wrong + 1)}


def login(user_id: UserId | None, email_digest: str, at: datetime) -> Boundary:
    """An account, its sessions, and the failures under its e-mail address that still count."""
    days = (day_of(at - guesses.FAILURES_KEPT), day_of(at))
    failures = tuple(Clause((LoginFailed,), (day_tag(email_digest, day),)) for day in days)
    counting = (*failures, Clause((UserUnlocked,), (login_tag(email_digest),)))
    if user_id is None:
        return (*counting, *backups.restores())
    return (*counting, *of_user(user_id))


def of_user(user_id: UserId) -> Boundary:
    """An account and its sessions."""
    own = (SessionStarted, PartialSessionStarted, SessionEnded)
    account = Clause((*users.EVENTS, *totp.EVENTS, *own), (users.tag(user_id),))
    return (account, *backups.restores())


def guarded(user_id: UserId, session_id: SessionId) -> Boundary:
    """An account, its sessions, and the wrong passwords that were given in one of them."""
    return (*of_user(user_id), Clause((CurrentPasswordWrong,), (tag(session_id),)))


def one(session_id: SessionId, user_id: UserId) -> Boundary:
    """One session, and what ends all sessions of its user."""
    return (
        Clause((SessionStarted, PartialSessionStarted, SessionEnded), (tag(session_id),)),
        Clause(ENDS_ALL, (users.tag(user_id),)),
        *backups.restores(),
    )


def end(state: Sessions, session_id: SessionId, user_id: UserId, reason: Ending) -> list[Event]:
    """End one of a user's own sessions. Raises SessionMissing, for others' too."""
    going = _going(state, session_id)
    found = going or state.ended
    if found is None or (found.session_id, found.user_id) != (session_id, user_id):
        raise SessionMissing
    return [over(going, reason)] if going else []


def _going(state: Sessions, session_id: SessionId) -> _Beginning | None:
    if session_id in state.partials:
        return state.partials[session_id].started
    return state.live.get(session_id)


def end_all(state: Sessions, but: SessionId | None = None) -> list[Event]:
    """End all sessions of an account but one, if one is named; partial ones too."""
    begun: list[_Beginning] = [partial.started for partial in state.partials.values()]
    begun += state.live.values()
    return [over(session, Ending.REVOKED) for session in begun if session.session_id != but]


def over(session: _Beginning, reason: Ending) -> Event:
    """The event of a session's end."""
    return SessionEnded(session_id=session.session_id, user_id=session.user_id, reason=reason)


class SessionMissing(Refused):
    """The user has no such session."""

    def __init__(self) -> None:
        super().__init__("Session not found.")
