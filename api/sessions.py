"""/api/auth/sessions: a user's own sessions; and how one begins, for all that begin some."""

import contextlib
from datetime import datetime, timedelta
from typing import Final

import msgspec

from api import networks, proxies, senders
from api.authentication import device_proof, idle, is_token, session_proof, session_seen
from api.call import Call, Done
from api.callers import Caller
from api.errors import Denied
from api.networks import Source
from commands.sessions import CLIENT, Client, EndAllSessions, EndSession, NewSession
from domain.guesses import KNOWN_LIFE, Guesses
from domain.logins import PARTIAL_LIFE
from domain.sessions import Ending, SessionId, SessionMissing
from domain.users import UserId, UserMissing
from projections import sessions, users
from projections.users import Account

AGENT_LENGTH_MAX: Final = 256  # characters
NO_USER: Final = "Only a user who is logged in has this."


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """One of the caller's sessions."""

    id: str
    created_at: datetime
    last_activity: datetime
    expires_at: datetime
    ip_address: str
    user_agent: str
    is_current: bool


class Revoked(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions ended."""

    success: bool = True
    revoked_count: int


async def list_sessions(call: Call) -> list[SessionView]:
    """List one's own live sessions."""
    now, found = call.platform.clock(), sessions.of_user(call.views, own_account(call).user_id)
    return [_view(call, session) for session in found if not idle(session, now, call.platform)]


async def revoke_session(call: Call, session_id: str) -> Done:
    """End one of one's own sessions."""
    user_id = own_account(call).user_id
    await end(call, session_id, user_id, Ending.REVOKED)
    return Done()


async def revoke_others(call: Call) -> Revoked:
    """End all of one's own sessions but the one of this request."""
    command = EndAllSessions(user_id=own_account(call).user_id, but=own_session(call))
    return Revoked(revoked_count=len((await call.send(command)).recorded))


async def end(call: Call, session_id: str, user_id: str, reason: Ending) -> None:
    """End a session of a user; the cookie of this request's own goes too."""
    await call.send(
        EndSession(session_id=SessionId(session_id), user_id=UserId(user_id), reason=reason)
    )
    caller = call.caller
    if session_id == caller.session_id or (
        caller.partial is not None and session_id == caller.partial.session_id
    ):
        call.clear_cookie(call.platform.settings.cookie)


def own_account(call: Call) -> Account:
    """The caller's account. The command line and a server without authentication have none."""
    if call.caller.user_id is None:
        raise Denied(403, NO_USER)
    account = users.one(call.views, call.caller.user_id)
    if account is None:
        raise UserMissing
    return account


def own_session(call: Call) -> SessionId:
    """The session of this request."""
    if call.caller.session_id is None:
        raise Denied(403, NO_USER)
    return SessionId(call.caller.session_id)


def source_of(call: Call) -> Source:
    """Where the request comes from."""
    platform = call.platform
    found = proxies.sender(call.request.scope, platform.settings.trusted_proxies)
    source = networks.source(found.address, platform.secrets)
    return msgspec.structs.replace(source, local=source.local and found.sure)


def place_of(call: Call, email_digest: str, known: Guesses) -> Source:
    """What an attempt counts against: the device, when the account knows it, else the network."""
    source, device = source_of(call), _device(call, email_digest)
    place = known.place(source.network, device, call.platform.clock())
    return msgspec.structs.replace(source, network=place)


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A session to be, and what its client is given."""

    session: NewSession
    token: str
    device: str  # the token of the device
    life: timedelta


def prepare(call: Call, account: Account, *, partial: bool = False) -> Begun:
    """A session to be; a device that the account knows stays what it is."""
    platform, source = call.platform, source_of(call)
    now, token = platform.clock(), platform.new_token()
    device = _device_token(call)
    if not account.guesses.knows(_device(call, account.email_digest), now):
        device = platform.new_token()
    life = timedelta(seconds=platform.settings.session_absolute_s)
    life = PARTIAL_LIFE if partial else life
    agent = call.request.headers.get("user-agent", "")[:AGENT_LENGTH_MAX]
    session = NewSession(
        session_id=SessionId(platform.new_id()),
        proof=session_proof(token, platform),
        expires_at=now + life,
        network=source.network,
        device=device_proof(device, account.email_digest, platform),
        client=Client(address=source.address, agent=agent),
    )
    return Begun(session=session, token=token, device="" if partial else device, life=life)


async def replace(call: Call, before: Caller, begun: Begun) -> None:
    """Give the client its tokens after a login; the session that it came with is over."""
    if before.session_id is not None and before.user_id is not None:
        user_id, origin = UserId(before.user_id), call.caller
        call.caller = before
        with contextlib.suppress(SessionMissing):  # it has ended meanwhile
            await call.send(
                EndSession(
                    session_id=SessionId(before.session_id),
                    user_id=user_id,
                    reason=Ending.DISPLACED,
                )
            )
        call.caller = origin
    give(call, begun)


def give(call: Call, begun: Begun) -> None:
    """Give the client its token, and the one by which its device is known again."""
    settings = call.platform.settings
    call.set_cookie(settings.cookie, begun.token, int(begun.life.total_seconds()))
    if begun.device:
        call.set_cookie(settings.device_cookie, begun.device, int(KNOWN_LIFE.total_seconds()))


def _device_token(call: Call) -> str:
    """The token of the device, empty when it has none."""
    token = senders.cookie(call.request.scope, call.platform.settings.device_cookie) or ""
    return token if is_token(token) else ""


def _device(call: Call, email_digest: str) -> str:
    """What would be stored of the device; empty without a token."""
    token = _device_token(call)
    return device_proof(token, email_digest, call.platform) if token else ""


def caller_in(session: NewSession, account: Account) -> Caller:
    """Who acts from here on, when a session begins."""
    return Caller(
        actor=f"user:{account.user_id}",
        via=session_seen(session.session_id),
        role=account.role,
        user_id=account.user_id,
        session_id=session.session_id,
    )


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
