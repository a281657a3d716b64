"""Logging in with an account at another place: who is let in, and how an identity becomes known.

An identity is a provider and its name for a person (the *subject*), never an e-mail address: those
pass from hand to hand. Invariants: an identity opens the account that it was linked to last; it is
linked when its provider vouches for the e-mail address that an admin has invited, while the
invitation is good, which is accepted by that, or by somebody who is logged in and has given the
password; no account begins by it, and none that has a password is linked because of an address. An
attempt ends once: with a session, a link, or refused. A second factor is due as it is after a
password. Unlinking leaves an account a way in, and ends its other sessions, which may have begun
with what is not trusted any more.

Events hold keyed digests of identities and attempts.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from domain import logins, sessions, users
from domain.kernel import Boundary, Clause, Event, Recorded, Refused
from domain.sessions import (
    Method,
    PartialSessionStarted,
    SessionId,
    Sessions,
    SessionStarted,
)
from domain.users import Credential, Standing, UserId, Users


class Provider(StrEnum):
    """Where somebody may be known."""

    GOOGLE = "google"
    GITHUB = "github"


METHODS: Final[Mapping[Provider, Method]] = {
    Provider.GOOGLE: Method.GOOGLE,
    Provider.GITHUB: Method.GITHUB,
}


class Reason(StrEnum):
    """Why an attempt came to nothing."""

    DENIED = "denied"  # the provider says so, or the person there
    INVALID = "invalid"  # what the provider says does not hold
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"  # to us: no account is linked, and none is invited


def identity_tag(identity: str) -> str:
    """The tag of everything that changes which account an identity opens."""
    return f"identity:{identity}"


def attempt_tag(attempt: str) -> str:
    """The tag of what an attempt ended with."""
    return f"attempt:{attempt}"


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class IdentityLinked(Event, frozen=True, kw_only=True, tag="identity_linked"):
    """An identity opens this account from now on."""

    user_id: UserId
    provider: Provider
    identity: str  # keyed digest of the provider and its name for the person

    def stream(self) -> str:
        return users.tag(self.user_id)

    def labels(self) -> tuple[str, ...]:
        return (identity_tag(self.identity),)


class IdentityUnlinked(Event, frozen=True, kw_only=True, tag="identity_unlinked"):
    """An identity opens this account no more: its owner says so, or it opens another one."""

    user_id: UserId
    provider: Provider
    identity: str

    def stream(self) -> str:
        return users.tag(self.user_id)

    def labels(self) -> tuple[str, ...]:
        return (identity_tag(self.identity),)


class IdentityProved(Event, frozen=True, kw_only=True, tag="identity_proved"):
    """The provider said who it is, and that opens the account; the attempt is spent."""

    user_id: UserId
    provider: Provider
    identity: str
    attempt: str  # keyed digest

    def stream(self) -> str:
        return users.tag(self.user_id)

    def labels(self) -> tuple[str, ...]:
        return (attempt_tag(self.attempt),)


class IdentityRefused(Event, frozen=True, kw_only=True, tag="identity_refused"):
    """Somebody came back from a provider, and was not let in; the attempt is spent."""

    provider: Provider
    attempt: str  # keyed digest
    reason: Reason

    def stream(self) -> str:
        return attempt_tag(self.attempt)


EVENTS: Final[tuple[type[Event], ...]] = (
    IdentityLinked,
    IdentityProved,
    IdentityRefused,
    IdentityUnlinked,
)
IDENTITIES_PER_USER_MAX: Final = 10
_LINKS: Final = (IdentityLinked, IdentityUnlinked)


class Identities(msgspec.Struct, frozen=True):
    """One account with its sessions, whose an identity is, and which attempts are spent."""

    users: Users = Users()
    sessions: Sessions = Sessions()
    owners: Mapping[str, UserId] = {}  # by identity
    unlinked: Mapping[str, UserId] = {}  # by identity: whom it opened before
    bare: frozenset[UserId] = frozenset()  # accounts that never had a password
    spent: frozenset[str] = frozenset()  # attempts


def evolve(state: Identities, recorded: Recorded) -> Identities:
    """Fold one event."""
    state = msgspec.structs.replace(
        state,
        users=users.evolve(state.users, recorded),
        sessions=sessions.evolve(state.sessions, recorded),
    )
    match recorded.event:
        case IdentityLinked(identity=identity, user_id=user):
            account = state.users.accounts.get(user)
            bare = account is not None and account.status is Standing.INVITED
            return msgspec.structs.replace(
                state,
                owners={**state.owners, identity: user},
                bare=state.bare | {user} if bare else state.bare,
            )
        case IdentityUnlinked(identity=identity, user_id=user):
            owners = {key: owner for key, owner in state.owners.items() if key != identity}
            unlinked = {**state.unlinked, identity: user}
            return msgspec.structs.replace(state, owners=owners, unlinked=unlinked)
        case users.PasswordChanged(user_id=user) | users.PasswordReset(user_id=user):
            return msgspec.structs.replace(state, bare=state.bare - {user})
        case IdentityProved(attempt=attempt) | IdentityRefused(attempt=attempt):
            return msgspec.structs.replace(state, spent=state.spent | {attempt})
        case _:
            return state


def attempt(attempt: str) -> Boundary:
    """What an attempt ended with."""
    return (Clause((IdentityProved, IdentityRefused), (attempt_tag(attempt),)),)


def login(user_id: UserId, identity: str, tried: str) -> Boundary:
    """What `links` says, and what the attempt ended with."""
    return (*links(user_id, identity), *attempt(tried))


def links(user_id: UserId, identity: str) -> Boundary:
    """An account, its sessions, which identities it has had, and whose this one is."""
    own, of_this = Clause(_LINKS, (users.tag(user_id),)), Clause(_LINKS, (identity_tag(identity),))
    return (*sessions.of_user(user_id), own, of_this)


def log_in(
    state: Identities,
    proved: IdentityProved,
    begun: SessionStarted | PartialSessionStarted,
    *,
    credential: Credential,
    vouched: bool,
    at: datetime,
) -> list[Event]:
    """Log in, or begin to where a second factor is due.

    `vouched`: the provider vouches for the account's e-mail address. `credential` names the
    password that an account which is accepted by this has: none yet. Raises AttemptSpent,
    IdentityUnknown.
    """
    going = state.sessions.live, state.sessions.partials
    if any(begun.session_id in there for there in going):
        return []
    if proved.attempt in state.spent:
        raise AttemptSpent
    accepted = _opened(state, proved, credential, vouched=vouched, at=at)
    due = state.sessions.factor.enabled is not None
    if isinstance(begun, PartialSessionStarted) is not due:  # since a moment ago
        raise IdentityUnknown
    if isinstance(begun, PartialSessionStarted):
        room = logins.make_room_for_partial(state.sessions)
    else:
        room = logins.make_room(state.sessions, at)
    return [*accepted, proved, *room, begun]


def _opened(
    state: Identities,
    proved: IdentityProved,
    credential: Credential,
    *,
    vouched: bool,
    at: datetime,
) -> list[Event]:
    """What it takes that the identity opens the account: nothing more, when it is linked."""
    user = proved.user_id
    account, link = state.users.accounts.get(user), state.users.links.get(user)
    if account is None:
        raise IdentityUnknown
    if account.status is Standing.ACTIVE and state.owners.get(proved.identity) == user:
        return []
    good = link is not None and link.expires_at > at
    if account.status is not Standing.INVITED or not vouched or not good:
        raise IdentityUnknown
    accepted = users.InviteAccepted(user_id=user, role=account.role, credential=credential)
    return [*_linked(state, proved), accepted]


def _linked(state: Identities, proved: IdentityProved) -> list[Event]:
    """The identity opens this account, and whichever it opened before no more."""
    identity, provider = proved.identity, proved.provider
    linked = IdentityLinked(user_id=proved.user_id, provider=provider, identity=identity)
    before = state.owners.get(identity)
    if before is None:
        return [linked]
    return [IdentityUnlinked(user_id=before, provider=provider, identity=identity), linked]


def link(state: Identities, proved: IdentityProved, session_id: SessionId) -> list[Event]:
    """Let an identity open the account of somebody who is logged in, and has proved both.

    Raises AttemptSpent, AttemptUnknown, TooManyIdentities.
    """
    user = proved.user_id
    if state.owners.get(proved.identity) == user:
        return []
    if proved.attempt in state.spent:
        raise AttemptSpent
    if session_id not in state.sessions.live:
        raise AttemptUnknown
    if list(state.owners.values()).count(user) >= IDENTITIES_PER_USER_MAX:
        raise TooManyIdentities
    return [*_linked(state, proved), proved]


def unlink(state: Identities, unlinked: IdentityUnlinked, within: SessionId) -> list[Event]:
    """Let an identity open its account no more; the sessions but this one end.

    Raises IdentityMissing, LastWayIn.
    """
    user, identity = unlinked.user_id, unlinked.identity
    if state.owners.get(identity) != user:
        if state.unlinked.get(identity) == user:
            return []
        raise IdentityMissing
    others = any(key != identity and owner == user for key, owner in state.owners.items())
    if user in state.bare and not others:
        raise LastWayIn
    return [unlinked, *sessions.end_all(state.sessions, but=within)]


def refuse(state: Identities, refused: IdentityRefused) -> list[Event]:
    """Note that an attempt came to nothing."""
    return [] if refused.attempt in state.spent else [refused]


class AttemptSpent(Refused):
    """An attempt ends once."""

    def __init__(self) -> None:
        super().__init__("This login was completed already, or refused; begin again.")


class AttemptUnknown(Refused):
    """What came back from a provider was not begun in this browser, or too long ago."""

    def __init__(self) -> None:
        super().__init__(
            "This login was not begun in this browser, or more than ten minutes ago; begin again."
        )


class IdentityUnknown(Refused):
    """No account may be opened with it: nobody learns why."""

    def __init__(self) -> None:
        super().__init__(
            "No account here can be opened with this login; ask an admin to invite the e-mail"
            " address that you have there."
        )


class IdentityMissing(Refused):
    """The account has no such identity."""

    def __init__(self) -> None:
        super().__init__("No such login is linked to the account.")


class LastWayIn(Refused):
    """Nobody could log in to the account any more."""

    def __init__(self) -> None:
        super().__init__(
            "The account has no password, and this is its only login; ask an admin for a link to"
            " choose a password first."
        )


class TooManyIdentities(Refused):
    """The number of an account's identities is bounded."""

    def __init__(self) -> None:
        super().__init__(
            f"{IDENTITIES_PER_USER_MAX} logins are linked to the account already; unlink one first."
        )


class ProviderMissing(Refused):
    """Nobody has set this provider up."""

    def __init__(self) -> None:
        super().__init__(
            "Logging in with this provider is not configured: an admin sets auth.oauth.google or"
            " auth.oauth.github in project.yml, with client_id and client_secret."
        )


class LoginDenied(Refused):
    """The provider sent somebody back without a login."""

    def __init__(self) -> None:
        super().__init__("The login was cancelled, or the provider refused it; begin again.")
