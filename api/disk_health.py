"""When the disk will be full, in words and numbers."""

from typing import Final

import msgspec

from domain.disks import Forecast
from projections import disks
from projections.engine import Reader

WEEK_DAYS: Final = 7
DAYS_TOLD: Final = 14  # up to which it is told in days


class DiskForecast(msgspec.Struct, frozen=True, kw_only=True):
    """When the disk is full as it goes; what cannot be told is None, and `message` says why."""

    message: str
    measured_days: int
    growth_bytes_per_day: int | None
    full_in_days: int | None


def section(reader: Reader | None) -> DiskForecast:
    """The forecast over the rows of now; without rows, that there is none."""
    found = Forecast(measured=0, why_not="The read models have stopped.")
    if reader is not None:
        found = disks.forecast(reader)
    slope, days = found.bytes_per_day, found.full_in_days
    return DiskForecast(
        message=found.why_not if days is None else _said(days),
        measured_days=found.measured,
        growth_bytes_per_day=None if slope is None else round(slope),
        full_in_days=None if days is None else int(days),
    )


def _said(days: float) -> str:
    if days < 1:
        return "At this pace it is full within a day."
    if days < DAYS_TOLD:
        return f"At this pace it is full in about {_many(round(days), 'day')}."
    return f"At this pace it is full in about {round(days / WEEK_DAYS)} weeks."


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
