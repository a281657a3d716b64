"""What a number's past lets expect, and how often that is right."""

import math
from datetime import timedelta
from random import Random

import pytest

from domain.anomalies import Compare, Point, judge
from tests.decisions import NOW

SERIES, DAYS, ANOMALIES, FIRST = 200, 120, 3, 42
PRECISION_MIN = RECALL_MIN = 0.9


def points(*values, until=NOW):
    """One value a day, the last of them yesterday."""
    count = len(values)
    return [Point(until - timedelta(days=count - n), float(v)) for n, v in enumerate(values)]


def series(random):
    """A weekly course with a slow trend and noise, and the days on which something went wrong."""
    level = math.exp(random.uniform(math.log(50), math.log(1_000_000)))
    week = [random.uniform(0.3, 1.0) for _ in range(7)]
    trend = random.uniform(-0.001, 0.003)  # a day
    noise = random.uniform(0.01, 0.07)
    values = [
        level * week[day % 7] * (1 + trend) ** day * max(0.0, random.gauss(1, noise))
        for day in range(DAYS)
    ]
    wrong = random.sample(range(FIRST, DAYS), ANOMALIES)
    for day in wrong:
        values[day] *= random.choice((0.0, random.uniform(0.1, 0.5), random.uniform(1.8, 4.0)))
    return values, set(wrong)


def test_nine_of_ten_alerts_are_right_and_nine_of_ten_anomalies_are_found():
    right = false = missed = 0
    for number in range(SERIES):
        values, wrong = series(Random(number))  # noqa: S311 - the same series for the same number
        known = points(*values)
        for day in range(FIRST, DAYS):
            told = judge(known[:day], known[day]).anomaly
            right += told and day in wrong
            false += told and day not in wrong
            missed += not told and day in wrong
    precision, recall = right / (right + false), right / (right + missed)

    assert SERIES * ANOMALIES == right + missed
    assert PRECISION_MIN <= precision, (precision, recall)
    assert RECALL_MIN <= recall, (precision, recall)


def test_the_same_weekday_is_what_counts():
    quiet_sundays = [10.0 if day % 7 == 0 else 1000.0 for day in range(FIRST)]
    known = points(*quiet_sundays)

    assert not judge(known, Point(NOW, 10.0)).anomaly
    assert judge(known, Point(NOW, 1000.0)).anomaly
    assert "seasonal" == judge(known, Point(NOW, 10.0)).basis


def test_one_bad_week_does_not_move_what_is_expected():
    values = [100.0] * FIRST
    values[14] = 0.0

    judged = judge(points(*values), Point(NOW, 100.0))
    assert (False, 100.0, 0.0) == (judged.anomaly, judged.expected, judged.deviation)


def test_while_there_are_few_weeks_days_are_compared():
    steady = points(*[100, 103, 98, 101, 99, 102, 100, 101, 100])

    assert not judge(steady, Point(NOW, 80.0)).anomaly
    dropped = judge(steady, Point(NOW, 20.0))
    assert (True, "day_over_day", 100.0) == (dropped.anomaly, dropped.basis, dropped.expected)


def test_a_short_past_accuses_nobody():
    assert not judge([], Point(NOW, 5.0)).anomaly
    assert not judge(points(1000, 1000, 1000), Point(NOW, 0.0)).anomaly


def test_what_never_moved_may_not_move():
    assert judge(points(*[0.0] * FIRST), Point(NOW, 3.0)).anomaly
    assert not judge(points(*[0.0] * FIRST), Point(NOW, 0.0)).anomaly


@pytest.mark.parametrize(
    ("compare", "expected"),
    [
        (Compare.WEEK_OVER_WEEK, 40.0),
        (Compare.PRIOR, 80.0),
        (Compare.ROLLING_7, 60.0),
        (Compare.ROLLING_30, 60.0),
    ],
)
def test_a_threshold_in_percent_decides_against_what_was_asked_for(compare, expected):
    known = points(40, 40, 60, 60, 60, 80, 80)

    within, beyond = (judge(known, Point(NOW, value), compare, 20) for value in (expected, 30.0))
    assert (False, expected, 0.0) == (within.anomaly, within.expected, within.change_pct)
    assert (True, "threshold") == (beyond.anomaly, beyond.basis)


def test_nothing_is_compared_where_nobody_wants_it():
    assert not judge(points(*[100.0] * FIRST), Point(NOW, 0.0), Compare.NONE, 1).anomaly
