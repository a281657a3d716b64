"""What a child process must not say: the secrets of its settings, taken out of all that leaves it.

Whoever takes secrets into use names them to `hide` first. From then on they are gone from log
lines, tracebacks and the reasons of failures, in each of the spellings that engines print.
"""

import logging
import sys
import threading
import urllib.parse
from collections.abc import Iterable

import msgspec

MASK = "****"
# A shorter one would be told by the gaps that it leaves in ordinary words.
SECRET_CHARS_MIN = 4

log = logging.getLogger("infra.workers.child")

_known: dict[str, tuple[str, ...]] = {}  # secret -> its spellings, for the life of the process


class Printed(logging.Formatter):
    """Lines and tracebacks without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the record's text, its traceback included."""
        return hidden(super().format(record))


def hide(secrets: Iterable[str]) -> None:
    """Name what must not be said."""
    for secret in secrets:
        if len(secret) >= SECRET_CHARS_MIN:
            _known[secret] = _spellings(secret)


def hidden(text: str, told: str = "") -> str:
    """Give the text without secrets.

    `told` is what the reader wrote: a secret that stands there stays, or the mask would tell who
    guesses that a guess is right.
    """
    for secret in sorted(_known, key=len, reverse=True):
        spellings = _known[secret]
        if not any(spelling in told for spelling in spellings):
            for spelling in spellings:
                text = text.replace(spelling, MASK)
    return text


def watch_prints() -> None:
    """Send all that Python itself prints to standard error by way of `Printed`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Printed())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = lambda kind, error, trace: log.critical(
        "the process ended by an error", exc_info=(kind, error, trace)
    )
    threading.excepthook = _thread_ended


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    error = ended.exc_value
    if error is not None:
        log.error("a thread ended by an error", exc_info=error)


def _spellings(secret: str) -> tuple[str, ...]:
    """As it is, and quoted: for SQL, for libpq, in JSON, by repr, in a URL. Longest first."""
    escaped = secret.replace("\\", "\\\\").replace("'", "\\'")
    in_json = msgspec.json.encode(secret).decode()[1:-1]
    found = {
        secret,
        secret.replace("'", "''"),
        escaped,
        escaped.replace("'", "''"),
        in_json,
        repr(secret)[1:-1],
        urllib.parse.quote(secret, safe=""),
    }
    return tuple(sorted(found, key=len, reverse=True))
