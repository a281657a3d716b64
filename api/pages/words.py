"""How values read on a page: ages, sizes, states, events."""

import functools
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86_400
JUST_NOW_S: Final = 5
KILO: Final = 1000
CELL_CHARS_MAX: Final = 300
MOMENTS_KEPT_MAX: Final = 4_096  # a page shows the same hundreds again and again

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
    "error": ("Failed", "bad"),
    "skipped": ("Skipped", "idle"),
    "missed": ("Missed", "warn"),
    "pass": ("Passes", "good"),
    "warn": ("Warns", "warn"),
    "fail": ("Fails", "bad"),
    "runtime error": ("Broke", "bad"),
    "": ("Not built yet", "none"),
    "delivered": ("Delivered", "good"),
    "dead": ("Given up", "bad"),
    "active": ("Active", "good"),
    "invited": ("Invited", "wait"),
    "deactivated": ("Deactivated", "idle"),
    "live": ("Live", "good"),
    "broken": ("Broken", "bad"),
    "answered": ("Answered", "good"),
    "refused": ("Refused", "warn"),
    "timed_out": ("Timed out", "bad"),
    "free": ("Free", "idle"),
    "editing": ("You edit it", "good"),
    "locked": ("Locked", "warn"),
    "lapsed": ("Lock ran out", "none"),
    "ok": ("In order", "good"),
    "none": ("None yet", "none"),
    "overdue": ("Overdue", "warn"),
    "expiring": ("Runs out soon", "warn"),
    "expired": ("Has run out", "bad"),
    "not_renewed": ("Not renewed", "bad"),
    "normal": ("As expected", "good"),
    "alert": ("Not as expected", "bad"),
    "no_baseline": ("Nothing to compare with yet", "idle"),
    "unknown": ("Not measured yet", "none"),
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


ID: Final = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24}\b")


def brief(stream: str) -> str:
    """`query:01a204b6f8ef7dbc88cd6e682b76f562` -> `query:01a204b6…`."""
    return ID.sub(r"\1…", stream)


NAMES: Final = {"api": "API", "duckdb": "DuckDB", "dbt_docs": "dbt documentation"}


def service(name: str) -> str:
    """`duckdb` -> `DuckDB`."""
    return NAMES.get(name, human(name))


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


def left(then: datetime, now: datetime) -> str:
    """How soon something will be: `in 14 minutes`, `soon` when it is due already."""
    seconds = int((then - now).total_seconds())
    for unit_s, name in ((DAY_S, "day"), (HOUR_S, "hour"), (MINUTE_S, "minute")):
        if count := max(0, seconds) // unit_s:
            return f"in {plural(count, name)}"
    return "in less than a minute" if seconds > 0 else "soon"


@functools.lru_cache(maxsize=MOMENTS_KEPT_MAX)
def stamp(at: datetime) -> str:
    """`21 Nov 2026, 09:12:33`, in UTC."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M:%S}"


@functools.lru_cache(maxsize=MOMENTS_KEPT_MAX)
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


def step(value_s: int) -> str:
    """`1 second`, `15 minutes`, `6 hours`, `30 days`: a whole number of its largest unit."""
    units = ((DAY_S, "day"), (HOUR_S, "hour"), (MINUTE_S, "minute"), (1, "second"))
    unit_s, name = next(each for each in units if value_s % each[0] == 0)
    return plural(value_s // unit_s, name)


def cell(value: Any) -> str | None:
    """A value of an answer's rows; None stays None."""
    if value is None:
        return None
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= CELL_CHARS_MAX else f"{text[:CELL_CHARS_MAX]}…"


def number(value: int) -> str:
    """`1,234,567`."""
    return f"{value:,}"


def signed(value: int) -> str:
    """`+1,234`, `−12`: how much more something is."""  # noqa: RUF002 - the sign
    return f"{'+' if value >= 0 else '−'}{abs(value):,}"  # noqa: RUF001 - the sign


def size(value: float) -> str:
    """`512 B`, `1.5 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < KILO:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= KILO
    return f"{value:.1f} TB"


def plural(count: int, one: str) -> str:
    """`1 source`, `2 sources`."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def pretty(value: Any) -> str:
    """A value as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
