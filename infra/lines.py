"""The server's log on standard error: lines for people, or JSON objects for machines.

`DANGO_LOG=json` chooses the latter, one object a line: `time`, `level`, `logger`, `message`, the
`request_id` that it belongs to, and what the line brings along (`position`, `status`, `actor` …).
Requests that change something or fail are lines too, by the path of their route: what stands in
the place of a name, and the query, are nobody's business.
"""

import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

VARIABLE: Final = "DANGO_LOG"
JSON: Final = "json"
REQUESTS: Final = "dango.requests"
MESSAGE_CHARS_MAX: Final = 8_000
TRACE_CHARS_MAX: Final = 20_000
_BROUGHT: Final = ("position", "status", "duration_ms", "method", "route", "actor")


class JsonLines(logging.Formatter):
    """One JSON object a line; `request` tells the id of the request that runs."""

    def __init__(self, request: Callable[[], str]) -> None:
        super().__init__()
        self._request = request

    def format(self, record: logging.LogRecord) -> str:
        """As `logging` asks."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage()[:MESSAGE_CHARS_MAX],
        }
        if request := self._request():
            line["request_id"] = request
        line |= {name: getattr(record, name) for name in _BROUGHT if hasattr(record, name)}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)[-TRACE_CHARS_MAX:]
        return msgspec.json.encode(line).decode()


def follow(level: int, request: Callable[[], str]) -> None:
    """Log to standard error: warnings like other lines of a command, a server's with the time."""
    stamped = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    wanted = stamped if level < logging.WARNING else "dango: %(message)s"
    logging.basicConfig(level=level, stream=sys.stderr, format=wanted, force=True)
    if level < logging.WARNING and os.environ.get(VARIABLE) == JSON:
        logging.getLogger(REQUESTS).setLevel(logging.DEBUG)
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines(request))
