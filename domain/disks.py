"""How full the disk is, measured once a day, and when it will be full.

Invariant: of a day there is one measurement, and none is of a day before the last one.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import combinations
from statistics import median
from typing import ClassVar, Final

import msgspec

from domain.kernel import Boundary, Event, Recorded, about

TAG: Final = "disk"
DAYS_MAX: Final = 90  # that a forecast looks back on
HISTORY_DAYS_MIN: Final = 7  # from the first measurement to the last
MEASURED_MIN: Final = 4  # of these days; two points lie on a line whatever they say
FULL_DAYS_MAX: Final = 5 * 365.0  # what lies farther than that, nobody can tell


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class DiskMeasured(Event, frozen=True, kw_only=True, tag="disk_measured"):
    """What lies on the project's disk at a day, in bytes; what lies elsewhere counts nothing."""

    permission: ClassVar[str] = "health.view"
    measured_at: datetime
    log_bytes: int  # without the vault, which lies in it
    vault_bytes: int
    views_bytes: int
    warehouse_bytes: int
    uploads_bytes: int
    backups_bytes: int
    free_bytes: int  # of the whole disk, whoever fills it
    total_bytes: int

    def stream(self) -> str:
        return TAG

    @property
    def day(self) -> date:
        """The day of it, in UTC."""
        return self.measured_at.astimezone(UTC).date()


EVENTS: Final[tuple[type[Event], ...]] = (DiskMeasured,)


class Disk(msgspec.Struct, frozen=True):
    """The day that was measured last."""

    day: date | None = None


def evolve(state: Disk, recorded: Recorded) -> Disk:
    """Fold one event."""
    match recorded.event:
        case DiskMeasured() as measured:
            return Disk(measured.day)
        case _:
            return state


def boundary() -> Boundary:
    """All measurements."""
    return about(TAG)


def measure(state: Disk, measured: DiskMeasured) -> list[Event]:
    """Write down a day's measurement, the first one of it."""
    return [measured] if state.day is None or state.day < measured.day else []


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """How full the disk was at a day."""

    day: date
    used_bytes: int
    free_bytes: int


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """When the disk is full as it goes; `full_in_days` is None where `why_not` says why."""

    measured: int  # days that it comes from
    bytes_per_day: float | None = None
    full_in_days: float | None = None
    why_not: str = ""


def forecast(points: Sequence[Point]) -> Forecast:
    """What the last DAYS_MAX measurements, by day, say of the days to come.

    The slope is the median of the slopes between every two points (Theil 1950, Sen 1968): a day on
    which much was loaded or cleared away does not carry it off, as it would a mean.
    """
    known = points[-DAYS_MAX:]
    span = (known[-1].day - known[0].day).days if known else 0
    if span < HISTORY_DAYS_MIN or len(known) < MEASURED_MIN:
        told = "There is no measurement yet." if not known else _short(span)
        return Forecast(measured=len(known), why_not=told)
    slope = median(
        (b.used_bytes - a.used_bytes) / (b.day - a.day).days for a, b in combinations(known, 2)
    )
    found = Forecast(measured=len(known), bytes_per_day=slope)
    if slope <= 0:
        return msgspec.structs.replace(found, why_not="What lies on it does not grow.")
    days = known[-1].free_bytes / slope
    if days > FULL_DAYS_MAX:
        told = f"At this pace it is not full within {FULL_DAYS_MAX / 365:.0f} years."
        return msgspec.structs.replace(found, why_not=told)
    return msgspec.structs.replace(found, full_in_days=days)


def _short(span: int) -> str:
    return f"It has been measured over {span} of the {HISTORY_DAYS_MIN} days that it takes to tell."
