"""/api/auth: what somebody with a link and nothing else may do: choose a password."""

from typing import Annotated, Final

import msgspec

from api import users as accounts
from api.auth import Secret
from api.call import Call
from api.sessions import source_of
from api.users import Name
from commands.links import AcceptInvite, RedeemPasswordReset
from domain import passwords
from domain.guesses import Guesses
from domain.links import LinkInvalid
from domain.users import Credential, Standing
from projections import users
from projections.users import Account

TOKEN_LENGTH_MAX: Final = 128  # characters

Token = Annotated[str, msgspec.Meta(max_length=TOKEN_LENGTH_MAX)]


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of an acceptance; without a name the admin's word for the user stays."""

    token: Token
    password: Secret
    display_name: Name | None = None


class Redemption(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a reset."""

    token: Token
    password: Secret


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a password that was chosen: now log in."""

    message: str = "Password set successfully"
    success: bool = True


async def accept_invite(call: Call, data: Acceptance) -> Chosen:
    """Accept an invitation and set a password; the link is good once."""
    account, proof = _account(call, data.token, Standing.INVITED)
    hashed = await _hashed(call, data.password, account)
    name = (data.display_name or "").strip() or None
    await call.send(
        AcceptInvite(
            user_id=account.user_id,
            proof=proof,
            credential=Credential(call.platform.new_id()),
            password_hash=hashed,
            display_name=name,
            at=call.platform.clock(),
        )
    )
    return Chosen()


async def reset_password(call: Call, data: Redemption) -> Chosen:
    """Set a new password with a reset link; the link is good once, all sessions end."""
    account, proof = _account(call, data.token, Standing.ACTIVE)
    hashed = await _hashed(call, data.password, account)
    await call.send(
        RedeemPasswordReset(
            user_id=account.user_id,
            proof=proof,
            credential=Credential(call.platform.new_id()),
            password_hash=hashed,
            at=call.platform.clock(),
        )
    )
    return Chosen()


def _account(call: Call, token: str, status: Standing) -> tuple[Account, str]:
    """Whose link it is, and what is stored of its token. Raises LinkInvalid, TooManyAttempts.

    This spares the hash; the decision itself asks again.
    """
    platform, now = call.platform, call.platform.clock()
    with platform.attempts.counted(source_of(call), Guesses(), now):
        proof = accounts.link_proof(token, platform)
        account = users.by_link(call.views, proof)
        if account is None or account.link is None or account.status is not status:
            raise LinkInvalid
        if account.link.expires_at <= now:
            raise LinkInvalid
    return account, proof


async def _hashed(call: Call, password: str, account: Account) -> str:
    """Raises PasswordWeak: the link is good still."""
    platform = call.platform
    email = accounts.email_of(account.user_id, platform)
    return await platform.passwords.hash(
        passwords.check(password, email, platform.passwords.common)
    )
