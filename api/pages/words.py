"""How values read on a page: ages, sizes, states, events."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86_400
JUST_NOW_S: Final = 5

# A source's status -> its word and its shape; the style sheet gives each shape its colour.
STATUSES: Final[Mapping[str, tuple[str, str]]] = {
    "synced": ("Synced", "good"),
    "success": ("Succeeded", "good"),
    "empty": ("Empty", "idle"),
    "partial": ("Partly synced", "warn"),
    "stale": ("Stale", "warn"),
    "syncing": ("Syncing", "busy"),
    "running": ("Running", "busy"),
    "queued": ("Queued", "wait"),
    "failed": ("Failed", "bad"),
    "cancelled": ("Cancelled", "idle"),
    "interrupted": ("Interrupted", "warn"),
    "not_synced": ("Not synced yet", "none"),
    "disabled": ("Disabled", "none"),
}
LEVELS: Final[Mapping[str, str]] = {
    "success": "good",
    "error": "bad",
    "warning": "warn",
    "info": "note",
}


def status_word(status: str) -> str:
    """`not_synced` -> `Not synced yet`."""
    return STATUSES.get(status, (human(status), ""))[0]


def status_shape(status: str) -> str:
    """The shape that stands before a status."""
    return STATUSES.get(status, ("", "none"))[1]


def level_shape(level: str) -> str:
    """The shape that stands before a line of the activity log."""
    return LEVELS.get(level, "note")


def human(name: str) -> str:
    """`user_role_changed` -> `User role changed`."""
    return name.replace("_", " ").capitalize()


def age(then: datetime, now: datetime) -> str:
    """How long ago something was, in its largest unit."""
    seconds = int((now - then).total_seconds())
    if seconds < JUST_NOW_S:
        return "just now"
    for unit_s, name in ((DAY_S, "day"), (HOUR_S, "hour"), (MINUTE_S, "minute"), (1, "second")):
        count = seconds // unit_s
        if count:
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"


def stamp(at: datetime) -> str:
    """`21 Nov 2026, 09:12:33`, in UTC."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M:%S}"


def iso(at: datetime) -> str:
    """The value of a `datetime` attribute, and of `?as_of=`."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def seconds(value: float) -> str:
    """`0.31 s`, `12 s`, `3 min 5 s`, `2 h 4 min`."""
    if value < 10:  # noqa: PLR2004 - below, fractions are worth reading
        return f"{value:.2f} s"
    whole = round(value)
    if whole < MINUTE_S:
        return f"{whole} s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S} min {whole % MINUTE_S} s"
    return f"{whole // HOUR_S} h {whole % HOUR_S // MINUTE_S} min"


def number(value: int) -> str:
    """`1,234,567`."""
    return f"{value:,}"


def plural(count: int, one: str) -> str:
    """`1 source`, `2 sources`."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def pretty(value: Any) -> str:
    """A value as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
