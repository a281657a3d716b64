"""The way to a provider and back, bounded; and a code for a token.

The rules are the library's: RFC 6749, PKCE with S256 (RFC 7636). The transport is ours, because it
has to be bounded: in time, in size, in number, and no redirect is followed. Of a provider's answer
a few fixed words stand in the log. The library is loaded on a thread, when it is first needed.
"""

import asyncio
import functools
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from commands.identity_ports import Asked, Identity
from commands.ports import Busy, ProofRefused, UpstreamFailed
from infra.configuration.project import OAuthClient

if TYPE_CHECKING:
    import httpx

CALL_S: Final = 10.0  # for one call of a provider, from the first byte sent to the last received
BODY_BYTES_MAX: Final = 256 * 1024  # of one answer
CALLS_MAX: Final = 8  # logins that may wait for providers at once
SUBJECT_LENGTH_MAX: Final = 255  # characters, OpenID Connect Core section 2
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


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where one provider answers what."""

    authorize: str
    token: str
    issuers: tuple[str, ...] = ()
    keys: str = ""
    user: str = ""
    addresses: str = ""
    revoke: str = ""


class Way:
    """What all have in common: the way there and back, and the code for a token."""

    label = ""
    scope = ""

    def __init__(self, settings: OAuthClient, places: Places) -> None:
        self.settings = settings
        self.places = places if settings.base_url is None else double(settings.base_url)

    def _authorization_url(self, asked: Asked, places: Places) -> str:
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        return str(
            prepare_grant_uri(
                places.authorize,
                self.settings.client_id,
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

    async def _token(self, asked: Asked, code: str, places: Places) -> Mapping[str, Any]:
        """The answer to the code. Raises UpstreamFailed, ProofRefused."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": asked.redirect_uri,
            "code_verifier": asked.verifier,
            "client_id": self.settings.client_id,
            "client_secret": self.settings.client_secret,
        }
        return self._checked(await self.call("POST", places.token, data=form))

    def _checked(self, answer: Any) -> Mapping[str, Any]:
        """An answer with a token in it. Raises UpstreamFailed, ProofRefused."""
        if not isinstance(answer, dict):
            raise self.failed()
        if "error" in answer or not isinstance(answer.get("access_token"), str):
            raise self.refused()
        return answer

    async def call(self, method: str, url: str, *, empty: bool = False, **more: Any) -> Any:
        """Make one bounded call; its answer from JSON, None where it may be `empty`.

        Raises UpstreamFailed, ProofRefused.
        """
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
            raise self.failed() from None
        refused = response.is_client_error and response.status_code != TOO_MANY
        if body is None or not (response.is_success or refused):
            raise self.failed()
        try:
            answer = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            answer = None
        if isinstance(answer, dict) and answer.get("error") in SAID:
            _log.warning("%s says %s", self.label, answer["error"])
        if refused:
            raise self.refused()
        if answer is None and not empty:
            raise self.failed()
        return answer

    def failed(self) -> UpstreamFailed:
        """It is the provider's fault."""
        return UpstreamFailed(f"{self.label} does not answer as it should; try again later.")

    def refused(self) -> ProofRefused:
        """What was brought proves nothing."""
        return ProofRefused(REFUSED.format(self.label))


class Client(Way, ABC):
    """A provider that says who somebody is."""

    def __init__(self, settings: OAuthClient, places: Places) -> None:
        super().__init__(settings, places)
        self._turns = asyncio.Semaphore(CALLS_MAX)

    @property
    def issuers(self) -> tuple[str, ...]:
        """As the port says."""
        return self.places.issuers

    async def authorization_url(self, asked: Asked) -> str:
        """As the port says."""
        return await asyncio.to_thread(self._authorization_url, asked, self.places)

    async def identify(self, asked: Asked, code: str) -> Identity:
        """As the port says."""
        if self._turns.locked():
            raise Busy(f"Too many are logging in with {self.label}; try again in a moment.")
        async with self._turns:
            found = await self._identify(asked, await self._token(asked, code, self.places))
        if not 0 < len(found.subject) <= SUBJECT_LENGTH_MAX:
            raise self.refused()
        return found

    @abstractmethod
    async def _identify(self, asked: Asked, token: Mapping[str, Any]) -> Identity:
        """Who it is, asked with the token. Raises UpstreamFailed, ProofRefused."""


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


def double(base: str) -> Places:
    """A double in tests stands for the whole provider."""
    return Places(
        authorize=f"{base}/authorize",
        token=f"{base}/token",
        issuers=(base,),
        keys=f"{base}/keys",
        user=f"{base}/user",
        addresses=f"{base}/user/emails",
        revoke=f"{base}/revoke",
    )
