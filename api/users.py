"""/api/admin/users: the accounts, for those who may manage them."""

from datetime import datetime
from typing import Annotated, Final

import msgspec

from api.call import Call
from api.errors import invalid
from api.platform import Platform
from commands import users as intents
from commands.users import DISPLAY_NAME, EMAIL, CreateUser, ResetPassword
from domain import emails
from domain.emails import Email
from domain.permissions import Role
from domain.users import Credential, UserId, UserMissing
from projections import users
from projections.users import Account

TEMPORARY_LENGTH: Final = 22  # base64url characters, 132 bits
DISPLAY_NAME_LENGTH_MAX: Final = 128  # characters


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """An account as clients see it. Second factors, OAuth and invitations are not there yet."""

    id: str
    email: str
    role: Role
    display_name: str
    is_active: bool
    totp_enabled: bool = False
    oauth_provider: str | None = None
    failed_login_attempts: int
    locked_until: datetime | None
    must_change_password: bool
    last_login: datetime | None
    invite_expires_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    has_pending_invite: bool = False


class NewUser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a creation."""

    email: str
    role: Role = Role.VIEWER
    display_name: Annotated[str, msgspec.Meta(max_length=DISPLAY_NAME_LENGTH_MAX)] = ""
    generate_password: bool = False


class Temporary(msgspec.Struct, frozen=True, kw_only=True):
    """An account with a password that must be changed at the first login; shown once."""

    user: UserView
    temp_password: str


async def list_users(call: Call) -> list[UserView]:
    """List all users with roles, status and last login."""
    return [view(account, call) for account in users.every(call.views)]


async def create_user(call: Call, data: NewUser) -> Temporary:
    """Create a user with a temporary password."""
    email = emails.parse(data.email)
    if not data.generate_password:
        raise invalid("generate_password", "must be true: there are no invitations by link yet")
    platform = call.platform
    user_id, password = UserId(platform.new_id()), platform.new_token()[:TEMPORARY_LENGTH]
    await call.send(
        CreateUser(
            user_id=user_id,
            email=email,
            email_digest=email_digest(email, platform),
            role=data.role,
            display_name=data.display_name.strip(),
            credential=Credential(platform.new_id()),
            password_hash=await platform.passwords.hash(password),
            must_change_password=True,
        )
    )
    return Temporary(user=one(call, user_id), temp_password=password)


async def reset_password(call: Call, user_id: str) -> Temporary:
    """Give a user a temporary password; all the user's sessions end, the API keys stay."""
    platform = call.platform
    if users.one(call.views, user_id) is None:
        raise UserMissing
    password = platform.new_token()[:TEMPORARY_LENGTH]
    await call.send(
        ResetPassword(
            user_id=UserId(user_id),
            credential=Credential(platform.new_id()),
            password_hash=await platform.passwords.hash(password),
        )
    )
    return Temporary(user=one(call, user_id), temp_password=password)


def email_digest(email: Email, platform: Platform) -> str:
    """What is stored of an e-mail address outside the vault."""
    return platform.secrets.digest(intents.EMAIL_DIGEST, email)


def email_of(user_id: str, platform: Platform) -> Email:
    """An account's e-mail address, empty once it is forgotten."""
    return Email((platform.secrets.read(EMAIL, user_id) or b"").decode())


def one(call: Call, user_id: str) -> UserView:
    """One account. Raises UserMissing."""
    account = users.one(call.views, user_id)
    if account is None:
        raise UserMissing
    return view(account, call)


def view(account: Account, call: Call) -> UserView:
    """An account, with what the vault has of it."""
    email = email_of(account.user_id, call.platform)
    name = (call.platform.secrets.read(DISPLAY_NAME, account.user_id) or b"").decode()
    return UserView(
        id=account.user_id,
        email=email,
        role=account.role,
        display_name=name or email.partition("@")[0],
        is_active=account.active,
        failed_login_attempts=account.guesses.count(call.views.now),
        locked_until=account.guesses.locked_until(call.views.now),
        must_change_password=account.must_change_password,
        last_login=account.last_login,
        created_at=account.created_at,
        updated_at=account.updated_at,
    )
