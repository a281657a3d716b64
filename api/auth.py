"""/api/auth: logging in and out, who one is, the password, the sessions."""

from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec

from api import networks
from api import users as accounts
from api.authentication import idle, session_proof, session_seen
from api.call import Call
from api.callers import Caller
from api.errors import Denied
from api.networks import Source
from api.users import UserView
from commands.sessions import (
    CLIENT,
    ChangePassword,
    Client,
    EndSession,
    FailCurrentPassword,
    FailLogin,
    NewSession,
    StartSession,
)
from commands.users import PASSWORD
from domain import emails, passwords
from domain import sessions as rules
from domain.permissions import Role
from domain.sessions import BadCredentials, Ending, SessionId, WrongPassword
from domain.users import Credential, UserId, UserMissing
from projections import sessions, users
from projections.users import Account

AGENT_LENGTH_MAX: Final = 256  # characters
EMAIL_FIELD_MAX: Final = 320  # characters, before it is trimmed
NO_USER: Final = "Only a user who is logged in has this."

Secret = Annotated[str, msgspec.Meta(max_length=passwords.LENGTH_MAX)]


class Login(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a login."""

    email: Annotated[str, msgspec.Meta(max_length=EMAIL_FIELD_MAX)]
    password: Secret


class LoggedIn(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a login."""

    status: str = "ok"
    user: UserView
    must_change_password: bool
    requires_2fa_setup: bool = False


class Done(msgspec.Struct, frozen=True):
    """The answer to what has nothing else to tell."""

    success: bool = True


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


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """One of the caller's sessions."""

    id: str
    created_at: datetime
    last_activity: datetime
    expires_at: datetime
    ip_address: str
    user_agent: str
    is_current: bool


async def login(call: Call, data: Login) -> LoggedIn:
    """Authenticate with e-mail and password; sets the session cookie."""
    platform, source = call.platform, _source(call)
    digest = accounts.email_digest(emails.parse(data.email), platform)
    guesses = users.guesses(call.views, digest)
    password = passwords.normalise(data.password)
    with platform.attempts.counted(source, guesses, platform.clock()):
        account, hashed = await _proved(call, digest, password, source)
        rehashed = None
        if platform.passwords.outdated(hashed):
            rehashed = await platform.passwords.hash(password)
        session, token = _new_session(call, source)
        call.caller = _caller(account, session)  # who has proved it is who acts
        await call.send(
            StartSession(
                user_id=account.user_id,
                email_digest=digest,
                session=session,
                verified=account.credential,
                rehashed=rehashed,
                at=platform.clock(),
            )
        )
    _set_cookie(call, token)
    return LoggedIn(
        user=accounts.one(call, account.user_id),
        must_change_password=account.must_change_password,
    )


async def _proved(call: Call, digest: str, password: str, source: Source) -> tuple[Account, str]:
    """The account that the password opens, and its hash. Raises BadCredentials."""
    platform, account = call.platform, users.by_email(call.views, digest)
    hashed = None
    if account is not None and account.active:
        hashed = (platform.secrets.read(PASSWORD, account.user_id) or b"").decode() or None
    share = "" if source.local else source.network
    if await platform.passwords.verify(hashed, password, share) and account and hashed:
        return account, hashed
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


async def logout(call: Call) -> Done:
    """End the session of this request; an API key is left as it is."""
    caller = call.caller
    if caller.session_id is not None and caller.user_id is not None:
        await call.send(
            EndSession(
                session_id=SessionId(caller.session_id),
                user_id=UserId(caller.user_id),
                reason=Ending.LOGOUT,
            )
        )
        call.clear_cookie(call.platform.settings.cookie)
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
    platform, account, within = call.platform, own_account(call), _own_session(call)
    email = accounts.email_of(account.user_id, platform)
    new = passwords.check(data.new_password, email, platform.passwords.common)
    current = passwords.normalise(data.current_password)
    if current == new:
        raise passwords.PasswordUnchanged
    now = platform.clock()
    # Before the costly hash; the decision itself asks again.
    rules.heard(sessions.wrong(call.views, within).until(now), now)
    hashed = (platform.secrets.read(PASSWORD, account.user_id) or b"").decode() or None
    if not await platform.passwords.verify(hashed, current, account.user_id):
        await call.send(
            FailCurrentPassword(
                attempt=platform.new_id(),
                session_id=within,
                user_id=account.user_id,
                at=platform.clock(),
            )
        )
        raise WrongPassword
    session, token = _new_session(call, _source(call))
    await call.send(
        ChangePassword(
            user_id=account.user_id,
            email_digest=account.email_digest,
            session_id=within,
            verified=account.credential,
            credential=Credential(platform.new_id()),
            password_hash=await platform.passwords.hash(new),
            session=session,
            at=platform.clock(),
        )
    )
    _set_cookie(call, token)
    return Done()


async def list_sessions(call: Call) -> list[SessionView]:
    """List one's own live sessions."""
    now, found = call.platform.clock(), sessions.of_user(call.views, own_account(call).user_id)
    return [_view(call, session) for session in found if not idle(session, now, call.platform)]


async def revoke_session(call: Call, session_id: str) -> Done:
    """End one of one's own sessions."""
    user_id = own_account(call).user_id
    ended = EndSession(session_id=SessionId(session_id), user_id=user_id, reason=Ending.REVOKED)
    await call.send(ended)
    if session_id == call.caller.session_id:
        call.clear_cookie(call.platform.settings.cookie)
    return Done()


def own_account(call: Call) -> Account:
    """The caller's account. The command line and a server without authentication have none."""
    if call.caller.user_id is None:
        raise Denied(403, NO_USER)
    account = users.one(call.views, call.caller.user_id)
    if account is None:
        raise UserMissing
    return account


def _own_session(call: Call) -> SessionId:
    if call.caller.session_id is None:
        raise Denied(403, NO_USER)
    return SessionId(call.caller.session_id)


def _view(call: Call, session: sessions.Session) -> SessionView:
    platform = call.platform
    sealed = platform.secrets.read(CLIENT, session.session_id)
    client = msgspec.json.decode(sealed, type=Client) if sealed else Client()
    return SessionView(
        id=session.session_id,
        created_at=session.started_at,
        last_activity=platform.seen.last(session_seen(session.session_id)) or session.started_at,
        expires_at=session.expires_at,
        ip_address=client.address,
        user_agent=client.agent,
        is_current=session.session_id == call.caller.session_id,
    )


def _source(call: Call) -> Source:
    client = call.request.client
    return networks.source("" if client is None else client.host, call.platform.secrets)


def _new_session(call: Call, source: Source) -> tuple[NewSession, str]:
    """A session to be, and its token."""
    platform = call.platform
    token = platform.new_token()
    agent = call.request.headers.get("user-agent", "")[:AGENT_LENGTH_MAX]
    session = NewSession(
        session_id=SessionId(platform.new_id()),
        proof=session_proof(token, platform),
        expires_at=platform.clock() + timedelta(seconds=platform.settings.session_absolute_s),
        network=source.network,
        client=Client(address=source.address, agent=agent),
    )
    return session, token


def _set_cookie(call: Call, token: str) -> None:
    settings = call.platform.settings
    call.set_cookie(settings.cookie, token, settings.session_absolute_s)


def _caller(account: Account, session: NewSession) -> Caller:
    return Caller(
        actor=f"user:{account.user_id}",
        via=session_seen(session.session_id),
        role=account.role,
        user_id=account.user_id,
        session_id=session.session_id,
    )
