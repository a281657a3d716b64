"""The intents around logging in and out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol, assert_never

import msgspec

from commands.kernel import Command, Forget, Keep
from commands.users import PASSWORD
from domain import logins, sessions
from domain.kernel import Boundary, Decider, Event
from domain.sessions import (
    Ending,
    Given,
    Method,
    PartialSessionStarted,
    SessionId,
    SessionStarted,
)
from domain.users import Credential, PasswordChanged, UserId

CLIENT: Final = "session"  # the vault's kind of what is known of a session's client
DIGEST: Final = "session"  # the kind of digest that proves a token
NETWORK: Final = "network"  # the kind of digest of a caller's network
DEVICE: Final = "device"  # the kind of digest of a browser's own token


class Seen(Protocol):
    """When sessions and keys were last used: kept beside the log, lost at worst with a minute."""

    def touch(self, id: str, at: datetime) -> None:
        """It is used now; `id` is `session:<id>` or `key:<id>`."""
        ...

    def last(self, id: str) -> datetime | None:
        """When it was last used, as far as is known."""
        ...


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """Where a session was begun: personal data, so it lies in the vault."""

    address: str = ""
    agent: str = ""


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session to be; `proof` is the keyed digest of its token."""

    session_id: SessionId
    proof: str
    expires_at: datetime
    network: str = ""  # keyed digest
    device: str = ""  # keyed digest
    client: Client = Client()

    def started(self, user_id: UserId, email_digest: str, method: Method) -> SessionStarted:
        """The event of its beginning."""
        return SessionStarted(
            session_id=self.session_id,
            user_id=user_id,
            email_digest=email_digest,
            proof=self.proof,
            method=method,
            expires_at=self.expires_at,
            network=self.network,
            device=self.device,
        )

    def begun(self, user_id: UserId, email_digest: str) -> PartialSessionStarted:
        """The event of its beginning, when the second factor is due still."""
        return PartialSessionStarted(
            session_id=self.session_id,
            user_id=user_id,
            email_digest=email_digest,
            proof=self.proof,
            expires_at=self.expires_at,
        )

    def keep(self, owner: str) -> Keep:
        """What the vault is to hold, no longer than the session can last."""
        value = msgspec.json.encode(self.client)
        return Keep(CLIENT, self.session_id, value, self.expires_at, owner=owner)


class StartSession(Command, frozen=True, kw_only=True):
    """Log in; `verified` names the password that was right.

    `partial`: a second factor is due, and the session is good for giving that alone.
    """

    user_id: UserId
    email_digest: str
    session: NewSession
    verified: Credential
    partial: bool = False
    rehashed: str | None = None  # the same password under newer parameters
    at: datetime

    def vault(self) -> tuple[Keep | Forget, ...]:
        if self.rehashed is None:
            return (self.session.keep(self.user_id),)
        return (
            self.session.keep(self.user_id),
            Keep(PASSWORD, self.user_id, self.rehashed.encode()),
        )


class FailLogin(Command, frozen=True, kw_only=True):
    """A password or code was wrong, or nobody has this e-mail address."""

    attempt: str
    email_digest: str
    user_id: UserId | None = None
    network: str = ""
    unheard: int = 0
    given: Given = Given.PASSWORD
    session_id: SessionId | None = None  # the partial session of a wrong code
    at: datetime


class FailCurrentPassword(Command, frozen=True, kw_only=True):
    """Somebody who is logged in gave a wrong current password, or a wrong code."""

    attempt: str
    session_id: SessionId
    user_id: UserId
    given: Given = Given.PASSWORD
    at: datetime


class EndSession(Command, frozen=True, kw_only=True):
    """End one of the user's own sessions."""

    session_id: SessionId
    user_id: UserId
    reason: Ending

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (Forget(CLIENT, self.session_id),)


class ChangePassword(Command, frozen=True, kw_only=True):
    """Choose a new password, knowing the current one, and go on with a new session."""

    user_id: UserId
    email_digest: str
    session_id: SessionId  # in which the current one was given
    verified: Credential
    credential: Credential
    password_hash: str
    session: NewSession
    at: datetime

    def vault(self) -> tuple[Keep | Forget, ...]:
        password = Keep(PASSWORD, self.user_id, self.password_hash.encode())
        return (password, self.session.keep(self.user_id))


class EndAllSessions(Command, frozen=True, kw_only=True):
    """End all sessions of a user, but one if it is named."""

    user_id: UserId
    but: SessionId | None = None


class UnlockUser(Command, frozen=True, kw_only=True):
    """Let the failed logins of an account count no more."""

    user_id: UserId
    email_digest: str
    at: datetime


SessionCommand = (
    StartSession
    | FailLogin
    | FailCurrentPassword
    | EndSession
    | EndAllSessions
    | ChangePassword
    | UnlockUser
)


def boundary(command: SessionCommand) -> Boundary:
    """What counts."""
    match command:
        case StartSession() | FailLogin() | UnlockUser():
            return sessions.login(command.user_id, command.email_digest, command.at)
        case FailCurrentPassword() | ChangePassword():
            return sessions.guarded(command.user_id, command.session_id)
        case EndSession():
            return sessions.one(command.session_id, command.user_id)
        case EndAllSessions():
            return sessions.of_user(command.user_id)
        case _:
            assert_never(command)


def decide(state: sessions.Sessions, command: SessionCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case StartSession():
            return _start(state, command)
        case FailLogin():
            failed = sessions.LoginFailed(
                attempt=command.attempt,
                email_digest=command.email_digest,
                user_id=command.user_id,
                network=command.network,
                day=sessions.day_of(command.at),
                unheard=command.unheard,
                given=command.given,
                session_id=command.session_id,
            )
            return logins.fail(state, failed, command.at)
        case FailCurrentPassword():
            wrong = sessions.CurrentPasswordWrong(
                attempt=command.attempt,
                session_id=command.session_id,
                user_id=command.user_id,
                given=command.given,
            )
            return logins.fail_again(state, wrong, command.at)
        case EndSession():
            return sessions.end(state, command.session_id, command.user_id, command.reason)
        case EndAllSessions():
            return sessions.end_all(state, command.but)
        case UnlockUser(user_id=user, email_digest=digest):
            return logins.unlock(state, sessions.UserUnlocked(user_id=user, email_digest=digest))
        case ChangePassword():
            return _change_password(state, command)
        case _:
            assert_never(command)


def _start(state: sessions.Sessions, command: StartSession) -> Sequence[Event]:
    session, user, digest = command.session, command.user_id, command.email_digest
    if command.partial:
        return logins.start_partial(
            state,
            session.begun(user, digest),
            verified=command.verified,
            network=session.network,
            device=session.device,
            at=command.at,
        )
    started = session.started(user, digest, Method.PASSWORD)
    return logins.start(state, started, verified=command.verified, at=command.at)


def _change_password(state: sessions.Sessions, command: ChangePassword) -> Sequence[Event]:
    user, digest = command.user_id, command.email_digest
    started = command.session.started(user, digest, Method.PASSWORD_CHANGE)
    return logins.change_password(
        state,
        PasswordChanged(user_id=user, credential=command.credential),
        started,
        verified=command.verified,
        at=command.at,
    )


_DECIDER: Final = Decider(
    initial=sessions.Sessions(), boundary=boundary, evolve=sessions.evolve, decide=decide
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    StartSession: _DECIDER,
    FailLogin: _DECIDER,
    FailCurrentPassword: _DECIDER,
    EndSession: _DECIDER,
    EndAllSessions: _DECIDER,
    UnlockUser: _DECIDER,
    ChangePassword: _DECIDER,
}
