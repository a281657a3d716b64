"""The intents around logging in with an account at another place."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, assert_never

from commands.kernel import Command, Forget, Keep
from commands.sessions import NewSession
from domain import identities
from domain.identities import Provider, Reason
from domain.kernel import Boundary, Decider, Event
from domain.sessions import SessionId
from domain.users import Credential, UserId

DIGEST: Final = "identity"  # the kind of digest of a provider and its name for a person
ATTEMPT: Final = "oauth_attempt"  # the kind of digest of an attempt


class LogInWithIdentity(Command, frozen=True, kw_only=True):
    """Log in as the account that an identity opens, or accept its invitation.

    `partial`: a second factor is due, and the session is good for giving that alone.
    """

    user_id: UserId
    email_digest: str
    provider: Provider
    identity: str
    attempt: str
    session: NewSession
    partial: bool = False
    vouched: bool = False  # the provider vouches for the account's e-mail address
    credential: Credential
    at: datetime

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (self.session.keep(self.user_id),)


class LinkIdentity(Command, frozen=True, kw_only=True):
    """Let an identity open an account whose owner is logged in, and has given the password."""

    user_id: UserId
    session_id: SessionId
    provider: Provider
    identity: str
    attempt: str


class UnlinkIdentity(Command, frozen=True, kw_only=True):
    """Let an identity open its account no more; all sessions but this one end."""

    user_id: UserId
    session_id: SessionId
    provider: Provider
    identity: str


class RefuseIdentity(Command, frozen=True, kw_only=True):
    """Note that somebody came back from a provider and was not let in."""

    provider: Provider
    attempt: str
    reason: Reason


IdentityCommand = LogInWithIdentity | LinkIdentity | UnlinkIdentity | RefuseIdentity


def boundary(command: IdentityCommand) -> Boundary:
    """What counts."""
    if isinstance(command, RefuseIdentity):
        return identities.attempt(command.attempt)
    if isinstance(command, UnlinkIdentity):
        return identities.links(command.user_id, command.identity)
    return identities.login(command.user_id, command.identity, command.attempt)


def decide(state: identities.Identities, command: IdentityCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case LinkIdentity(session_id=session_id):
            return identities.link(state, _proved(command), session_id)
        case LogInWithIdentity(user_id=user, email_digest=digest, provider=provider):
            session, method = command.session, identities.METHODS[provider]
            partial = session.begun(user, digest)
            return identities.log_in(
                state,
                _proved(command),
                partial if command.partial else session.started(user, digest, method),
                credential=command.credential,
                vouched=command.vouched,
                at=command.at,
            )
        case UnlinkIdentity(user_id=user, provider=provider, identity=identity):
            unlinked = identities.IdentityUnlinked(
                user_id=user, provider=provider, identity=identity
            )
            return identities.unlink(state, unlinked, command.session_id)
        case RefuseIdentity(provider=provider, attempt=attempt, reason=reason):
            refused = identities.IdentityRefused(provider=provider, attempt=attempt, reason=reason)
            return identities.refuse(state, refused)
        case _:
            assert_never(command)


def _proved(command: LogInWithIdentity | LinkIdentity) -> identities.IdentityProved:
    return identities.IdentityProved(
        user_id=command.user_id,
        provider=command.provider,
        identity=command.identity,
        attempt=command.attempt,
    )


_DECIDER: Final = Decider(
    initial=identities.Identities(),
    boundary=boundary,
    evolve=identities.evolve,
    decide=decide,
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    LogInWithIdentity: _DECIDER,
    LinkIdentity: _DECIDER,
    UnlinkIdentity: _DECIDER,
    RefuseIdentity: _DECIDER,
}
