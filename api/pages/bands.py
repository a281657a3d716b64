"""A number over time against what its past lets expect: pure, from values to a picture.

Each value is judged as it was when it was measured, by what had been seen before it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from api.pages import charts
from domain.anomalies import Compare, Point, judge

WIDTH, HEIGHT = 600.0, 120.0
SHOWN_MAX: Final = 96  # values; where there are more, the last one of each day
DAY_CHARS: Final = len("2026-01-01")


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A value, and between which bounds it was expected; None where a side had none."""

    at: datetime
    value: float
    expected: float | None
    low: float | None
    high: float | None
    anomaly: bool

    @property
    def bounded(self) -> bool:
        """Whether anything was expected of it."""
        return self.low is not None or self.high is not None


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """The picture: a line, what was expected around it, and the places of anomalies."""

    line: str  # `d` of a path, as the others
    area: str
    off: str
    low: float  # the lower edge of the picture
    high: float
    said: str


def seen(
    points: Sequence[Point], since: datetime, compare: Compare, threshold_pct: float | None
) -> list[Seen]:
    """The values from a moment on, in order of time; those before are what they are judged by."""
    shown = [point for point in points if point.at >= since]
    if len(shown) > SHOWN_MAX:
        days = {point.at.isoformat()[:DAY_CHARS]: point for point in shown}
        shown = list(days.values())[-SHOWN_MAX:]
    return [_seen(points, point, compare, threshold_pct) for point in shown]


def _seen(
    points: Sequence[Point], point: Point, compare: Compare, threshold_pct: float | None
) -> Seen:
    found = judge(points, point, compare, threshold_pct)
    return Seen(
        at=point.at,
        value=point.value,
        expected=found.expected,
        low=found.low,
        high=found.high,
        anomaly=found.anomaly,
    )


def band(values: Sequence[Seen]) -> Band | None:
    """The picture of these values; None for fewer than two."""
    if len(values) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    scale = _scale(values)
    first = values[0].at
    span_s = (values[-1].at - first).total_seconds() or 1.0
    across = [(each.at - first).total_seconds() / span_s * WIDTH for each in values]
    up = [_up(scale, each.value) for each in values]
    points = [f"{x:.1f} {y:.1f}" for x, y in zip(across, up, strict=True)]
    off = [point for point, each in zip(points, values, strict=True) if each.anomaly]
    return Band(
        line=f"M{' '.join(points)}",
        area=_area(values, across, scale),
        off="".join(f"M{point}h0" for point in off),
        low=scale.ticks[0],
        high=scale.ticks[-1],
        said=f"{len(values)} values, {len(off)} of them not as expected",
    )


def _scale(values: Sequence[Seen]) -> charts.Axis:
    """Around all values, and of what was expected as much as leaves them to be seen."""
    numbers = [each.value for each in values]
    lowest, highest = min(numbers), max(numbers)
    room = (highest - lowest) or abs(highest)
    bounds = [bound for each in values for bound in (each.low, each.high) if bound is not None]
    return charts.axis(
        max(lowest - room, min([lowest, *bounds])), min(highest + room, max([highest, *bounds]))
    )


def _up(scale: charts.Axis, value: float) -> float:
    return HEIGHT - min(HEIGHT, max(0.0, scale.place(value, HEIGHT)))


def _area(values: Sequence[Seen], across: Sequence[float], scale: charts.Axis) -> str:
    """What was expected, in one piece for each stretch of which something was."""
    pieces: list[list[int]] = []
    for place, each in enumerate(values):
        if not each.bounded:
            continue
        if pieces and pieces[-1][-1] == place - 1:
            pieces[-1].append(place)
        else:
            pieces.append([place])
    found = []
    for piece in pieces:
        tops = [f"{across[p]:.1f} {_edge(scale, values[p].high, 0.0):.1f}" for p in piece]
        feet = [f"{across[p]:.1f} {_edge(scale, values[p].low, HEIGHT):.1f}" for p in piece]
        found.append(f"M{' '.join([*tops, *reversed(feet)])}Z")
    return "".join(found)


def _edge(scale: charts.Axis, bound: float | None, open_end: float) -> float:
    return open_end if bound is None else _up(scale, bound)
