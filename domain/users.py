"""Who may use the platform, and how an account lives and ends.

Invariants: an e-mail address is one account; there is always an active admin. What takes access
away (a new password, deactivation) ends the account's sessions: no event of its own says so, folds
and read models draw the conclusion. How its owner changes a password stands in sessions.py, beside
the other places where one has to be given.

Names, e-mail addresses and password hashes lie in the vault under the user's id.
"""

from collections.abc import Mapping
from typing import Final, NewType, TypeVar

import msgspec

from domain.kernel import Boundary, Clause, Event, Recorded, Refused
from domain.permissions import Role

UserId = NewType("UserId", str)
Credential = NewType("Credential", str)  # names one version of an account's password
Value = TypeVar("Value")

ADMINS: Final = "admins"  # the tag of everything that changes how many active admins there are


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


class UserCreated(_UserEvent, frozen=True, kw_only=True, tag="user_created"):
    """An account begins, with a password."""

    role: Role
    email_digest: str
    credential: Credential
    must_change_password: bool

    def labels(self) -> tuple[str, ...]:
        return (email_tag(self.email_digest), *_admins(self.role))


class PasswordChanged(_UserEvent, frozen=True, kw_only=True, tag="password_changed"):
    """The owner chose a new password. All sessions that were there end."""

    credential: Credential


class PasswordReset(_UserEvent, frozen=True, kw_only=True, tag="password_reset"):
    """An admin gave a temporary password, to be changed at once. All sessions end."""

    credential: Credential


class UserRoleChanged(_UserEvent, frozen=True, kw_only=True, tag="user_role_changed"):
    """An account has another role."""

    role: Role
    before: Role

    def labels(self) -> tuple[str, ...]:
        return _admins(self.role, self.before)


class UserDeactivated(_UserEvent, frozen=True, kw_only=True, tag="user_deactivated"):
    """An account lost its access. All sessions end, all API keys are dead for good."""

    role: Role

    def labels(self) -> tuple[str, ...]:
        return _admins(self.role)


class UserReactivated(_UserEvent, frozen=True, kw_only=True, tag="user_reactivated"):
    """An account has its access again, with role and password as they were."""

    role: Role

    def labels(self) -> tuple[str, ...]:
        return _admins(self.role)


def _admins(*roles: Role) -> tuple[str, ...]:
    return (ADMINS,) if Role.ADMIN in roles else ()


EVENTS: Final[tuple[type[Event], ...]] = (
    UserCreated,
    PasswordChanged,
    PasswordReset,
    UserRoleChanged,
    UserDeactivated,
    UserReactivated,
)
ENDS_SESSIONS: Final = (PasswordChanged, PasswordReset, UserDeactivated)


class Users(msgspec.Struct, frozen=True):
    """The accounts that a decision is about; with `ADMINS` in its boundary, all active admins."""

    active: Mapping[UserId, Role] = {}
    deactivated: Mapping[UserId, Role] = {}
    emails: Mapping[str, UserId] = {}  # by digest
    credentials: Mapping[UserId, Credential] = {}

    @property
    def admins(self) -> int:
        """How many active admins there are."""
        return sum(role is Role.ADMIN for role in self.active.values())


def evolve(state: Users, recorded: Recorded) -> Users:
    """Fold one event."""
    replace = msgspec.structs.replace
    match recorded.event:
        case UserCreated(user_id=user, role=role, email_digest=digest, credential=credential):
            return replace(
                state,
                active={**state.active, user: role},
                emails={**state.emails, digest: user},
                credentials={**state.credentials, user: credential},
            )
        case (
            PasswordChanged(user_id=user, credential=new)
            | PasswordReset(user_id=user, credential=new)
        ):
            return replace(state, credentials={**state.credentials, user: new})
        case UserRoleChanged(user_id=user, role=role):
            return replace(state, active={**state.active, user: role})
        case UserDeactivated(user_id=user, role=role):
            return replace(
                state,
                active=_without(state.active, user),
                deactivated={**state.deactivated, user: role},
            )
        case UserReactivated(user_id=user, role=role):
            return replace(
                state,
                active={**state.active, user: role},
                deactivated=_without(state.deactivated, user),
            )
        case _:
            return state


def _without(values: Mapping[UserId, Value], user_id: UserId) -> dict[UserId, Value]:
    return {key: value for key, value in values.items() if key != user_id}


def account(user_id: UserId) -> Boundary:
    """One account."""
    return (Clause(EVENTS, (tag(user_id),)),)


def newcomer(user_id: UserId, email_digest: str) -> Boundary:
    """An account that is to be, and whoever has its e-mail address."""
    return (*account(user_id), Clause(EVENTS, (email_tag(email_digest),)))


def account_among_admins(user_id: UserId) -> Boundary:
    """One account, and all that tells how many active admins there are."""
    return (*account(user_id), Clause(EVENTS, (ADMINS,)))


def create(state: Users, created: UserCreated) -> list[Event]:
    """Begin an account. Raises EmailTaken."""
    owner = state.emails.get(created.email_digest)
    if owner == created.user_id:
        return []
    if owner is not None:
        raise EmailTaken
    if created.user_id in state.credentials:
        raise ValueError("a user id was used twice")  # ids are random: this would be a bug
    return [created]


def reset_password(state: Users, user_id: UserId, credential: Credential) -> list[Event]:
    """Put a temporary password in force."""
    _active(state, user_id)
    if state.credentials[user_id] == credential:
        return []
    return [PasswordReset(user_id=user_id, credential=credential)]


def change_role(state: Users, user_id: UserId, role: Role) -> list[Event]:
    """Give another role. Raises LastAdmin."""
    before = _active(state, user_id)
    if role is before:
        return []
    if before is Role.ADMIN and state.admins == 1:
        raise LastAdmin
    return [UserRoleChanged(user_id=user_id, role=role, before=before)]


def deactivate(state: Users, user_id: UserId) -> list[Event]:
    """Take all access away. Raises LastAdmin."""
    if user_id in state.deactivated:
        return []
    role = _active(state, user_id)
    if role is Role.ADMIN and state.admins == 1:
        raise LastAdmin
    return [UserDeactivated(user_id=user_id, role=role)]


def reactivate(state: Users, user_id: UserId) -> list[Event]:
    """Give access back."""
    if user_id in state.active:
        return []
    if user_id not in state.deactivated:
        raise UserMissing
    return [UserReactivated(user_id=user_id, role=state.deactivated[user_id])]


def _active(state: Users, user_id: UserId) -> Role:
    """The role of an active account. Raises UserMissing, UserInactive."""
    if user_id in state.deactivated:
        raise UserInactive
    if user_id not in state.active:
        raise UserMissing
    return state.active[user_id]


class UserMissing(Refused):
    """No account has this id."""

    def __init__(self) -> None:
        super().__init__("User not found.")


class UserInactive(Refused):
    """The account is deactivated."""

    def __init__(self) -> None:
        super().__init__("The user is deactivated; reactivate the account first.")


class EmailTaken(Refused):
    """Another account has this e-mail address."""

    def __init__(self) -> None:
        super().__init__("A user with this e-mail address already exists.")


class LastAdmin(Refused):
    """Nobody could administer the platform any more."""

    def __init__(self) -> None:
        super().__init__("This is the only active admin.")
