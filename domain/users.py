"""Who may use the platform, and how an account lives and ends.

Invariants: an e-mail address is one account; there is always an active admin. What takes access
away (a new password, deactivation) ends the account's sessions: no event of its own says so, folds
and read models draw the conclusion. How its owner changes a password stands in sessions.py, beside
the other places where one has to be given; what links are good for, in links.py.

Names, e-mail addresses and password hashes lie in the vault under the user's id.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType, TypeVar

import msgspec

from domain import backups
from domain.kernel import Boundary, Clause, Event, Recorded, Refused
from domain.permissions import Role

UserId = NewType("UserId", str)
Credential = NewType("Credential", str)  # names one version of an account's password
Value = TypeVar("Value")

ADMINS: Final = "admins"  # the tag of everything that changes how many active admins there are


class Standing(StrEnum):
    """What an account is good for."""

    ACTIVE = "active"
    INVITED = "invited"  # has no password yet
    DEACTIVATED = "deactivated"


def tag(user_id: str) -> str:
    """The tag of everything about one account."""
    return f"user:{user_id}"


def email_tag(digest: str) -> str:
    """The tag of everything about whose an e-mail address is."""
    return f"email:{digest}"


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _UserEvent(Event, frozen=True, kw_only=True):
    user_id: UserId

    def stream(self) -> str:
        return tag(self.user_id)


class _Placed(_UserEvent, frozen=True, kw_only=True):
    """What it says of the role may change how many active admins there are."""

    role: Role

    def labels(self) -> tuple[str, ...]:
        return _admins(self.role)


class _LinkMade(_UserEvent, frozen=True, kw_only=True):
    proof: str  # keyed digest of the link's token
    expires_at: datetime


class UserCreated(_Placed, frozen=True, kw_only=True, tag="user_created"):
    """An account begins, with a password."""

    email_digest: str
    credential: Credential
    must_change_password: bool

    def labels(self) -> tuple[str, ...]:
        return (email_tag(self.email_digest), *_admins(self.role))


class UserInvited(_LinkMade, frozen=True, kw_only=True, tag="user_invited"):
    """An account begins without a password: whoever has the link chooses one."""

    role: Role
    email_digest: str

    def labels(self) -> tuple[str, ...]:
        return (email_tag(self.email_digest),)


class InviteRenewed(_LinkMade, frozen=True, kw_only=True, tag="invite_renewed"):
    """Another link was made for an account that has no password yet; the one before is void."""


class InviteAccepted(_Placed, frozen=True, kw_only=True, tag="invite_accepted"):
    """Whoever had the link chose a password: the account is active.

    Or a provider vouched for the e-mail address; the credential then names a password that nobody
    has.
    """

    credential: Credential


class PasswordChanged(_UserEvent, frozen=True, kw_only=True, tag="password_changed"):
    """The owner chose a new password. All sessions that were there end."""

    credential: Credential


class PasswordReset(_UserEvent, frozen=True, kw_only=True, tag="password_reset"):
    """An admin gave a temporary password, to be changed at once. All sessions end."""

    credential: Credential


class PasswordResetOffered(_LinkMade, frozen=True, kw_only=True, tag="password_reset_offered"):
    """An admin had a link made: whoever has it chooses a new password. All sessions end."""


class UserRoleChanged(_Placed, frozen=True, kw_only=True, tag="user_role_changed"):
    """An account has another role."""

    before: Role
    active: bool = True  # False: it has no password yet

    def labels(self) -> tuple[str, ...]:
        return _admins(self.role, self.before)


class UserDeactivated(_Placed, frozen=True, kw_only=True, tag="user_deactivated"):
    """An account lost its access. All sessions end, all API keys and links are dead for good."""


class UserReactivated(_Placed, frozen=True, kw_only=True, tag="user_reactivated"):
    """An account has its access again, with role and password as they were."""

    invited: bool = False  # it had no password, and needs an invitation still


class UserDeleted(_Placed, frozen=True, kw_only=True, tag="user_deleted"):
    """An account is gone, with its sessions, API keys and all that the vault had of it."""

    email_digest: str  # somebody else may have the address from now on

    def labels(self) -> tuple[str, ...]:
        return (email_tag(self.email_digest), *_admins(self.role))


def _admins(*roles: Role) -> tuple[str, ...]:
    return (ADMINS,) if Role.ADMIN in roles else ()


EVENTS: Final[tuple[type[Event], ...]] = (
    UserCreated,
    PasswordChanged,
    PasswordReset,
    UserRoleChanged,
    UserDeactivated,
    UserReactivated,
    UserInvited,
    InviteRenewed,
    InviteAccepted,
    PasswordResetOffered,
    UserDeleted,
)
ENDS_ACCESS: Final = (UserDeactivated, UserDeleted)  # of keys and links too
ENDS_SESSIONS: Final = (PasswordChanged, PasswordReset, PasswordResetOffered, *ENDS_ACCESS)


class Account(msgspec.Struct, frozen=True):
    """What an account is, and what it is good for."""

    role: Role
    status: Standing


class Link(msgspec.Struct, frozen=True):
    """The link that an account's password can be chosen with."""

    proof: str
    expires_at: datetime


class Users(msgspec.Struct, frozen=True):
    """The accounts that a decision is about; with `ADMINS` in its boundary, all active admins."""

    accounts: Mapping[UserId, Account] = {}
    deleted: frozenset[UserId] = frozenset()
    emails: Mapping[str, UserId] = {}  # by digest
    credentials: Mapping[UserId, Credential] = {}
    links: Mapping[UserId, Link] = {}

    @property
    def admins(self) -> int:
        """How many active admins there are."""
        return sum(_is_admin(account) for account in self.accounts.values())


def _is_admin(account: Account) -> bool:
    return account == Account(Role.ADMIN, Standing.ACTIVE)


def evolve(state: Users, recorded: Recorded) -> Users:
    """Fold one event."""
    return _proofs(_standing(state, recorded.event), recorded.event)


def _standing(state: Users, event: Event) -> Users:
    """Which accounts there are, and what they are good for."""
    match event:
        case UserCreated() | UserInvited():
            status = Standing.ACTIVE if isinstance(event, UserCreated) else Standing.INVITED
            emails = {**state.emails, event.email_digest: event.user_id}
            return _set(msgspec.structs.replace(state, emails=emails), event, status)
        case InviteAccepted():
            return _set(state, event, Standing.ACTIVE)
        case UserRoleChanged(active=active):
            return _set(state, event, Standing.ACTIVE if active else Standing.INVITED)
        case UserDeactivated():
            return _set(state, event, Standing.DEACTIVATED)
        case UserReactivated(invited=invited):
            return _set(state, event, Standing.INVITED if invited else Standing.ACTIVE)
        case UserDeleted(user_id=user, email_digest=digest):
            return msgspec.structs.replace(
                state,
                accounts=_without(state.accounts, user),
                deleted=state.deleted | {user},
                emails={key: value for key, value in state.emails.items() if key != digest},
            )
        case _:
            return state


def _set(state: Users, event: _Placed | UserInvited, status: Standing) -> Users:
    accounts = {**state.accounts, event.user_id: Account(event.role, status)}
    return msgspec.structs.replace(state, accounts=accounts)


def _proofs(state: Users, event: Event) -> Users:
    """Which passwords and links are good; a new password makes a link void."""
    replace = msgspec.structs.replace
    match event:
        case _LinkMade():
            link = Link(event.proof, event.expires_at)
            return replace(state, links={**state.links, event.user_id: link})
        case UserCreated() | InviteAccepted() | PasswordChanged() | PasswordReset():
            credentials = {**state.credentials, event.user_id: event.credential}
            links = _without(state.links, event.user_id)
            return replace(state, credentials=credentials, links=links)
        case UserDeactivated(user_id=user) | UserDeleted(user_id=user):
            return replace(state, links=_without(state.links, user))
        case backups.BackupRestored():
            return replace(state, links={})
        case _:
            return state


def _without(values: Mapping[UserId, Value], user_id: UserId) -> dict[UserId, Value]:
    return {key: value for key, value in values.items() if key != user_id}


def account(user_id: UserId) -> Boundary:
    """One account."""
    return (Clause(EVENTS, (tag(user_id),)), *backups.restores())


def newcomer(user_id: UserId, email_digest: str) -> Boundary:
    """An account that is to be, and whoever has its e-mail address."""
    return (*account(user_id), Clause(EVENTS, (email_tag(email_digest),)))


def account_among_admins(user_id: UserId) -> Boundary:
    """One account, and all that tells how many active admins there are."""
    return (*account(user_id), Clause(EVENTS, (ADMINS,)))


def create(state: Users, begun: UserCreated | UserInvited) -> list[Event]:
    """Begin an account. Raises EmailTaken."""
    owner = state.emails.get(begun.email_digest)
    if owner == begun.user_id:
        return []
    if owner is not None:
        raise EmailTaken
    if begun.user_id in state.accounts or begun.user_id in state.deleted:
        raise ValueError("a user id was used twice")  # ids are random: this would be a bug
    return [begun]


def change_role(state: Users, user_id: UserId, role: Role) -> list[Event]:
    """Give another role. Raises UserMissing, UserInactive, LastAdmin."""
    found = standing(state, user_id)
    if role is found.role:
        return []
    _spare_last_admin(state, found)
    active = found.status is Standing.ACTIVE
    return [UserRoleChanged(user_id=user_id, role=role, before=found.role, active=active)]


def deactivate(state: Users, user_id: UserId) -> list[Event]:
    """Take all access away. Raises UserMissing, LastAdmin."""
    found = _there(state, user_id)
    if found.status is Standing.DEACTIVATED:
        return []
    _spare_last_admin(state, found)
    return [UserDeactivated(user_id=user_id, role=found.role)]


def reactivate(state: Users, user_id: UserId) -> list[Event]:
    """Give access back. Raises UserMissing."""
    found = _there(state, user_id)
    if found.status is not Standing.DEACTIVATED:
        return []
    invited = user_id not in state.credentials
    return [UserReactivated(user_id=user_id, role=found.role, invited=invited)]


def delete(state: Users, user_id: UserId, confirmed: str | None) -> list[Event]:
    """End an account for good; `confirmed` is the digest of an address that must be its own.

    Raises UserMissing, EmailDiffers, LastAdmin.
    """
    if user_id in state.deleted:
        return []
    found = _there(state, user_id)
    digest = next(key for key, owner in state.emails.items() if owner == user_id)
    if confirmed is not None and confirmed != digest:
        raise EmailDiffers
    _spare_last_admin(state, found)
    return [UserDeleted(user_id=user_id, role=found.role, email_digest=digest)]


def _spare_last_admin(state: Users, account: Account) -> None:
    if _is_admin(account) and state.admins == 1:
        raise LastAdmin


def _there(state: Users, user_id: UserId) -> Account:
    if user_id not in state.accounts:
        raise UserMissing
    return state.accounts[user_id]


def standing(state: Users, user_id: UserId) -> Account:
    """An account that is active or invited. Raises UserMissing, UserInactive."""
    found = _there(state, user_id)
    if found.status is Standing.DEACTIVATED:
        raise UserInactive
    return found


def with_password(state: Users, user_id: UserId) -> Account:
    """An account that is active. Raises UserMissing, UserInactive, UserPending."""
    found = standing(state, user_id)
    if found.status is Standing.INVITED:
        raise UserPending
    return found


class UserMissing(Refused):
    """No account has this id."""

    def __init__(self) -> None:
        super().__init__("User not found.")


class UserInactive(Refused):
    """The account is deactivated."""

    def __init__(self) -> None:
        super().__init__("The user is deactivated; reactivate the account first.")


class UserPending(Refused):
    """The account has no password that could be reset."""

    def __init__(self) -> None:
        super().__init__("The user has not accepted the invitation yet; send it again instead.")


class EmailTaken(Refused):
    """Another account has this e-mail address."""

    def __init__(self) -> None:
        super().__init__("A user with this e-mail address already exists.")


class EmailDiffers(Refused):
    """The address that was given to be sure is not the account's."""

    def __init__(self) -> None:
        super().__init__("The e-mail address is not this user's; nothing was deleted.")


class LastAdmin(Refused):
    """Nobody could administer the platform any more."""

    def __init__(self) -> None:
        super().__init__("This is the only active admin.")
