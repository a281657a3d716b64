"""What others log in a flood, seldom: the same complaint a few times a minute, and how often."""

import logging
import time
from collections.abc import Callable
from typing import Final

REPEATS_MAX: Final = 5  # of one complaint within a period
PERIOD_S: Final = 60.0
COMPLAINTS_MAX: Final = 256  # that are told apart; then all are forgotten

# Whose lines a client can cause as many of as it likes.
LOUD: Final = ("asyncio", "uvicorn.error")


class Seldom(logging.Filter):
    """Lets the first records of a kind pass in each period, and says what it has kept back."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._seen: dict[str, tuple[float, int]] = {}  # since when, and how often

    def filter(self, record: logging.LogRecord) -> bool:
        """As `logging` asks."""
        kind = f"{record.name} {str(record.msg).partition(chr(10))[0]}"
        now = self._monotonic()
        since, count = self._seen.get(kind, (now, 0))
        if now - since > PERIOD_S:
            if count > REPEATS_MAX:
                record.msg = f"{record.msg} ({count - REPEATS_MAX} more like this before)"
            since, count = now, 0
        if len(self._seen) >= COMPLAINTS_MAX:
            self._seen.clear()
        self._seen[kind] = (since, count + 1)
        return count < REPEATS_MAX


_SELDOM: Final = Seldom()


def hush() -> None:
    """Bound what a server's libraries log; their lines for each request are not shown at all."""
    for name in LOUD:
        logging.getLogger(name).addFilter(_SELDOM)
    # Below a warning are lines with paths and query strings, which are nobody's business.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
