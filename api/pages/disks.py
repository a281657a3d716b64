"""The disk over time as a picture: what lies on it day by day, and where that leads."""

from collections.abc import Sequence
from typing import Final

import msgspec

from projections.disks import Day

WIDTH, HEIGHT = 600.0, 120.0
ABOVE: Final = 1.05  # of the disk, or of the most there was: the upper edge of the picture
SHARE_MIN: Final = 0.25  # of the disk that must be full before the picture reaches up to all of it


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Used bytes over the days; `top_bytes` is the upper edge, `full` the height of a full disk."""

    line: str  # `d` of a path
    area: str
    top_bytes: int
    full: float | None
    said: str


def curve(days: Sequence[Day]) -> Curve | None:
    """The picture of these days, the oldest first; None for fewer than two."""
    if len(days) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    most, total = max(day.used_bytes for day in days), days[-1].total_bytes
    whole = most >= total * SHARE_MIN
    top = (total if whole else most) * ABOVE or 1.0
    first, span = days[0].day, (days[-1].day - days[0].day).days or 1
    points = " ".join(
        f"{(day.day - first).days / span * WIDTH:.1f} {_y(day.used_bytes, top):.1f}" for day in days
    )
    return Curve(
        line=f"M{points}",
        area=f"M0 {HEIGHT} L{points} L{WIDTH} {HEIGHT}Z",
        top_bytes=int(top),
        full=_y(total, top) if whole else None,
        said=f"Used space from {first} to {days[-1].day}",
    )


def _y(size: float, top: float) -> float:
    return HEIGHT * (1 - size / top)
