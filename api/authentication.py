"""Who sends a request: an API key or a session cookie, made into a caller.

One keyed digest and one indexed row; what cannot be a key or a token costs not even that.
"""

import hashlib
import re
from datetime import datetime, timedelta
from typing import Final

from api.callers import Caller
from api.platform import Platform
from commands.api_keys import DIGEST as KEY_DIGEST
from commands.initial_syncs import DIGEST as DEPLOY_DIGEST
from commands.sessions import DEVICE
from commands.sessions import DIGEST as SESSION_DIGEST
from domain import api_keys
from domain.initial_syncs import MARK
from projections import api_keys as keys
from projections import initial_syncs, sessions

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits, base64url


def authenticate(
    authorization: str | None, cookie: str | None, platform: Platform, *, uses: bool = True
) -> Caller | None:
    """The caller whom a header or a cookie proves, or None. A header counts before a cookie.

    `uses` is False for a look that is no use of the session or key: it does not keep it awake.
    """
    caller = None
    if authorization is not None:
        scheme, _, key = authorization.partition(" ")
        caller = _by_key(key.strip(), platform) if scheme.lower() == "bearer" else None
    elif cookie is not None:
        caller = _by_session(cookie, platform)
    if caller is not None and uses:
        platform.seen.touch(caller.via, platform.clock())
    return caller


def key_proof(key: str, platform: Platform) -> str:
    """What is stored of an API key."""
    return platform.secrets.digest(KEY_DIGEST, hashlib.sha256(key.encode()).hexdigest())


def session_proof(token: str, platform: Platform) -> str:
    """What is stored of a session's token."""
    return platform.secrets.digest(SESSION_DIGEST, token)


def device_proof(token: str, email_digest: str, platform: Platform) -> str:
    """What is stored of a device's token, for one account: two cannot be linked by it."""
    return platform.secrets.digest(DEVICE, f"{email_digest}:{token}")


def is_token(text: str) -> bool:
    """Whether it can be a token at all."""
    return _TOKEN.fullmatch(text) is not None


def session_seen(session_id: str) -> str:
    """The name under which a session's last use is kept."""
    return f"session:{session_id}"


def key_seen(key_id: str) -> str:
    """The name under which a key's last use is kept."""
    return f"key:{key_id}"


def idle(session: sessions.Session, now: datetime, platform: Platform) -> bool:
    """Whether a session has lain unused for too long."""
    used = platform.seen.last(session_seen(session.session_id))
    used = session.started_at if used is None else max(used, session.started_at)
    return now - used > timedelta(seconds=platform.settings.session_idle_s)


def _by_session(token: str, platform: Platform) -> Caller | None:
    if not is_token(token):
        return None
    views, proof = platform.views.current, session_proof(token, platform)
    holder = sessions.by_proof(views, proof)
    if holder is None:
        return _by_partial(sessions.partial(views, proof), platform)
    now, session = platform.clock(), holder.session
    if session.expires_at <= now or idle(session, now, platform):
        return None
    name = session_seen(session.session_id)
    return Caller(
        actor=f"user:{holder.user_id}",
        via=name,
        role=holder.role,
        user_id=holder.user_id,
        session_id=session.session_id,
        must_change_password=holder.must_change_password,
        must_set_up_2fa=platform.settings.require_2fa and not holder.totp,
    )


def _by_partial(partial: sessions.Partial | None, platform: Platform) -> Caller | None:
    if partial is None or partial.expires_at <= platform.clock():
        return None
    return Caller(via=session_seen(partial.session_id), partial=partial)


def deploy_proof(token: str, platform: Platform) -> str:
    """What is stored of a deploy token."""
    return platform.secrets.digest(DEPLOY_DIGEST, token)


def _by_deploy_token(token: str, platform: Platform) -> Caller | None:
    if not is_token(token.removeprefix(MARK)):
        return None
    proof = deploy_proof(token, platform)
    if not initial_syncs.token_good(platform.views.current, proof, platform.clock()):
        return None
    return Caller(actor="deploy-token", via="deploy", deploy=proof)


def _by_key(key: str, platform: Platform) -> Caller | None:
    if key.startswith(MARK):
        return _by_deploy_token(key, platform)
    if not api_keys.well_formed(key):
        return None
    holder = keys.by_proof(platform.views.current, key_proof(key, platform))
    if holder is None:
        return None
    now = platform.clock()
    if holder.key.expires_at is not None and holder.key.expires_at <= now:
        return None
    name = key_seen(holder.key.key_id)
    return Caller(
        actor=f"user:{holder.user_id}",
        via=name,
        role=holder.role,
        user_id=holder.user_id,
        key_id=holder.key.key_id,
        only=holder.key.permissions,
    )
