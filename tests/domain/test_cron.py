"""Time tables: which moments they name, and that clocks put forward or back change nothing."""

import itertools
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from domain import cron

ZURICH = "Europe/Zurich"
# Zones whose clocks change by an hour, by half of one, at midnight, in the other season, or not.
ZONES = (ZURICH, "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Kolkata")


def local(text, day, *, zone=ZURICH, count=3):
    after = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    found = itertools.islice(cron.moments(cron.parse(text), cron.zone(zone), after), count)
    return [moment.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M%z") for moment in found]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("* * * * *", "01-01 12:01"),
        ("*/15 * * * *", "01-01 12:15"),
        ("5-10/5,50 * * * *", "01-01 12:05"),
        ("0 6 * * *", "01-02 06:00"),
        ("0 6 * * 1", "01-05 06:00"),
        ("0 6 * * mon-fri", "01-02 06:00"),
        ("0 6 * * 7", "01-04 06:00"),
        ("0 6 * * 0", "01-04 06:00"),
        ("0 0 1 * *", "02-01 00:00"),
        ("0 0 31 * *", "01-31 00:00"),
        ("0 0 13 * 5", "01-02 00:00"),  # the 13th, or a Friday
        ("0 0 1 JUL *", "07-01 00:00"),
        ("30 23 31 12 *", "12-31 23:30"),
        ("@hourly", "01-01 13:00"),
        ("@daily", "01-02 00:00"),
        ("@weekly", "01-04 00:00"),
        ("@monthly", "02-01 00:00"),
        ("@yearly", "01-01 00:00"),
        ("every_15m", "01-01 12:15"),
        ("every_hour", "01-01 13:00"),
        ("every_6h", "01-01 18:00"),
        ("daily", "01-02 06:00"),
        ("weekly", "01-05 06:00"),
    ],
)
def test_a_time_table_names_its_moments(text, first):
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)

    assert first == cron.next_after(text, "UTC", noon).strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "daily at six",
        "0 6 * *",
        "0 6 * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "5-1 * * * *",
        "*/0 * * * *",
        "a * * * *",
        "-1 * * * *",
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
        "@never",
        "0,,1 * * * *",
        "٣ * * * *",
        "0 " * 200,
    ],
)
def test_what_is_no_time_table_is_refused(text):
    with pytest.raises(cron.CronInvalid):
        cron.parse(text)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "a\0b"])
def test_what_is_no_zone_is_refused(name):
    with pytest.raises(cron.CronInvalid):
        cron.zone(name)


def test_a_wall_time_that_a_day_lacks_is_met_where_the_clock_jumps():
    expected = ["03-28 02:30+0100", "03-29 03:00+0200", "03-30 02:30+0200"]
    assert expected == local("30 2 * * *", "2026-03-28")


def test_a_wall_time_that_a_day_has_twice_is_met_once():
    expected = ["10-24 02:30+0200", "10-25 02:30+0200", "10-26 02:30+0100"]
    assert expected == local("30 2 * * *", "2026-10-24")


def test_of_an_hour_that_comes_twice_both_are_hours():
    expected = ["10-25 02:00+0200", "10-25 02:00+0100", "10-25 03:00+0100"]
    assert expected == local("0 * * * *", "2026-10-25 01:30")


def test_the_leap_day_is_waited_for():
    expected = ["02-29 00:00+0100", "02-29 00:00+0100"]
    assert expected == local("0 0 29 2 *", "2026-01-01", count=2)


@pytest.mark.parametrize("zone", ZONES)
def test_a_daily_time_is_met_once_on_every_day_of_two_years(zone):
    random = Random(zone)  # noqa: S311 - seeded
    begin = datetime(2025, 12, 31, 12, tzinfo=UTC)
    for _ in range(20):
        text = f"{random.randrange(60)} {random.randrange(24)} * * *"
        where = ZoneInfo(zone)
        found = cron.moments(cron.parse(text), where, begin)
        days = [moment.astimezone(where).date() for moment in itertools.islice(found, 730)]

        steps = {after - before for before, after in itertools.pairwise(days)}
        assert {timedelta(days=1)} == steps, text


@pytest.mark.parametrize("zone", ZONES)
def test_what_comes_every_quarter_of_an_hour_does_so_in_real_time(zone):
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    found = cron.moments(cron.parse("*/15 * * * *"), cron.zone(zone), begin)
    steps = {b - a for a, b in itertools.pairwise(itertools.islice(found, 40_000))}

    assert {timedelta(minutes=15)} == steps


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 6 * * *", "Daily at 6 AM"),
        ("30 18 * * *", "Daily at 6:30 PM"),
        ("0 0 * * *", "Daily at 12 AM"),
        ("@hourly", "Hourly"),
        ("every_15m", "Every 15 minutes"),
        ("* * * * *", "Every minute"),
        ("0 6 * * 1", "Monday at 6 AM"),
        ("0 6 * * 0,1", "Monday, Sunday at 6 AM"),
        ("0 6 * * 1-5", "Monday to Friday at 6 AM"),
        ("0 6 * * 5-7", "Friday to Sunday at 6 AM"),
        ("0 6 * * 1,2,4", "Monday, Tuesday, Thursday at 6 AM"),
        ("0 6 1 * *", "0 6 1 * *"),
        ("0 6,18 * * *", "0 6,18 * * *"),
        ("5,20 * * * *", "5,20 * * * *"),
    ],
)
def test_a_short_time_table_is_told_in_words(text, expected):
    assert expected == cron.words(text)
