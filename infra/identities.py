"""Providers of identities: Google (OpenID Connect) and GitHub (OAuth 2.0), by authorization code.

The rules are the library's: RFC 6749, PKCE with S256 (RFC 7636), ID tokens (OpenID Connect Core
1.0, section 3.1.3.7). The transport is ours, because it has to be bounded: in time, in size, in
number, and no redirect is followed. Of a provider's answer a few fixed words stand in the log.
The library is loaded on a thread, when somebody first logs in with it.
"""

import asyncio
import functools
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from commands.ports import Asked, Busy, Identity, IdentityProvider, ProofRefused, UpstreamFailed
from domain import emails
from domain.identities import Provider
from infra.configuration.project import OAuthBlock, OAuthClient

if TYPE_CHECKING:
    import httpx

CALL_S: Final = 10.0  # for one call of a provider, from the first byte sent to the last received
BODY_BYTES_MAX: Final = 256 * 1024  # of one answer
CALLS_MAX: Final = 8  # logins that may wait for providers at once
LEEWAY_S: Final = 30  # by which the clocks may differ
SUBJECT_LENGTH_MAX: Final = 255  # characters, OpenID Connect Core section 2
ALGORITHM: Final = "RS256"
TOO_MANY: Final = 429
# Why a code was refused, in the providers' words: the only ones of theirs that stand in our log.
SAID: Final = frozenset(
    {
        "bad_verification_code",
        "incorrect_client_credentials",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "redirect_uri_mismatch",
        "unauthorized_client",
    }
)
REFUSED: Final = "What {} sent does not prove who you are; begin again."

_log = logging.getLogger("dango.identities")

Clock = Callable[[], datetime]


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where one provider answers what."""

    authorize: str
    token: str
    issuers: tuple[str, ...] = ()
    keys: str = ""
    user: str = ""
    addresses: str = ""


GOOGLE: Final = Places(
    authorize="https://accounts.google.com/o/oauth2/v2/auth",
    token="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
    issuers=("https://accounts.google.com", "accounts.google.com"),
    keys="https://www.googleapis.com/oauth2/v3/certs",
)
GITHUB: Final = Places(
    authorize="https://github.com/login/oauth/authorize",
    token="https://github.com/login/oauth/access_token",  # noqa: S106
    user="https://api.github.com/user",
    addresses="https://api.github.com/user/emails",
)


def providers(settings: OAuthBlock, clock: Clock) -> dict[str, IdentityProvider]:
    """Those that are configured, by name."""
    found: dict[str, IdentityProvider] = {}
    if settings.google is not None:
        found[Provider.GOOGLE] = Google(settings.google, clock)
    if settings.github is not None:
        found[Provider.GITHUB] = GitHub(settings.github)
    return found


class _Client:
    """What both have in common: the way there and back, and the code for a token."""

    label = ""
    scope = ""

    def __init__(self, settings: OAuthClient, places: Places) -> None:
        self._settings = settings
        self._places = places if settings.base_url is None else _double(settings.base_url)
        self._turns = asyncio.Semaphore(CALLS_MAX)

    @property
    def issuers(self) -> tuple[str, ...]:
        """As the port says."""
        return self._places.issuers

    async def authorization_url(self, asked: Asked) -> str:
        """As the port says."""
        return await asyncio.to_thread(self._authorization_url, asked)

    async def identify(self, asked: Asked, code: str) -> Identity:
        """As the port says."""
        if self._turns.locked():
            raise Busy(f"Too many are logging in with {self.label}; try again in a moment.")
        async with self._turns:
            found = await self._identify(asked, await self._token(asked, code))
        if not 0 < len(found.subject) <= SUBJECT_LENGTH_MAX:
            raise self._refused()
        return found

    async def _identify(self, asked: Asked, token: Mapping[str, Any]) -> Identity:
        raise NotImplementedError

    def _authorization_url(self, asked: Asked) -> str:
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        return str(
            prepare_grant_uri(
                self._places.authorize,
                self._settings.client_id,
                "code",
                redirect_uri=asked.redirect_uri,
                scope=self.scope,
                state=asked.state,
                code_challenge=create_s256_code_challenge(asked.verifier),
                code_challenge_method="S256",
                **self._more(asked),
            )
        )

    def _more(self, _: Asked) -> dict[str, str]:
        return {}

    async def _token(self, asked: Asked, code: str) -> Mapping[str, Any]:
        """The answer to the code. Raises UpstreamFailed, ProofRefused."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": asked.redirect_uri,
            "code_verifier": asked.verifier,
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret,
        }
        answer = await self._call("POST", self._places.token, data=form)
        if not isinstance(answer, dict):
            raise self._failed()
        if "error" in answer or not isinstance(answer.get("access_token"), str):
            raise self._refused()
        return answer

    async def _call(self, method: str, url: str, **more: Any) -> Any:
        """One bounded call; its answer from JSON. Raises UpstreamFailed, ProofRefused."""
        import httpx

        headers = {
            "accept": "application/json",
            "accept-encoding": "identity",  # nothing that unpacks to more than its size
            "user-agent": "dango",
            **more.pop("headers", {}),
        }
        try:
            async with (
                asyncio.timeout(CALL_S),
                httpx.AsyncClient(
                    verify=_trust(), timeout=CALL_S, follow_redirects=False, trust_env=False
                ) as client,
                client.stream(method, url, headers=headers, **more) as response,
            ):
                body = await _bounded(response)
        except (httpx.HTTPError, TimeoutError):
            raise self._failed() from None
        refused = response.is_client_error and response.status_code != TOO_MANY
        if body is None or not (response.is_success or refused):
            raise self._failed()
        try:
            answer = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            answer = None
        if isinstance(answer, dict) and answer.get("error") in SAID:
            _log.warning("%s says %s", self.label, answer["error"])
        if refused:
            raise self._refused()
        if answer is None:
            raise self._failed()
        return answer

    def _failed(self) -> UpstreamFailed:
        return UpstreamFailed(f"{self.label} does not answer as it should; try again later.")

    def _refused(self) -> ProofRefused:
        return ProofRefused(REFUSED.format(self.label))


class Google(_Client):
    """By the signed ID token."""

    label = "Google"
    scope = "openid email"

    def __init__(self, settings: OAuthClient, clock: Clock) -> None:
        super().__init__(settings, GOOGLE)
        self._clock = clock

    def _more(self, asked: Asked) -> dict[str, str]:
        return {"nonce": asked.nonce, "prompt": "select_account"}

    async def _identify(self, asked: Asked, token: Mapping[str, Any]) -> Identity:
        signed = token.get("id_token")
        if not isinstance(signed, str):
            raise self._refused()
        keys = await self._call("GET", self._places.keys)
        access = token["access_token"]
        claims = await asyncio.to_thread(self._claims, signed, keys, asked.nonce, access)
        subject, email = claims["sub"], claims.get("email")
        if not isinstance(subject, str):
            raise self._refused()
        verified = claims.get("email_verified") is True
        return Identity(subject=subject, email=_address(email) if verified else None)

    def _claims(self, signed: str, keys: Any, nonce: str, access: str) -> Mapping[str, Any]:
        """What the token says, once signature and every claim hold. Raises ProofRefused."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        own = self._settings.client_id
        wanted = {
            "iss": {"essential": True, "values": list(self._places.issuers)},
            "aud": {"essential": True, "value": own},
        }
        given = {"nonce": nonce, "client_id": own, "access_token": access}
        try:
            token = jwt.decode(signed, KeySet.import_key_set(keys), algorithms=[ALGORITHM])
            claims = CodeIDToken(token.claims, token.header, options=wanted, params=given)
            claims.validate(now=int(self._clock().timestamp()), leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise self._refused() from None  # keys and token are the provider's: anything may fail
        found: Mapping[str, Any] = claims
        return found


class GitHub(_Client):
    """By its API: it signs nothing, but answers for a token that it has just given."""

    label = "GitHub"
    scope = "read:user user:email"

    def __init__(self, settings: OAuthClient) -> None:
        super().__init__(settings, GITHUB)

    async def _identify(self, asked: Asked, token: Mapping[str, Any]) -> Identity:  # noqa: ARG002
        headers = {"authorization": f"Bearer {token['access_token']}"}
        user = await self._call("GET", self._places.user, headers=headers)
        number = user.get("id") if isinstance(user, dict) else None
        if not isinstance(number, int) or isinstance(number, bool):
            raise self._refused()
        addresses = await self._call("GET", self._places.addresses, headers=headers)
        primary = [
            entry.get("email")
            for entry in (addresses if isinstance(addresses, list) else ())
            if isinstance(entry, dict)
            and entry.get("primary") is True
            and entry.get("verified") is True
        ]
        return Identity(subject=str(number), email=_address(primary[0]) if primary else None)


def _address(email: Any) -> str | None:
    """An address in our one spelling; None when it is none."""
    try:
        return emails.parse(email) if isinstance(email, str) else None
    except emails.EmailInvalid:
        return None


async def _bounded(response: "httpx.Response") -> bytes | None:
    """The body as it came; None when it is longer than it may be, or packed."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            return None
    return None if response.headers.get("content-encoding") else bytes(body)


@functools.cache
def _trust() -> Any:
    """Whose certificates are believed; read once, as that takes a while."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


def _double(base: str) -> Places:
    """A double in tests stands for the whole provider."""
    return Places(
        authorize=f"{base}/authorize",
        token=f"{base}/token",
        issuers=(base,),
        keys=f"{base}/keys",
        user=f"{base}/user",
        addresses=f"{base}/user/emails",
    )
