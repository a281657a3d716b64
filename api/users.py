"""/api/admin/users: the accounts, for those who may manage them."""

from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec

from api import mails
from api.call import Call, Done
from api.platform import Platform
from api.sessions import Revoked
from commands import users as intents
from commands.links import DIGEST as LINK_DIGEST
from commands.links import InviteUser, OfferPasswordReset, RenewInvite, ResetPassword
from commands.sessions import EndAllSessions, UnlockUser
from commands.users import (
    DISPLAY_NAME,
    EMAIL,
    ChangeRole,
    CreateUser,
    DeactivateUser,
    DeleteUser,
    ReactivateUser,
)
from domain import emails
from domain.emails import Email
from domain.links import INVITE_LIFE, RESET_LIFE
from domain.permissions import Role
from domain.users import Credential, Link, Standing, UserId, UserMissing
from projections import users
from projections.users import Account

TEMPORARY_LENGTH: Final = 22  # base64url characters, 132 bits
DISPLAY_NAME_LENGTH_MAX: Final = 128  # characters
EMAIL_FIELD_MAX: Final = 320  # characters, before it is trimmed

Name = Annotated[str, msgspec.Meta(max_length=DISPLAY_NAME_LENGTH_MAX)]
Address = Annotated[str, msgspec.Meta(max_length=EMAIL_FIELD_MAX)]


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """An account as clients see it; `is_active` says that it is not deactivated."""

    id: str
    email: str
    role: Role
    display_name: str
    status: Standing
    is_active: bool
    totp_enabled: bool
    oauth_provider: str | None = None
    failed_login_attempts: int
    locked_until: datetime | None
    must_change_password: bool
    last_login: datetime | None
    invite_expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    has_pending_invite: bool


class NewUser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a creation; without `generate_password` it is an invitation."""

    email: Address
    role: Role = Role.VIEWER
    display_name: Name = ""
    generate_password: bool = False


class NewRole(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a change of role."""

    role: Role


class Reset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a reset: a link, or a password that must be changed at the first login."""

    generate_password: bool = False


class Deletion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a deletion; the address, when given, must be the user's."""

    confirm_email: Address | None = None


class Made(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An account with the way in that was made for it, which is shown once."""

    user: UserView
    invite_url: str | None = None
    reset_url: str | None = None
    temp_password: str | None = None
    emailed: bool | None = None  # whether the mail server took the link; not there without one


class Invitation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new link, which is shown once; the one before is void."""

    invite_url: str
    expires_at: datetime
    emailed: bool | None = None  # as above


async def list_users(call: Call) -> list[UserView]:
    """List all users with roles, status and last login."""
    return [view(account, call) for account in users.every(call.views)]


async def create_user(call: Call, data: NewUser) -> Made:
    """Invite a user with a link, or create one with a temporary password."""
    platform, email = call.platform, emails.parse(data.email)
    user_id, name = UserId(platform.new_id()), data.display_name.strip()
    digest = email_digest(email, platform)
    if not data.generate_password:
        link, url = _link(platform, "invite", INVITE_LIFE)
        await call.send(
            InviteUser(
                user_id=user_id,
                email=email,
                email_digest=digest,
                role=data.role,
                display_name=name,
                link=link,
            )
        )
        emailed = await mails.invite(platform, email, url)
        return Made(user=one(call, user_id), invite_url=url, emailed=emailed)
    password = platform.new_token()[:TEMPORARY_LENGTH]
    await call.send(
        CreateUser(
            user_id=user_id,
            email=email,
            email_digest=digest,
            role=data.role,
            display_name=name,
            credential=Credential(platform.new_id()),
            password_hash=await platform.passwords.hash(password),
            must_change_password=True,
        )
    )
    return Made(user=one(call, user_id), temp_password=password)


async def reinvite(call: Call, user_id: str) -> Invitation:
    """Make a new invitation link for a user who has not accepted yet."""
    link, url = _link(call.platform, "invite", INVITE_LIFE)
    await call.send(RenewInvite(user_id=UserId(user_id), link=link))
    emailed = await mails.invite(call.platform, email_of(user_id, call.platform), url)
    return Invitation(invite_url=url, expires_at=link.expires_at, emailed=emailed)


async def change_role(call: Call, user_id: str, data: NewRole) -> UserView:
    """Give a user another role; it counts from the next request on."""
    await call.send(ChangeRole(user_id=UserId(user_id), role=data.role))
    return one(call, user_id)


async def reset_password(call: Call, user_id: str, data: Reset | None = None) -> Made:
    """Make a link for a new password; all the user's sessions end, the API keys stay."""
    platform = call.platform
    if data is None or not data.generate_password:
        link, url = _link(platform, "reset", RESET_LIFE)
        await call.send(OfferPasswordReset(user_id=UserId(user_id), link=link))
        emailed = await mails.reset(platform, email_of(user_id, platform), url)
        return Made(user=one(call, user_id), reset_url=url, emailed=emailed)
    one(call, user_id)  # before the costly hash
    password = platform.new_token()[:TEMPORARY_LENGTH]
    await call.send(
        ResetPassword(
            user_id=UserId(user_id),
            credential=Credential(platform.new_id()),
            password_hash=await platform.passwords.hash(password),
        )
    )
    return Made(user=one(call, user_id), temp_password=password)


async def deactivate(call: Call, user_id: str) -> Done:
    """Take a user's access away: sessions, API keys and links end; the account stays."""
    await call.send(DeactivateUser(user_id=UserId(user_id)))
    return Done()


async def reactivate(call: Call, user_id: str) -> UserView:
    """Give a deactivated user access again; API keys stay dead."""
    await call.send(ReactivateUser(user_id=UserId(user_id)))
    return one(call, user_id)


async def delete_user(call: Call, user_id: str, data: Deletion | None = None) -> Done:
    """Delete a user for good, with name, address, password and factors; the log stays whole."""
    one(call, user_id)
    confirmed = None
    if data is not None and data.confirm_email is not None:
        confirmed = email_digest(emails.parse(data.confirm_email), call.platform)
    await call.send(DeleteUser(user_id=UserId(user_id), confirmed=confirmed))
    return Done()


async def unlock(call: Call, user_id: str) -> Done:
    """Let a user's failed logins count no more."""
    account = _account(call, user_id)
    await call.send(
        UnlockUser(
            user_id=account.user_id, email_digest=account.email_digest, at=call.platform.clock()
        )
    )
    return Done()


async def revoke_sessions(call: Call, user_id: str) -> Revoked:
    """End all sessions of a user; API keys stay."""
    outcome = await call.send(EndAllSessions(user_id=_account(call, user_id).user_id))
    return Revoked(revoked_count=len(outcome.recorded))


def link_proof(token: str, platform: Platform) -> str:
    """What is stored of a link's token."""
    return platform.secrets.digest(LINK_DIGEST, token)


def _link(platform: Platform, page: str, life: timedelta) -> tuple[Link, str]:
    """A link to be, and its address."""
    token = platform.new_token()
    link = Link(link_proof(token, platform), platform.clock() + life)
    return link, f"{platform.settings.base_url}/{page}/{token}"


def email_digest(email: Email, platform: Platform) -> str:
    """What is stored of an e-mail address outside the vault."""
    return platform.secrets.digest(intents.EMAIL_DIGEST, email)


def email_of(user_id: str, platform: Platform) -> Email:
    """An account's e-mail address, empty once it is forgotten."""
    return Email((platform.secrets.read(EMAIL, user_id) or b"").decode())


def one(call: Call, user_id: str) -> UserView:
    """One account. Raises UserMissing."""
    return view(_account(call, user_id), call)


def _account(call: Call, user_id: str) -> Account:
    account = users.one(call.views, user_id)
    if account is None:
        raise UserMissing
    return account


def view(account: Account, call: Call) -> UserView:
    """An account, with what the vault has of it."""
    email = email_of(account.user_id, call.platform)
    name = (call.platform.secrets.read(DISPLAY_NAME, account.user_id) or b"").decode()
    invited = account.status is Standing.INVITED
    return UserView(
        id=account.user_id,
        email=email,
        role=account.role,
        display_name=name or email.partition("@")[0],
        status=account.status,
        is_active=account.status is not Standing.DEACTIVATED,
        totp_enabled=account.totp,
        oauth_provider=account.provider,
        failed_login_attempts=account.guesses.count(call.views.now),
        locked_until=account.guesses.locked_until(call.views.now),
        must_change_password=account.must_change_password,
        last_login=account.last_login,
        invite_expires_at=account.link.expires_at if invited and account.link else None,
        created_at=account.created_at,
        updated_at=account.updated_at,
        has_pending_invite=invited and account.link is not None,
    )
