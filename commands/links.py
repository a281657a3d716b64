"""The intents around links with which a password is chosen."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, assert_never

from commands.kernel import Command, Forget, Keep
from commands.users import DISPLAY_NAME, EMAIL, PASSWORD
from domain import links, users
from domain.emails import Email
from domain.kernel import Boundary, Decider, Event
from domain.permissions import Role
from domain.users import Credential, Link, UserId

DIGEST: Final = "link"  # the kind of digest that proves a token


class InviteUser(Command, frozen=True, kw_only=True):
    """Begin an account whose owner chooses the password."""

    user_id: UserId
    email: Email
    email_digest: str
    role: Role
    display_name: str = ""
    link: Link

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (
            Keep(EMAIL, self.user_id, self.email.encode()),
            Keep(DISPLAY_NAME, self.user_id, self.display_name.encode()),
        )


class RenewInvite(Command, frozen=True, kw_only=True):
    """Make another link for an account that has no password yet."""

    user_id: UserId
    link: Link


class AcceptInvite(Command, frozen=True, kw_only=True):
    """Choose the first password; `proof` is the digest of the link's token."""

    user_id: UserId
    proof: str
    credential: Credential
    password_hash: str
    display_name: str | None = None  # None: as the admin wrote it
    at: datetime

    def vault(self) -> tuple[Keep | Forget, ...]:
        password = Keep(PASSWORD, self.user_id, self.password_hash.encode())
        if self.display_name is None:
            return (password,)
        return (password, Keep(DISPLAY_NAME, self.user_id, self.display_name.encode()))


class OfferPasswordReset(Command, frozen=True, kw_only=True):
    """Make a link with which a new password is chosen."""

    user_id: UserId
    link: Link


class RedeemPasswordReset(Command, frozen=True, kw_only=True):
    """Choose a new password; `proof` is the digest of the link's token."""

    user_id: UserId
    proof: str
    credential: Credential
    password_hash: str
    at: datetime

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (Keep(PASSWORD, self.user_id, self.password_hash.encode()),)


class ResetPassword(Command, frozen=True, kw_only=True):
    """Give an account a temporary password instead of a link."""

    user_id: UserId
    credential: Credential
    password_hash: str

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (Keep(PASSWORD, self.user_id, self.password_hash.encode()),)


LinkCommand = (
    InviteUser
    | RenewInvite
    | AcceptInvite
    | OfferPasswordReset
    | RedeemPasswordReset
    | ResetPassword
)


def boundary(command: LinkCommand) -> Boundary:
    """What counts."""
    if isinstance(command, InviteUser):
        return users.newcomer(command.user_id, command.email_digest)
    return users.account(command.user_id)


def decide(state: users.Users, command: LinkCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case InviteUser(link=link):
            invited = users.UserInvited(
                user_id=command.user_id,
                role=command.role,
                email_digest=command.email_digest,
                proof=link.proof,
                expires_at=link.expires_at,
            )
            return users.create(state, invited)
        case RenewInvite():
            return links.renew(state, command.user_id, command.link)
        case OfferPasswordReset():
            return links.offer(state, command.user_id, command.link)
        case ResetPassword():
            return links.reset_password(state, command.user_id, command.credential)
        case AcceptInvite() | RedeemPasswordReset():
            choose = links.accept if isinstance(command, AcceptInvite) else links.redeem
            return choose(
                state,
                command.user_id,
                proof=command.proof,
                credential=command.credential,
                at=command.at,
            )
        case _:
            assert_never(command)


_DECIDER: Final = Decider(
    initial=users.Users(), boundary=boundary, evolve=users.evolve, decide=decide
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    InviteUser: _DECIDER,
    RenewInvite: _DECIDER,
    AcceptInvite: _DECIDER,
    OfferPasswordReset: _DECIDER,
    RedeemPasswordReset: _DECIDER,
    ResetPassword: _DECIDER,
}
