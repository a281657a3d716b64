"""/oauth/connect, /oauth/callback and /api/secrets/oauth: accounts that sources are read with.

The way there and back is that of a login (api/oauth.py): one random token in the cookie of the
browser that began, from which state and PKCE verifier are derived. It is bound to who is logged in.
"""

from datetime import datetime
from typing import Final

import msgspec
from litestar import Response

from api import oauth
from api.call import Call
from api.errors import Denied
from api.pages import render
from commands.grants import VALUE, Given, GrantProvider, TakeBackGrant, TakeGrant
from commands.ports import ProofRefused, UpstreamFailed
from domain import grants
from domain.identities import LoginDenied
from projections import grants as known

UNKNOWN: Final = "Unsupported OAuth source: '{}'. Supported: {}."
UNSET: Final = (
    "No client of {0} is configured: set oauth.{0}.client_id and .client_secret in project.yml,"
    " and at {0} the address to come back to: {1}/oauth/callback/{2}"
)
BROWSER: Final = "An account is connected in a browser, by somebody who is logged in there."
ATTEMPT: Final = "grant_attempt"  # the kind of digest of one way there and back
TYPE_CHARS_MAX: Final = 64


class Connecting(oauth.Attempt, frozen=True, kw_only=True):
    """One attempt to connect; `where` is the place that it is for, such as a shop."""

    @property
    def path(self) -> str:
        """As that of a login says."""
        return f"/oauth/callback/{self.provider.partition(':')[2]}"


class GrantView(msgspec.Struct, frozen=True, kw_only=True):
    """One connected account, as the existing product shows it."""

    source_type: str
    provider: str
    identifier: str
    account_info: str | None
    connected_at: datetime
    expires_at: datetime | None
    is_expired: bool
    days_until_expiry: int | None
    valid: bool | None
    error: str | None
    error_code: str | None
    variable: str  # the NAME of the ${NAME} that sources.yml refers to it by


class Disconnected(msgspec.Struct, frozen=True, kw_only=True):
    """What was done."""

    message: str
    revoked: bool


async def list_grants(call: Call) -> list[GrantView]:
    """List connected accounts, and how long each lasts."""
    return [view(call, each) for each in known.every(call.views)]


def view(call: Call, grant: known.Grant) -> GrantView:
    """One grant, for people."""
    expired = grant.expired(call.views.now)
    return GrantView(
        source_type=grant.source_type,
        provider=grant.provider,
        identifier=grant.source_type,
        account_info=None,
        connected_at=grant.connected_at,
        expires_at=grant.expires_at,
        is_expired=expired,
        days_until_expiry=grant.days_left(call.views.now),
        valid=not expired,
        error=grant.lapsed,
        error_code=None if grant.lapsed is None else "renewal_refused",
        variable=grants.variable(grant.source_type),
    )


async def connect(call: Call, source_type: str) -> Response[str]:
    """Send the browser to a provider, to agree that sources of this type are read."""
    found = _provider(call, source_type)
    if call.caller.user_id is None or call.caller.session_id is None:
        raise Denied(403, BROWSER)
    place = call.request.query_params.get("shop", "")
    attempt = oauth.begun(
        call, _about(source_type), where=place, user=call.caller.user_id, kind=Connecting
    )
    return render.found(await found.authorization_url(attempt.asked(call), place))


async def come_back(call: Call, source_type: str) -> Response[str]:
    """Take what a provider gave for sources of this type."""
    found = _provider(call, source_type)
    call.clear_cookie(call.platform.settings.oauth_cookie)
    attempt = oauth.returned(call, _about(source_type), Connecting)
    query = call.request.query_params
    code = query.get("code", "")
    if "error" in query or not 0 < len(code) <= oauth.CODE_LENGTH_MAX:
        raise LoginDenied
    given = await found.exchange(attempt.asked(call), attempt.where, code)
    await call.send(
        TakeGrant(
            source_type=source_type,
            provider=grants.PROVIDERS[source_type],
            attempt=call.platform.secrets.digest(ATTEMPT, attempt.token),
            value=msgspec.json.encode(given),
            expires_at=given.expires_at,
            renewable=given.renewable,
        )
    )
    return render.found(f"/?connected={source_type}")


async def disconnect(call: Call, source_type: str) -> Disconnected:
    """Give an account back: the provider is told, and what it gave is forgotten."""
    value = call.platform.secrets.read(VALUE, source_type)
    provider = call.platform.grants.get(source_type)
    revoked = False
    if value is not None and provider is not None:
        try:
            await provider.revoke(msgspec.json.decode(value, type=Given))
            revoked = True
        except (UpstreamFailed, ProofRefused):
            revoked = False  # forgotten here in any case; the answer tells
    await call.send(TakeBackGrant(source_type=source_type, revoked=revoked))
    return Disconnected(message=f"Disconnected '{source_type}'.", revoked=revoked)


def _about(source_type: str) -> str:
    """What an attempt says instead of a login's provider."""
    return f"source:{source_type}"


def _provider(call: Call, source_type: str) -> GrantProvider:
    """Raises Denied with what to do."""
    name = grants.PROVIDERS.get(source_type)
    if name is None:
        named = source_type[:TYPE_CHARS_MAX]
        raise Denied(404, UNKNOWN.format(named, ", ".join(sorted(grants.PROVIDERS))))
    found = call.platform.grants.get(source_type)
    if found is None:
        base = call.platform.settings.base_url
        raise Denied(404, UNSET.format(name, base, source_type))
    return found
