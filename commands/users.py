"""The intents around accounts."""

from collections.abc import Collection, Sequence
from typing import Any, Final, Protocol, assert_never

from commands.kernel import Command, Forget, Keep
from domain import users
from domain.emails import Email
from domain.kernel import Boundary, Decider, Event
from domain.permissions import Role
from domain.users import Credential, UserId

EMAIL_DIGEST: Final = "email"  # the kind of digest of an e-mail address
# What the vault keeps under a user's id.
EMAIL: Final = "email"
DISPLAY_NAME: Final = "display_name"
PASSWORD: Final = "password"  # noqa: S105 - the kind's name; the value is an argon2id hash


class Passwords(Protocol):
    """Slow hashing, on threads of its own. Raises Overloaded when too many wait."""

    @property
    def common(self) -> Collection[str]:
        """The commonest passwords, casefolded."""
        ...

    async def hash(self, password: str) -> str: ...

    async def verify(self, encoded: str | None, password: str, share: str = "") -> bool:
        """None takes as long as any other hash, and is never right.

        Those of one `share` take a part of the room at most, so that others find some.
        """
        ...

    def outdated(self, encoded: str) -> bool:
        """Whether it was made with other parameters than new ones are."""
        ...


class CreateUser(Command, frozen=True, kw_only=True):
    """Begin an account with a password."""

    user_id: UserId
    email: Email
    email_digest: str
    role: Role
    display_name: str = ""
    credential: Credential
    password_hash: str
    must_change_password: bool = False

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (
            Keep(EMAIL, self.user_id, self.email.encode()),
            Keep(DISPLAY_NAME, self.user_id, self.display_name.encode()),
            Keep(PASSWORD, self.user_id, self.password_hash.encode()),
        )


class ChangeRole(Command, frozen=True, kw_only=True):
    """Give an account another role."""

    user_id: UserId
    role: Role


class DeactivateUser(Command, frozen=True, kw_only=True):
    """Take all access away."""

    user_id: UserId


class ReactivateUser(Command, frozen=True, kw_only=True):
    """Give access back."""

    user_id: UserId


class DeleteUser(Command, frozen=True, kw_only=True):
    """End an account for good, and forget whose it was."""

    user_id: UserId
    confirmed: str | None = None  # digest of an e-mail address that must be the account's

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (Forget(None, self.user_id),)


UserCommand = CreateUser | ChangeRole | DeactivateUser | ReactivateUser | DeleteUser


def boundary(command: UserCommand) -> Boundary:
    """What counts."""
    match command:
        case CreateUser():
            return users.newcomer(command.user_id, command.email_digest)
        case ChangeRole() | DeactivateUser() | DeleteUser():
            return users.account_among_admins(command.user_id)
        case ReactivateUser():
            return users.account(command.user_id)
        case _:
            assert_never(command)


def decide(state: users.Users, command: UserCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case CreateUser():
            return users.create(
                state,
                users.UserCreated(
                    user_id=command.user_id,
                    role=command.role,
                    email_digest=command.email_digest,
                    credential=command.credential,
                    must_change_password=command.must_change_password,
                ),
            )
        case ChangeRole():
            return users.change_role(state, command.user_id, command.role)
        case DeactivateUser():
            return users.deactivate(state, command.user_id)
        case ReactivateUser():
            return users.reactivate(state, command.user_id)
        case DeleteUser():
            return users.delete(state, command.user_id, command.confirmed)
        case _:
            assert_never(command)


_DECIDER: Final = Decider(
    initial=users.Users(), boundary=boundary, evolve=users.evolve, decide=decide
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    CreateUser: _DECIDER,
    ChangeRole: _DECIDER,
    DeactivateUser: _DECIDER,
    ReactivateUser: _DECIDER,
    DeleteUser: _DECIDER,
}
