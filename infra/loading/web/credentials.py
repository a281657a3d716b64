"""How an API is told who is asking: at the last moment, and one host alone."""

import base64
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
import requests

from commands import ports
from domain.source_types import rest
from infra.workers import secrecy

TOKEN_S = 3600  # how long a token is good for, when nobody says
EARLY_S = 60  # a token is renewed so long before its end
ASSERTION_S = 3600  # Google takes no longer ones
# https://www.rfc-editor.org/rfc/rfc7523#section-2.1
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address

Ask = Callable[[str, dict[str, str]], Any]


class Credentials(Protocol):
    """Puts on a request what proves who is asking."""

    def sign(self, request: requests.PreparedRequest) -> None: ...


class Header:
    """A header of a fixed value."""

    def __init__(self, name: str, value: str) -> None:
        refuse_unfit({name: value})
        self._name, self._value = name, value

    def sign(self, request: requests.PreparedRequest) -> None:
        """Set the header."""
        request.headers[self._name] = self._value


def refuse_unfit(headers: Mapping[str, str]) -> None:
    """Raises WorkRefused for a value that no header can have, without telling it."""
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            reason = f"The value for the header {name} holds characters that no header may have"
            raise ports.WorkRefused(f"{reason}, such as line ends or letters with accents.")


class Query:
    """A parameter of the address."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def sign(self, request: requests.PreparedRequest) -> None:
        """Add the parameter."""
        request.prepare_url(request.url or "", {self._name: self._value})


class Token:
    """A token that is asked for, and again when it ends (RFC 6749, 4.4 and RFC 7523)."""

    def __init__(self, url: str, form: Callable[[], dict[str, str]], ask: Ask) -> None:
        self._url, self._form, self._ask = url, form, ask
        self._value, self._until = "", 0.0

    def sign(self, request: requests.PreparedRequest) -> None:
        """Set the header, with a token that is still good."""
        if time.monotonic() >= self._until:
            answer = self._ask(self._url, self._form())
            token = answer.get("access_token") if isinstance(answer, dict) else None
            if not isinstance(token, str) or not token:
                host = urllib.parse.urlsplit(self._url).hostname
                raise ports.WorkRefused(f"{host} gave no access token.")
            lasts_s = answer.get("expires_in", TOKEN_S)
            lasts_s = lasts_s if isinstance(lasts_s, int | float) else TOKEN_S
            secrecy.hide([token])
            self._value, self._until = token, time.monotonic() + max(lasts_s - EARLY_S, 1)
        request.headers["Authorization"] = f"Bearer {self._value}"


def of(  # noqa: C901 - a table, one line a kind
    block: rest.RestApiBlock, ask: Ask
) -> Credentials | None:
    """Give what a block says of credentials; `ask` posts a form and gives the JSON answer."""
    token = block.auth_token or ""
    match block.auth:
        case "none":
            return None
        case "bearer":
            return Header("Authorization", f"Bearer {token}")
        case "api_key" if block.api_key_location == "query":
            return Query(block.api_key_name or "Authorization", token)
        case "api_key":
            return Header(block.api_key_name or "Authorization", token)
        case "custom_header":
            return Header(block.auth_header_name or "", token)
        case "basic":
            pair = f"{block.basic_username or ''}:{block.basic_password or ''}"
            encoded = base64.b64encode(pair.encode()).decode()
            secrecy.hide([encoded])
            return Header("Authorization", f"Basic {encoded}")
        case "oauth2_client_credentials":
            return Token(block.access_token_url or "", lambda: _client_form(block), ask)
        case "google_service_account":
            if (granted := _granted(block.service_account or "")) is not None:
                return Header("Authorization", f"Bearer {granted}")
            account = _account(block.service_account or "")
            url = account.token_uri
            return Token(url, lambda: _assertion_form(account, block.scopes, url), ask)


class _Account(msgspec.Struct, frozen=True, kw_only=True):
    """Of a service account's key file, what is needed of it."""

    client_email: str
    private_key: str
    private_key_id: str = ""
    token_uri: str = GOOGLE_TOKEN_URL


class _Granted(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in its place, when somebody has connected an account."""

    access_token: str


def _granted(text: str) -> str | None:
    try:
        token = msgspec.json.decode(text, type=_Granted).access_token
    except msgspec.MsgspecError:
        return None
    secrecy.hide([token])
    return token


def _client_form(block: rest.RestApiBlock) -> dict[str, str]:
    form = {
        "grant_type": "client_credentials",
        "client_id": block.client_id or "",
        "client_secret": block.client_secret or "",
    }
    return {**form, "scope": " ".join(block.scopes)} if block.scopes else form


def _account(text: str) -> _Account:
    try:
        account = msgspec.json.decode(text, type=_Account)
    except msgspec.MsgspecError:
        reason = "The secret must be the JSON key file of a Google service account."
        raise ports.WorkRefused(reason) from None
    secrecy.hide([account.private_key])
    return account


def _assertion_form(account: _Account, scopes: tuple[str, ...], url: str) -> dict[str, str]:
    """https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import RSAKey

    now = int(time.time())
    claims = {
        "iss": account.client_email,
        "scope": " ".join(scopes),
        "aud": url,
        "iat": now,
        "exp": now + ASSERTION_S,
    }
    header = {"alg": "RS256", "typ": "JWT", "kid": account.private_key_id}
    try:
        key = RSAKey.import_key(account.private_key)
        return {"grant_type": JWT_GRANT, "assertion": jwt.encode(header, claims, key)}
    except (JoseError, ValueError, TypeError):
        reason = "The private key of the service account cannot be read."
        raise ports.WorkRefused(reason) from None
