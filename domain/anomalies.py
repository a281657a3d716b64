"""Whether a number is what its past lets expect.

It is compared with the same weekday of the last weeks, at about the same time of day: the expected
value is their median, and how far it may lie off is told by their median absolute deviation, which
one bad week does not move. While there are too few weeks, it is compared from day to day: a change
counts when it is far larger than all that were seen before.
"""

import bisect
import itertools
import statistics
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

WEEKS: Final = 6
WEEKS_MIN: Final = 4  # of them must be known
DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(weeks=1)
NEAR: Final = timedelta(hours=12)  # how far from the same moment of another day a value may lie
PAST: Final = WEEKS * WEEK + NEAR  # older values are not asked for
DEVIATIONS: Final = 4.0  # from here on a value is an anomaly
TO_SIGMA: Final = 1.4826  # a median absolute deviation of a normal distribution, in its sigma
FLOOR: Final = 0.05  # of the expected value: series that hardly move would shout at every step
DAYS_MIN: Final = 7  # changes from day to day that must be known
DAYS: Final = 28  # that are looked at
JUMP: Final = 2.0  # times the largest change so far
JUMP_MIN: Final = 0.5  # of the day before: a smaller change is no anomaly


class Compare(StrEnum):
    """What a value is compared with."""

    SEASONAL = "seasonal"  # the same weekday of six weeks
    WEEK_OVER_WEEK = "week_over_week"
    ROLLING_7 = "rolling_7day_avg"
    ROLLING_30 = "rolling_30day_avg"
    PRIOR = "prior_period"  # the day before
    NONE = "none"


class Point(msgspec.Struct, frozen=True):
    """A value at a moment; `snapshot` is the warehouse commit that it was seen in."""

    at: datetime
    value: float
    snapshot: int = 0


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the comparison: `deviation` is in sigmas, or in jumps from day to day.

    From `low` to `high` are the values that would be no anomaly; None where there is no such bound.
    """

    anomaly: bool = False
    expected: float | None = None
    deviation: float | None = None
    change_pct: float | None = None
    basis: str = "none"  # seasonal, day_over_day, threshold, none: what the verdict rests on
    baseline: Point | None = None  # the one that parts are compared with
    low: float | None = None
    high: float | None = None


def judge(
    past: Sequence[Point],
    now: Point,
    compare: Compare = Compare.SEASONAL,
    threshold_pct: float | None = None,
) -> Judgement:
    """Compare a value with its past, which is in order of time.

    A threshold in percent decides alone, where there is one and something to compare with.
    """
    if compare is Compare.NONE:
        return Judgement()
    points = past[: bisect.bisect_left(past, now.at, key=lambda point: point.at)]
    usual = _seasonal(points, now)
    baseline = _near(points, now.at - WEEK) or _near(points, now.at - DAY)
    baseline = baseline or (points[-1] if points else None)
    expected = usual.expected if compare is Compare.SEASONAL else _baseline(points, now, compare)
    change = _change_pct(now.value, expected)
    judged = msgspec.structs.replace(usual, expected=expected, change_pct=change, baseline=baseline)
    if threshold_pct is None or expected is None:
        return judged
    beyond = now.value != expected if change is None else abs(change) > threshold_pct
    away = abs(expected) * threshold_pct / 100
    return msgspec.structs.replace(
        judged, anomaly=beyond, basis="threshold", low=expected - away, high=expected + away
    )


def _seasonal(points: Sequence[Point], now: Point) -> Judgement:
    weeks = [
        found.value
        for week in range(1, WEEKS + 1)
        if (found := _near(points, now.at - week * WEEK)) is not None
    ]
    if len(weeks) < WEEKS_MIN:
        return _from_day_to_day(points, now)
    expected = statistics.median(weeks)
    spread = statistics.median(abs(value - expected) for value in weeks)
    sigma = max(TO_SIGMA * spread, FLOOR * abs(expected))
    off = now.value - expected
    deviation = None if sigma == 0 else off / sigma
    anomaly = off != 0 if deviation is None else abs(deviation) >= DEVIATIONS
    return Judgement(
        anomaly=anomaly,
        expected=expected,
        deviation=deviation,
        basis="seasonal",
        low=expected - DEVIATIONS * sigma,
        high=expected + DEVIATIONS * sigma,
    )


def _from_day_to_day(points: Sequence[Point], now: Point) -> Judgement:
    days = _days(points, now.at, DAYS)
    if not days:
        return Judgement(expected=points[-1].value if points else None)
    before = days[-1]
    changes = [_share(a, b) for a, b in itertools.pairwise(days)]
    if len(changes) < DAYS_MIN:
        return Judgement(expected=before, basis="none")
    bound = max(JUMP * max(changes), JUMP_MIN)
    jump = _share(before, now.value)
    low, high = _reach(before, bound)
    return Judgement(
        anomaly=jump > bound,
        expected=before,
        deviation=jump / bound,
        basis="day_over_day",
        low=low,
        high=high,
    )


def _reach(before: float, bound: float) -> tuple[float | None, float | None]:
    """How far a change of this share leads from a value; None where a side has no end."""
    if bound >= 1:  # down to nothing at all, and up without an end
        return None, None
    near, far = before * (1 - bound), before / (1 - bound)
    return (near, far) if before >= 0 else (far, near)


def _share(before: float, after: float) -> float:
    """A change as a share of the larger of the two: from 0 to 2, the same in both directions."""
    larger = max(abs(before), abs(after))
    return 0.0 if larger == 0 else abs(after - before) / larger


def _baseline(points: Sequence[Point], now: Point, compare: Compare) -> float | None:
    match compare:
        case Compare.WEEK_OVER_WEEK:
            found = _near(points, now.at - WEEK)
        case Compare.PRIOR:
            found = _near(points, now.at - DAY)
        case _:
            days = 7 if compare is Compare.ROLLING_7 else 30
            values = _days(points, now.at, days)
            return statistics.fmean(values) if values else None
    found = found or (points[-1] if points else None)
    return None if found is None else found.value


def _days(points: Sequence[Point], now: datetime, count: int) -> list[float]:
    """The values of the days before, each at about this time of day, oldest first."""
    found = (_near(points, now - day * DAY) for day in range(count, 0, -1))
    return [point.value for point in found if point is not None]


def _near(points: Sequence[Point], at: datetime) -> Point | None:
    """The value that is nearest to a moment, and not too far from it."""
    place = bisect.bisect_left(points, at, key=lambda point: point.at)
    around = points[max(place - 1, 0) : place + 1]
    nearest = min(around, key=lambda point: abs(point.at - at), default=None)
    if nearest is None or abs(nearest.at - at) > NEAR:
        return None
    return nearest


def _change_pct(value: float, expected: float | None) -> float | None:
    if expected is None or expected == 0:
        return None
    return (value - expected) / abs(expected) * 100
