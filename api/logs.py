"""GET /api/logs: what happened, in words; the same as a file, one line for each."""

from datetime import datetime
from typing import Final

import msgspec
from litestar import Response

from api.call import Call
from api.errors import invalid
from api.sources import clamp, log_level, log_since, words
from projections import activity

ROWS: Final = 1_000
FILE_LINES: Final = 5_000  # of a file, the newest; `as_of` gives those before
TEXT_CHARS_MAX: Final = 100  # of what is looked for
MEDIA_TYPE: Final = "application/x-ndjson"


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
    found = activity.newest(
        call.views, clamp(limit), level=log_level(level), since=log_since(since)
    )
    return [_entry(call, entry) for entry in found]


async def export_logs(
    call: Call,
    level: str | None = None,
    source: str | None = None,
    since: datetime | None = None,
    q: str | None = None,
) -> Response[bytes]:
    """Give the newest lines as a file, one JSON object in each."""
    found = activity.newest(
        call.views,
        FILE_LINES,
        source or None,
        level=log_level(level or None),
        since=log_since(since),
        text=log_text(q),
    )
    name = f"activity-{call.views.position}.ndjson"
    return Response(
        msgspec.json.Encoder().encode_lines([_entry(call, entry) for entry in found]),
        media_type=MEDIA_TYPE,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def log_text(text: str | None) -> str | None:
    """What is looked for in lines. Raises Denied, 422."""
    if text is not None and len(text) > TEXT_CHARS_MAX:
        raise invalid("q", f"is longer than {TEXT_CHARS_MAX} characters")
    return text or None


def _entry(call: Call, entry: activity.Entry) -> LogEntry:
    return LogEntry(
        timestamp=entry.timestamp,
        level=entry.level,
        source=entry.source,
        message=words(entry, tell_errors=call.caller.role is not None),
        category="core",
        dango_version=call.platform.version,
        position=entry.position,
    )
