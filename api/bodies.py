"""Request bodies: bounded, well-formed, and of the type that the route takes, or 4xx.

msgspec decodes into the handler's types; what it lets through is refused here first: duplicate
keys, integers beyond 64 bits, NUL characters, nesting that exhausts the stack.
"""

import asyncio
import functools
import json
from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import Request
from litestar.exceptions import HTTPException, InternalServerException

from api import asgi

INTEGER_BITS: Final = 63
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
ARRIVAL_S: Final = 30.0  # how long a body may take to come
FORM_FIELDS_MAX: Final = 100


class Malformed(HTTPException):
    """The body is not what its content type says."""

    status_code = 400


class WrongType(HTTPException):
    """The body has a media type that the route does not take."""

    status_code = 415


class Late(HTTPException):
    """The body has not come within its time."""

    status_code = 408


class CheckedRequest(Request[Any, Any, Any]):
    """A request whose JSON body has been checked before it is decoded."""

    @property
    def content_length(self) -> int | None:
        """As announced, of the headers as we have read them: the framework reads its own copy."""
        given = asgi.header(self.scope, "content-length")
        if given is not None and not given.isdecimal():
            raise Malformed("The Content-Length is no number.")
        return None if given is None else int(given)

    async def body(self) -> bytes:
        """The raw body. Raises Malformed, WrongType."""
        fresh = not hasattr(self, "_checked")
        try:
            raw = await super().body()
        except InternalServerException:  # the framework's word for a client that went away
            raise Malformed("The body is incomplete.") from None
        if fresh:
            self._checked = True
            self._check(raw)
        return raw

    def _check(self, raw: bytes) -> None:
        kind = (asgi.header(self.scope, "content-type") or "").split(";")[0].strip().lower()
        if not raw and not kind:
            return
        if kind == MULTIPART and asgi.multipart(self.scope):
            return
        if kind == FORM and asgi.page(self.scope):
            return  # `form` looks at it
        if kind != "application/json" and not (
            kind.startswith("application/") and kind.endswith("+json")
        ):
            raise WrongType("The body must be JSON, with content type application/json.")
        check(raw)


async def arrived(request: Request[Any, Any, Any]) -> bytes:
    """The whole body. Raises Late, Malformed, WrongType."""
    header = functools.partial(asgi.header, request.scope)
    if header("content-length") in (None, "0") and not (
        header("transfer-encoding") or header("content-type")
    ):
        return b""
    try:
        async with asyncio.timeout(ARRIVAL_S):
            return await request.body()
    except TimeoutError:
        raise Late("The body did not come in time.") from None


def check(raw: bytes) -> None:
    """Raises Malformed when the bytes are not JSON that every reader reads alike."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8 (byte {error.start}).") from None
    try:
        value = _json.decode(text)
        nul = "\\u0000" in text and _has_nul(value)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"The body is not JSON: {error.msg} ({place}).") from None
    except RecursionError:
        raise Malformed("The body is nested too deeply.") from None
    if nul:
        raise Malformed("The body has a NUL character.")


def form(raw: bytes) -> dict[str, str]:
    """The fields of a plain form. Raises Malformed."""
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            errors="strict",
            max_num_fields=FORM_FIELDS_MAX,
        )
    except ValueError:  # not ASCII, not UTF-8 below, too many fields, no `=`
        raise Malformed("The form is malformed.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Malformed("The form names a field twice.")
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise Malformed("The form has a NUL character.")
    return fields


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("The body names a field twice.")
    return found


def _integer(digits: str) -> int:
    if len(digits) > 20 or not -(1 << INTEGER_BITS) <= int(digits) < 1 << INTEGER_BITS:  # noqa: PLR2004 - longer than any 64-bit integer
        raise Malformed("The body has an integer beyond 64 bits.")
    return int(digits)


def _constant(_: str) -> float:
    raise Malformed("The body has NaN or Infinity, which JSON has not.")


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(k) or _has_nul(v) for k, v in value.items())
    return isinstance(value, list) and any(_has_nul(item) for item in value)


_json: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_constant=_constant
)
