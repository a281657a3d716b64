"""Google (OpenID Connect) and GitHub (OAuth 2.0): who somebody is, as each of them says.

An ID token is checked as OpenID Connect Core 1.0, section 3.1.3.7, says: by the library.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from commands.identity_ports import Asked, Identity, IdentityProvider
from domain import emails
from domain.identities import Provider
from infra.configuration.project import OAuthBlock, OAuthClient
from infra.identities.client import Client, Places

LEEWAY_S: Final = 30  # by which the clocks may differ
ALGORITHM: Final = "RS256"

Clock = Callable[[], datetime]

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


class Google(Client):
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
            raise self.refused()
        keys = await self.call("GET", self.places.keys)
        access = token["access_token"]
        claims = await asyncio.to_thread(self._claims, signed, keys, asked.nonce, access)
        subject, email = claims["sub"], claims.get("email")
        if not isinstance(subject, str):
            raise self.refused()
        verified = claims.get("email_verified") is True
        return Identity(subject=subject, email=_address(email) if verified else None)

    def _claims(self, signed: str, keys: Any, nonce: str, access: str) -> Mapping[str, Any]:
        """What the token says, once signature and every claim hold. Raises ProofRefused."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        own = self.settings.client_id
        wanted = {
            "iss": {"essential": True, "values": list(self.places.issuers)},
            "aud": {"essential": True, "value": own},
        }
        given = {"nonce": nonce, "client_id": own, "access_token": access}
        try:
            token = jwt.decode(signed, KeySet.import_key_set(keys), algorithms=[ALGORITHM])
            claims = CodeIDToken(token.claims, token.header, options=wanted, params=given)
            claims.validate(now=int(self._clock().timestamp()), leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise self.refused() from None  # keys and token are the provider's: anything may fail
        found: Mapping[str, Any] = claims
        return found


class GitHub(Client):
    """By its API: it signs nothing, but answers for a token that it has just given."""

    label = "GitHub"
    scope = "read:user user:email"

    def __init__(self, settings: OAuthClient) -> None:
        super().__init__(settings, GITHUB)

    async def _identify(self, asked: Asked, token: Mapping[str, Any]) -> Identity:  # noqa: ARG002
        headers = {"authorization": f"Bearer {token['access_token']}"}
        user = await self.call("GET", self.places.user, headers=headers)
        number = user.get("id") if isinstance(user, dict) else None
        if not isinstance(number, int) or isinstance(number, bool):
            raise self.refused()
        addresses = await self.call("GET", self.places.addresses, headers=headers)
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
