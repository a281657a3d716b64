"""How long to wait before asking again, and what an answer says of its failure."""

import email.utils
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import requests

from domain.source_types.rest import ErrorBody
from infra.workers import secrecy

ATTEMPTS_MAX = 6  # of one request
PAUSE_S = 1.0  # before the second attempt; doubles
RETRY_AFTER_S_MAX = 300.0  # an API that asks for more is asked by a later run
WAITED_S_MAX = 1800.0  # in all, of one load
SAID_CHARS_MAX = 200
_FORBIDDEN: Final = 403
# Where APIs put the reason of a failure.
_REASONS: Final = (
    "message",
    "error_description",
    "detail",
    "title",
    "description",
    "error",
    "errors",
    "errorMessages",
)


class Clock:
    """Counts attempts and waits between them."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
        self._attempts = 1
        self._waited_s = 0.0

    def reset(self) -> None:
        """The next request begins anew."""
        self._attempts = 1

    def pause(self, response: requests.Response | None) -> bool:
        """Wait as long as the answer asks for; False when it is not worth waiting any more."""
        wanted_s = None if response is None else asked_s(response)
        pause_s = PAUSE_S * 2 ** (self._attempts - 1) if wanted_s is None else wanted_s
        if (
            self._attempts >= ATTEMPTS_MAX
            or pause_s > RETRY_AFTER_S_MAX
            or self._waited_s + pause_s > WAITED_S_MAX
        ):
            return False
        self._attempts += 1
        self._waited_s += pause_s
        self._sleep(pause_s)
        return True


def asked_s(response: requests.Response) -> float | None:
    """How many seconds an answer asks to wait (RFC 9110, 10.2.3), None when it does not."""
    told = response.headers.get("Retry-After", "").strip()
    try:
        return max(float(told), 0.0)
    except ValueError:
        pass
    parts = email.utils.parsedate_tz(told)
    if parts is not None:
        return max(email.utils.mktime_tz(parts) - time.time(), 0.0)
    reset = response.headers.get("X-RateLimit-Reset", "")
    if used_up(response) and reset.isdecimal():
        return max(int(reset) - time.time(), 0.0)
    return None


def used_up(response: requests.Response) -> bool:
    """GitHub answers 403 to whom it has answered often enough.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    if response.status_code != _FORBIDDEN:
        return False
    return response.headers.get("X-RateLimit-Remaining") == "0" or "Retry-After" in response.headers


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What the body of an answer says of a failure; `text` continues a sentence."""

    text: str = ""
    failed: bool = False
    credentials: bool = False
    limited: bool = False


def said(response: requests.Response, rule: ErrorBody | None) -> Said:
    """Read the reason of a failure out of an answer."""
    if response.ok and rule is None:
        return Said()
    try:
        body = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Said()
    if rule is None or not _told(body, rule):
        return Said() if response.ok else Said(text=_text(next(_reasons(body), "")))
    reason = _at(body, rule.message)
    code = str(_at(body, rule.code or rule.message))
    return Said(
        text=_text(reason if isinstance(reason, str) else ""),
        failed=True,
        credentials=code in rule.credentials,
        limited=code in rule.transient,
    )


def _told(body: Any, rule: ErrorBody) -> bool:
    found = _at(body, rule.path)
    return found is not None if rule.equals is None else bool(found == rule.equals)


def _at(body: Any, path: str) -> Any:
    found = body[0] if isinstance(body, list) and body else body
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _text(reason: str) -> str:
    plain = " ".join(secrecy.hidden(reason).split())[:SAID_CHARS_MAX].rstrip(".")
    return f": {plain}" if plain else ""


def _reasons(body: Any) -> Iterator[str]:
    match body:
        case "":
            return
        case str():
            yield body
        case [first, *_]:
            yield from _reasons(first)
        case dict():
            for name in _REASONS:
                yield from _reasons(body.get(name))
        case _:
            return
