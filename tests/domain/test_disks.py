"""The forecast of the disk: when it speaks, what one odd day does to it, what it says when."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import disks
from domain.disks import Point

DAY = date(2026, 1, 1)
GB, TOTAL = 10**9, 100 * 10**9


def points(*used, every=1):
    return [
        Point(day=DAY + timedelta(days=number * every), used_bytes=size, free_bytes=TOTAL - size)
        for number, size in enumerate(used)
    ]


def test_a_disk_that_grows_evenly_is_full_when_its_free_part_is_used_up():
    found = disks.forecast(points(*(50 * GB + number * GB for number in range(11))))
    assert (GB, 40.0, 11) == (found.bytes_per_day, found.full_in_days, found.measured)


def test_one_day_on_which_much_is_loaded_or_cleared_away_does_not_carry_it_off():
    sizes = [50 * GB + number * GB for number in range(20)]
    for place, odd in ((0, 90 * GB), (10, 1 * GB), (15, 95 * GB)):
        used = [*sizes[:place], odd, *sizes[place + 1 :]]
        assert GB == disks.forecast(points(*used)).bytes_per_day


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ([], "There is no measurement yet."),
        (points(GB), "It has been measured over 0 of the 7 days that it takes to tell."),
        (points(*range(7)), "It has been measured over 6 of the 7 days that it takes to tell."),
        (points(1, 2, 3, every=9), "It has been measured over 18 of the 7 days"),
        (points(*[5 * GB] * 9), "What lies on it does not grow."),
        (points(*range(9 * GB, 0, -GB)), "What lies on it does not grow."),
        (points(*range(9)), "At this pace it is not full within 5 years."),
    ],
)
def test_what_cannot_be_told_is_not_told(known, said):
    found = disks.forecast(known)
    assert found.full_in_days is None
    assert found.why_not.startswith(said)


def test_what_is_longer_ago_than_it_looks_back_counts_nothing():
    flat = [50 * GB] * disks.DAYS_MAX
    grown = [50 * GB + number * GB // 4 for number in range(disks.DAYS_MAX)]
    assert disks.DAYS_MAX == disks.forecast(points(*flat, *grown)).measured
    assert GB // 4 == disks.forecast(points(*flat, *grown)).bytes_per_day


@given(st.lists(st.integers(0, TOTAL), max_size=30), st.integers(1, 9))
def test_it_says_a_time_or_why_not_never_both(used, every):
    found = disks.forecast(points(*used, every=every))
    assert (found.full_in_days is None) == bool(found.why_not)
    assert found.full_in_days is None or 0 <= found.full_in_days <= disks.FULL_DAYS_MAX
