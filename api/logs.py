"""GET /api/logs: what happened, in words."""

from datetime import datetime
from typing import Final

import msgspec

from api.call import Call
from api.sources import clamp, log_level, log_since, words
from projections import activity

ROWS: Final = 1_000


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the activity log."""

    timestamp: str
    level: str
    source: str
    message: str
    category: str
    dango_version: str
    position: int


async def list_logs(
    call: Call,
    limit: int = ROWS,
    category: str | None = None,
    level: str | None = None,
    since: datetime | None = None,
) -> list[LogEntry]:
    """Tell what happened on the platform, newest first."""
    if category not in (None, "core"):
        return []  # there is one category; old clients may ask for the other
    known = call.caller.role is not None
    return [
        LogEntry(
            timestamp=entry.timestamp,
            level=entry.level,
            source=entry.source,
            message=words(entry, tell_errors=known),
            category="core",
            dango_version=call.platform.version,
            position=entry.position,
        )
        for entry in activity.newest(
            call.views, clamp(limit), level=log_level(level), since=log_since(since)
        )
    ]
