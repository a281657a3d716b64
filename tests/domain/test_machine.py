"""When disk, memory and room are short, what stays behind or fails, and how badly."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.machine import Level, behind, disk, failing, memory, missed, unmade, warehouse

MIB = 1024**2
GIB = 1024**3


@pytest.mark.parametrize(
    ("free", "total", "level"),
    [
        (50 * GIB, 100 * GIB, Level.OK),
        (15 * GIB, 100 * GIB, Level.OK),
        (14 * GIB, 100 * GIB, Level.WARNING),  # more than 85 % are used
        (5 * GIB, 100 * GIB, Level.WARNING),
        (4 * GIB, 100 * GIB, Level.CRITICAL),  # more than 95 %
        (2 * GIB, 4 * GIB, Level.OK),
        (2 * GIB - 1, 4 * GIB, Level.WARNING),  # a small disk, half of it used
        (200 * MIB, 400 * MIB, Level.WARNING),
        (200 * MIB - 1, 400 * MIB, Level.CRITICAL),
    ],
)
def test_a_disk_is_short_by_what_is_free_or_by_its_share(free, total, level):
    assert level is disk(free_bytes=free, used_bytes=total - free, total_bytes=total)


def test_what_the_system_keeps_for_itself_is_neither_free_nor_used():
    assert Level.OK is disk(free_bytes=10 * GIB, used_bytes=80 * GIB, total_bytes=100 * GIB)


@pytest.mark.parametrize(
    ("free", "level"),
    [(100, Level.OK), (99, Level.WARNING), (30, Level.WARNING), (29, Level.CRITICAL)],
)
def test_memory_is_short_by_its_share(free, level):
    assert level is memory(free_bytes=free, total_bytes=1000)


@pytest.mark.parametrize(
    ("size", "free", "pct", "level"),
    [
        (0, 100, 0.0, Level.OK),
        (63, 37, 78.8, Level.OK),
        (64, 36, 80.0, Level.WARNING),  # four fifths of four fifths of the disk
        (0, 0, 0.0, Level.OK),
    ],
)
def test_the_warehouse_has_room_in_four_fifths_of_what_is_free_or_its_own(size, free, pct, level):
    found = warehouse(size_bytes=size, free_bytes=free)

    assert (int((size + free) * 0.8), pct, level) == (found.most_bytes, found.pct, found.level)


def test_read_models_may_be_some_events_behind():
    assert (Level.OK, Level.WARNING) == (behind(10_000), behind(10_001))


def test_what_fails_thrice_in_a_row_is_critical():
    levels = [Level.OK, Level.WARNING, Level.WARNING, Level.CRITICAL, Level.CRITICAL]

    assert levels == [failing(count) for count in range(5)]
    assert levels == [unmade(count) for count in range(5)]


@pytest.mark.parametrize(
    ("since", "count"),
    [
        (timedelta(hours=1), 0),
        (timedelta(hours=1, seconds=1), 1),
        (timedelta(days=1, hours=2), 2),
        (timedelta(days=9), 3),
    ],
)
def test_a_backup_is_missed_when_it_is_late_by_an_hour(since, count):
    due = datetime(2026, 1, 1, 3, tzinfo=UTC)

    assert count == missed("0 3 * * *", "UTC", due, due + since)
