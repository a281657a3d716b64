"""/api/auth: logging in and out, who one is, the password."""

from typing import Annotated

import msgspec

from api import sessions as own
from api import users as accounts
from api.call import Call, Done
from api.networks import Source
from api.users import Address, UserView
from commands.sessions import ChangePassword, FailCurrentPassword, FailLogin, StartSession
from commands.users import PASSWORD
from domain import emails, guesses, passwords
from domain.logins import BadCredentials, WrongPassword
from domain.permissions import Role
from domain.sessions import Ending
from domain.users import Credential
from projections import sessions, users
from projections.users import Account

Secret = Annotated[str, msgspec.Meta(max_length=passwords.LENGTH_MAX)]


class Login(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a login."""

    email: Address
    password: Secret


class LoggedIn(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a login."""

    status: str = "ok"
    user: UserView
    must_change_password: bool
    requires_2fa_setup: bool = False


class SecondFactorDue(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a right password where a second factor is due; the cookie is a partial one."""

    status: str = "2fa_required"
    requires_2fa: bool = True


class Me(UserView, frozen=True, kw_only=True):
    """Who is calling."""

    auth_enabled: bool = True
    authenticated: bool = True


class NoUser(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who is calling, when it is no user: nobody, the command line, or anybody at all."""

    auth_enabled: bool
    authenticated: bool | None = None
    role: Role | None = None


class NewPassword(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a password change."""

    current_password: Secret
    new_password: str


class Proved(msgspec.Struct, frozen=True, kw_only=True):
    """An account whose password was right: which version of it, and its hash."""

    account: Account
    credential: Credential
    hashed: str


async def login(call: Call, data: Login) -> LoggedIn | SecondFactorDue:
    """Authenticate with e-mail and password; sets the session cookie, or a partial one."""
    platform = call.platform
    digest = accounts.email_digest(emails.parse(data.email), platform)
    known = users.guesses(call.views, digest)
    source = own.place_of(call, digest, known)
    password, before = passwords.normalise(data.password), call.caller
    with platform.attempts.counted(source, known, platform.clock()):
        proved = await _proved(call, digest, password, source)
        rehashed = None
        if platform.passwords.outdated(proved.hashed):
            rehashed = await platform.passwords.hash(password)
        due = proved.account.totp
        begun = own.prepare(call, proved.account, partial=due)
        if not due:  # who has proved it is who acts
            call.caller = own.caller_in(begun.session, proved.account)
        await call.send(
            StartSession(
                user_id=proved.account.user_id,
                email_digest=digest,
                session=begun.session,
                verified=proved.credential,
                partial=due,
                rehashed=rehashed,
                at=platform.clock(),
            )
        )
    await own.replace(call, before, begun)
    return SecondFactorDue() if due else logged_in(call, proved.account)


def logged_in(call: Call, account: Account) -> LoggedIn:
    """The answer to somebody who is logged in now."""
    return LoggedIn(
        user=accounts.one(call, account.user_id),
        must_change_password=account.must_change_password,
        requires_2fa_setup=call.platform.settings.require_2fa and not account.totp,
    )


async def _proved(call: Call, digest: str, password: str, source: Source) -> Proved:
    """The account that the password opens. Raises BadCredentials."""
    platform, account = call.platform, users.by_email(call.views, digest)
    found = None if account is None else _provable(call, account)
    share = "" if source.local else source.network
    hashed = None if found is None else found.hashed
    if await platform.passwords.verify(hashed, password, share) and found is not None:
        return found
    await call.send(
        FailLogin(
            attempt=platform.new_id(),
            email_digest=digest,
            user_id=None if account is None else account.user_id,
            network=source.network,
            unheard=platform.attempts.unheard(),
            at=platform.clock(),
        )
    )
    raise BadCredentials


def has_password(call: Call, account: Account) -> bool:
    """Whether there is a password: who came by an invitation and a provider has none."""
    return call.platform.secrets.read(PASSWORD, account.user_id) is not None


def _provable(call: Call, account: Account) -> Proved | None:
    """What there is to prove; nothing, for an account that may not log in."""
    sealed = call.platform.secrets.read(PASSWORD, account.user_id)
    if not account.active or account.credential is None or sealed is None:
        return None
    return Proved(account=account, credential=account.credential, hashed=sealed.decode())


async def prove_again(call: Call, password: str) -> Proved:
    """Have somebody who is logged in give the current password. Raises WrongPassword."""
    platform, account, within = call.platform, own.own_account(call), own.own_session(call)
    now = platform.clock()
    # Before the costly hash; the decision itself asks again.
    guesses.heard(sessions.wrong(call.views, within).until(now), now)
    found = _provable(call, account)
    current, hashed = passwords.normalise(password), None if found is None else found.hashed
    if await platform.passwords.verify(hashed, current, account.user_id) and found is not None:
        return found
    await call.send(
        FailCurrentPassword(
            attempt=platform.new_id(),
            session_id=within,
            user_id=account.user_id,
            at=platform.clock(),
        )
    )
    raise WrongPassword


async def logout(call: Call) -> Done:
    """End the session of this request; an API key is left as it is."""
    caller = call.caller
    if caller.partial is not None:
        await own.end(call, caller.partial.session_id, caller.partial.user_id, Ending.LOGOUT)
    elif caller.session_id is not None and caller.user_id is not None:
        await own.end(call, caller.session_id, caller.user_id, Ending.LOGOUT)
    return Done()


async def me(call: Call) -> Me | NoUser:
    """Tell who is calling, or that authentication is off."""
    if not call.platform.settings.auth_enabled:
        return NoUser(auth_enabled=False)
    caller = call.caller
    if caller.user_id is None:
        return NoUser(auth_enabled=True, authenticated=caller.role is not None, role=caller.role)
    return Me(**msgspec.structs.asdict(accounts.one(call, caller.user_id)))


async def change_password(call: Call, data: NewPassword) -> Done:
    """Change one's password; all other sessions end, and this one goes on under a new cookie."""
    platform, account, within = call.platform, own.own_account(call), own.own_session(call)
    email = accounts.email_of(account.user_id, platform)
    new = passwords.check(data.new_password, email, platform.passwords.common)
    if passwords.normalise(data.current_password) == new:
        raise passwords.PasswordUnchanged
    proved = await prove_again(call, data.current_password)
    begun = own.prepare(call, account)
    await call.send(
        ChangePassword(
            user_id=account.user_id,
            email_digest=account.email_digest,
            session_id=within,
            verified=proved.credential,
            credential=Credential(platform.new_id()),
            password_hash=await platform.passwords.hash(new),
            session=begun.session,
            at=platform.clock(),
        )
    )
    own.give(call, begun)
    return Done()
