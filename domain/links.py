"""Links with which somebody chooses a password: invitations, and resets that an admin began.

Invariants: a link is good once, for a bounded time, and an account has one at most: another one
makes it void, and so do a new password, deactivation, deletion and a restore. Who has no password
yet is invited, who has one is offered a reset; neither link is good for the other.

A token is 256 random bits; events hold its keyed digest alone.
"""

from datetime import datetime, timedelta
from typing import Final

from domain import users
from domain.kernel import Event, Refused
from domain.users import Credential, Link, Standing, UserId, Users

INVITE_LIFE: Final = timedelta(hours=72)
RESET_LIFE: Final = timedelta(hours=1)


def renew(state: Users, user_id: UserId, link: Link) -> list[Event]:
    """Make another invitation. Raises UserMissing, UserInactive, AcceptedAlready."""
    if users.standing(state, user_id).status is not Standing.INVITED:
        raise AcceptedAlready
    if state.links.get(user_id) == link:
        return []
    return [users.InviteRenewed(user_id=user_id, proof=link.proof, expires_at=link.expires_at)]


def reset_password(state: Users, user_id: UserId, credential: Credential) -> list[Event]:
    """Do without a link: put a temporary password in force. Raises as `offer` does."""
    users.with_password(state, user_id)
    if state.credentials[user_id] == credential:
        return []
    return [users.PasswordReset(user_id=user_id, credential=credential)]


def offer(state: Users, user_id: UserId, link: Link) -> list[Event]:
    """Make a link for a new password. Raises UserMissing, UserInactive, UserPending."""
    users.with_password(state, user_id)
    if state.links.get(user_id) == link:
        return []
    return [
        users.PasswordResetOffered(user_id=user_id, proof=link.proof, expires_at=link.expires_at)
    ]


def accept(
    state: Users, user_id: UserId, *, proof: str, credential: Credential, at: datetime
) -> list[Event]:
    """Put the first password in force. Raises LinkInvalid."""
    if state.credentials.get(user_id) == credential:
        return []
    role = _good(state, user_id, Standing.INVITED, proof, at).role
    return [users.InviteAccepted(user_id=user_id, role=role, credential=credential)]


def redeem(
    state: Users, user_id: UserId, *, proof: str, credential: Credential, at: datetime
) -> list[Event]:
    """Put a new password in force. Raises LinkInvalid."""
    if state.credentials.get(user_id) == credential:
        return []
    _good(state, user_id, Standing.ACTIVE, proof, at)
    return [users.PasswordChanged(user_id=user_id, credential=credential)]


def _good(
    state: Users, user_id: UserId, status: Standing, proof: str, at: datetime
) -> users.Account:
    account, link = state.accounts.get(user_id), state.links.get(user_id)
    if account is None or account.status is not status:
        raise LinkInvalid
    if link is None or link.proof != proof or link.expires_at <= at:
        raise LinkInvalid
    return account


class LinkInvalid(Refused):
    """No link has this token, or not any more: nobody learns which."""

    def __init__(self) -> None:
        super().__init__("This link is not valid, or not any more; ask an admin for a new one.")


class AcceptedAlready(Refused):
    """The account has a password: an invitation would be a way round it."""

    def __init__(self) -> None:
        super().__init__(
            "The user has accepted the invitation already; reset the password instead."
        )
