"""/api/auth/oauth: logging in with an account at Google or GitHub.

What an attempt is made of (state, nonce, PKCE verifier) is derived from one random token, which the
browser that began keeps in a cookie: so nothing is stored until somebody comes back, and what comes
back elsewhere fits no cookie. That an attempt ends once is decided where events are written.
"""

import base64
import binascii
import hmac
from datetime import timedelta
from typing import Final

import msgspec
from litestar import Response

from api import sessions as own
from api import users as accounts
from api.auth import prove_again
from api.authentication import is_token
from api.call import Call
from api.factors import Password
from api.pages import access, render
from api.senders import cookie
from commands.identities import (
    ATTEMPT,
    DIGEST,
    LinkIdentity,
    LogInWithIdentity,
    RefuseIdentity,
)
from commands.identity_ports import Asked, Identity, IdentityProvider
from commands.ports import ProofRefused, UpstreamFailed
from domain.emails import Email
from domain.guesses import Guesses
from domain.identities import (
    AttemptUnknown,
    IdentityUnknown,
    LoginDenied,
    Provider,
    ProviderMissing,
    Reason,
)
from domain.users import Credential, UserId
from projections import identities, users
from projections.users import Account

ATTEMPT_LIFE: Final = timedelta(minutes=10)
NEXT_LENGTH_MAX: Final = 1_024  # characters of where to go afterwards; a longer one is home
ACCOUNT: Final = "/account"  # it shows what was linked
CODE_LENGTH_MAX: Final = 4_096  # characters of what a provider sends back
SAID: Final = ("code", "error", "iss", "state")  # by a provider, each once


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt, as the browser's cookie has it."""

    provider: str
    token: str
    expires: int  # seconds since 1970
    where: str
    user: str = ""  # whose account is to be linked; empty at a login

    def spell(self, call: Call) -> str:
        """The cookie's value; nothing in it can be changed."""
        where = base64.urlsafe_b64encode(self.where.encode()).decode().rstrip("=")
        return f"{self.token}.{self.expires}.{where}.{self.user}.{self._seal(call)}"

    def asked(self, call: Call) -> Asked:
        """What the provider is asked with."""
        platform, about = call.platform, f"{self.provider}:{self.token}"
        return Asked(
            state=platform.secrets.digest("oauth_state", about),
            nonce=platform.secrets.digest("oauth_nonce", about),
            verifier=platform.secrets.digest("oauth_verifier", about),
            redirect_uri=f"{platform.settings.base_url}{self.path}",
        )

    @property
    def path(self) -> str:
        """Where the provider sends the browser back to."""
        return f"/api/auth/oauth/{self.provider}/callback"

    def id(self, call: Call) -> str:
        """What is stored of it."""
        return call.platform.secrets.digest(ATTEMPT, self.token)

    def sealed_as(self, call: Call, seal: str) -> bool:
        """Whether this seal is its own."""
        return hmac.compare_digest(seal.encode(), self._seal(call).encode())

    def _seal(self, call: Call) -> str:
        said = f"{self.provider}:{self.token}:{self.expires}:{self.user}:{self.where}"
        return call.platform.secrets.digest("oauth_cookie", said)


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """Where the browser has to go on."""

    url: str


async def begin(call: Call, provider: str) -> Response[str]:
    """Redirect to an OAuth provider (Google, GitHub) for login."""
    name, found = _configured(call, provider)
    where = access.same_origin(call.request.query_params.get("next", "/"))
    return render.found(await _begun(call, found, name, where=where))


async def link(call: Call, provider: str, data: Password) -> Elsewhere:
    """Begin to link one's account with one at a provider; answers where to send the browser."""
    name, found = _configured(call, provider)
    proved = await prove_again(call, data.password)
    url = await _begun(call, found, name, where=ACCOUNT, user=proved.account.user_id)
    return Elsewhere(url=url)


async def _begun(
    call: Call, found: IdentityProvider, name: Provider, *, where: str, user: str = ""
) -> str:
    """Give the browser an attempt; where to send it."""
    attempt = begun(call, name, where=where, user=user)
    return await found.authorization_url(attempt.asked(call))


def begun(
    call: Call, provider: str, *, where: str, user: str = "", kind: type[Attempt] = Attempt
) -> Attempt:
    """Give the browser an attempt, in a cookie."""
    attempt = kind(
        provider=provider,
        token=call.platform.new_token(),
        expires=int((call.platform.clock() + ATTEMPT_LIFE).timestamp()),
        where=where if len(where) <= NEXT_LENGTH_MAX else "/",
        user=user,
    )
    cookie_name = call.platform.settings.oauth_cookie
    call.set_cookie(cookie_name, attempt.spell(call), int(ATTEMPT_LIFE.total_seconds()))
    return attempt


async def finish(call: Call, provider: str) -> Response[str]:
    """Handle the OAuth callback: log in, or tell why not."""
    name, found = _configured(call, provider)
    call.clear_cookie(call.platform.settings.oauth_cookie)
    attempt, now = returned(call, name), call.platform.clock()
    with call.platform.attempts.counted(own.source_of(call), Guesses(), now):
        try:
            identity = await _identity(call, found, attempt)
            due = await _log_in(call, attempt, identity)
        except (LoginDenied, ProofRefused, UpstreamFailed, IdentityUnknown) as error:
            refused = RefuseIdentity(
                provider=name, attempt=attempt.id(call), reason=_REASONS[type(error)]
            )
            await call.send(refused)
            raise
    return render.found(access.code_url(attempt.where) if due else attempt.where)


_REASONS: Final[dict[type[Exception], Reason]] = {
    LoginDenied: Reason.DENIED,
    ProofRefused: Reason.INVALID,
    UpstreamFailed: Reason.UNREACHABLE,
    IdentityUnknown: Reason.UNKNOWN,
}


def _configured(call: Call, name: str) -> tuple[Provider, IdentityProvider]:
    """Raises ProviderMissing."""
    found = call.platform.providers.get(name)
    if found is None or not call.platform.settings.auth_enabled:
        raise ProviderMissing
    return Provider(name), found


def returned(call: Call, provider: str, kind: type[Attempt] = Attempt) -> Attempt:
    """The attempt that this browser began and this answer belongs to. Raises AttemptUnknown."""
    query = call.request.query_params
    given = cookie(call.request.scope, call.platform.settings.oauth_cookie) or ""
    attempt = _read(call, provider, given, kind)
    if attempt is None or attempt.expires <= call.platform.clock().timestamp():
        raise AttemptUnknown
    if any(len(query.getall(name, [])) > 1 for name in SAID):
        raise AttemptUnknown
    state = query.get("state", "").encode()
    if not hmac.compare_digest(state, attempt.asked(call).state.encode()):
        raise AttemptUnknown
    if attempt.user and (call.caller.user_id != attempt.user or call.caller.session_id is None):
        raise AttemptUnknown  # who began to link is not who is logged in here
    return attempt


def _read(call: Call, provider: str, text: str, kind: type[Attempt]) -> Attempt | None:
    """What a cookie holds; None when it was not made here, for this provider."""
    parts = text.split(".")
    if len(parts) != 5 or not text.isascii() or not parts[1].isdecimal():  # noqa: PLR2004
        return None
    token, expires, where, user, seal = parts
    try:
        place = base64.urlsafe_b64decode(where + "=" * (-len(where) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    if not is_token(token) or len(expires) > len("9999999999"):
        return None
    attempt = kind(provider=provider, token=token, expires=int(expires), where=place, user=user)
    return attempt if attempt.sealed_as(call, seal) else None


async def _identity(call: Call, provider: IdentityProvider, attempt: Attempt) -> Identity:
    """Who the provider says it is. Raises LoginDenied, ProofRefused, UpstreamFailed, Busy."""
    query = call.request.query_params
    issuer = query.get("iss")  # RFC 9207: another provider's answer, brought to this one's address
    if issuer is not None and provider.issuers and issuer not in provider.issuers:
        raise LoginDenied
    code = query.get("code", "")
    if "error" in query or not 0 < len(code) <= CODE_LENGTH_MAX:
        raise LoginDenied
    return await provider.identify(attempt.asked(call), code)


async def _log_in(call: Call, attempt: Attempt, identity: Identity) -> bool:
    """Whether a second factor is due. Raises IdentityUnknown, AttemptSpent."""
    platform = call.platform
    digest = platform.secrets.digest(DIGEST, f"{attempt.provider}:{identity.subject}")
    if attempt.user:
        await _link(call, attempt, digest)
        return False
    call.views = platform.views.current  # much may have happened while the provider was asked
    account, vouched = _account(call, digest, identity)
    if account is None:
        raise IdentityUnknown
    due = account.totp
    begun = own.prepare(call, account, partial=due)
    before = call.caller
    if not due:  # who has proved it is who acts
        call.caller = own.caller_in(begun.session, account)
    try:
        await call.send(
            LogInWithIdentity(
                user_id=account.user_id,
                email_digest=account.email_digest,
                provider=Provider(attempt.provider),
                identity=digest,
                attempt=attempt.id(call),
                session=begun.session,
                partial=due,
                vouched=vouched,
                credential=Credential(platform.new_id()),
                at=platform.clock(),
            )
        )
    except IdentityUnknown:
        call.caller = before
        raise
    await own.replace(call, before, begun)
    return due


async def _link(call: Call, attempt: Attempt, digest: str) -> None:
    """Raises AttemptUnknown, AttemptSpent."""
    await call.send(
        LinkIdentity(
            user_id=UserId(attempt.user),
            session_id=own.own_session(call),
            provider=Provider(attempt.provider),
            identity=digest,
            attempt=attempt.id(call),
        )
    )


def _account(call: Call, digest: str, identity: Identity) -> tuple[Account | None, bool]:
    """Whose it is: linked before, or by an address that the provider vouches for."""
    owner = identities.owner(call.views, digest)
    if owner is not None:
        return users.one(call.views, owner), False
    if identity.email is None:
        return None, False
    email = accounts.email_digest(Email(identity.email), call.platform)
    return users.by_email(call.views, email), True
