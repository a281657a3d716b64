"""When a schedule is due: five fields of cron, or a named one, in a time zone.

Fields are those of crontab(5): `*`, numbers, names of months and days, ranges, steps, lists; 0 and
7 are Sunday; when both days of the month and of the week are restricted, either of them suffices.

Clocks that are put forward or back neither skip nor double a run. Where the hours are restricted,
each wall time of a day is met once: one that a day lacks is met where the clock jumps, one that a
day has twice is met the first time. Where every hour is meant, real time counts: an hour that comes
twice is two hours.
"""

import calendar
import functools
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

NAMED: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    # names of the existing product
    "every_15m": "*/15 * * * *",
    "every_hour": "0 * * * *",
    "every_6h": "0 */6 * * *",
    "daily": "0 6 * * *",
    "weekly": "0 6 * * 1",
}
CRON_CHARS_MAX: Final = 200
DAYS_AHEAD_MAX: Final = 366 * 29  # 29 February on one day of the week comes at least so often
LINES_CACHED: Final = 8_192  # next times that are remembered
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)
_NUMBER: Final = re.compile(r"[0-9]{1,2}")
_MONTHS: Final = {name.lower(): n for n, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS: Final = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_FIELDS: Final[tuple[tuple[str, int, int, dict[str, int]], ...]] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _WEEKDAYS),
)


class CronInvalid(ValueError):
    """What cannot be read as a time table; the text says why."""


class Cron(msgspec.Struct, frozen=True):
    """The moments that a time table names, each field sorted; weekdays count from Sunday, 0."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool  # a day of the month or one of the week suffices
    every_hour: bool

    def on(self, day: date) -> bool:
        """Whether it names this day."""
        if day.month not in self.months:
            return False
        by_month, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (by_month or by_week) if self.either else (by_month and by_week)


@functools.lru_cache(maxsize=LINES_CACHED)
def parse(text: str) -> Cron:
    """Read a time table. Raises CronInvalid."""
    plain = NAMED.get(text.strip().lower(), text)
    parts = plain.split()
    if len(text) > CRON_CHARS_MAX or len(parts) != len(_FIELDS):
        raise CronInvalid("must be five fields, like 0 6 * * 1-5, or a name, like @daily")
    minutes, hours, days, months, weekdays = (
        _field(part, *field) for part, field in zip(parts, _FIELDS, strict=True)
    )
    found = Cron(
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        either=not parts[2].startswith("*") and not parts[4].startswith("*"),
        every_hour=len(hours) == 24,  # noqa: PLR2004 - of a day
    )
    longest = max(calendar.monthrange(2024, month)[1] for month in months)  # a leap year
    if not found.either and min(days) > longest:
        raise CronInvalid("names a day that no month has")
    return found


def words(text: str) -> str:
    """A time table as people say it, where that is short; else as it is written."""
    found = parse(text)
    always = len(found.months) == 12 and len(found.days) == 31  # noqa: PLR2004 - all of them
    if not always or (len(found.minutes) > 1 and not found.every_hour):
        return text
    if found.every_hour:
        if len(found.weekdays) < len(_WEEKDAYS):
            return text
        step = 60 // len(found.minutes)
        if found.minutes != tuple(range(0, 60, step)):
            return text
        return "Hourly" if step == 60 else "Every minute" if step == 1 else f"Every {step} minutes"  # noqa: PLR2004 - of an hour
    if len(found.hours) > 1:
        return text
    at = _clock(found.hours[0], found.minutes[0])
    if len(found.weekdays) == len(_WEEKDAYS):
        return f"Daily at {at}"
    days = sorted(_from_monday(day) for day in found.weekdays)
    names = [calendar.day_name[day] for day in days]
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:  # noqa: PLR2004 - a pair is named
        return f"{names[0]} to {names[-1]} at {at}"
    return f"{', '.join(names)} at {at}"


def _from_monday(day: int) -> int:
    return (day - 1) % 7


def _clock(hour: int, minute: int) -> str:
    minutes = f":{minute:02}" if minute else ""
    return f"{hour % 12 or 12}{minutes} {'AM' if hour < 12 else 'PM'}"  # noqa: PLR2004 - noon


def _field(text: str, label: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if slash and (not _NUMBER.fullmatch(step) or int(step) == 0):
            raise CronInvalid(f"the {label} has a step that is no number above 0")
        first, dash, last = span.partition("-")
        if span == "*":
            begin, end = low, high
        else:
            begin = _value(first, label, names)
            end = _value(last, label, names) if dash else (high if slash else begin)
        if not low <= begin <= end <= high:
            raise CronInvalid(f"the {label} must be from {low} to {high}, the smaller one first")
        values.update(range(begin, end + 1, int(step) if slash else 1))
    return frozenset(values)


def _value(text: str, label: str, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not _NUMBER.fullmatch(text):
        raise CronInvalid(f"the {label} is not a number, *, a range or a list of them")
    return int(text)


def zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name. Raises CronInvalid."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise CronInvalid("is not the name of a time zone, like Europe/Zurich or UTC") from None


@functools.lru_cache(maxsize=LINES_CACHED)
def next_after(text: str, zone_name: str, after: datetime) -> datetime | None:
    """The first moment, in UTC, behind `after`; None when there is none for many years."""
    return next(moments(parse(text), zone(zone_name), after), None)


def moments(cron: Cron, where: tzinfo, after: datetime) -> Iterator[datetime]:
    """All moments behind `after`, in UTC, in order and each once."""
    last = after.astimezone(UTC)
    found = _real(cron, where, last) if cron.every_hour else _wall(cron, where, last)
    for moment in found:
        if moment > last:
            last = moment
            yield moment


def _wall(cron: Cron, where: tzinfo, after: datetime) -> Iterator[datetime]:
    """By the wall clock: each time that a day is to have, once."""
    first = after.astimezone(where).date() - _DAY  # the day that `after` may still belong to
    for ahead in range(DAYS_AHEAD_MAX):
        day = first + ahead * _DAY
        if cron.on(day):
            midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a wall clock's
            for hour in cron.hours:
                for minute in cron.minutes:
                    yield _met(midnight.replace(hour=hour, minute=minute), where)


def _met(wall: datetime, where: tzinfo) -> datetime:
    """When a wall clock shows this time first; where it jumps over it, the end of the jump."""
    moment = wall.replace(tzinfo=where, fold=0).astimezone(UTC)
    if moment.astimezone(where).replace(tzinfo=None) == wall:
        return moment
    # The jump lies between the readings with the offset behind it and with the one before it.
    early = wall.replace(tzinfo=where, fold=1).astimezone(UTC)
    late, offset = moment, moment.astimezone(where).utcoffset()
    while late - early > _MINUTE:
        middle = early + (late - early) // 2
        middle = middle.replace(second=0, microsecond=0)
        if middle.astimezone(where).utcoffset() == offset:
            late = middle
        else:
            early = middle if middle > early else early + _MINUTE
    return late


def _real(cron: Cron, where: tzinfo, after: datetime) -> Iterator[datetime]:
    """By real time: every moment at which the wall clock shows one of these minutes."""
    moment = after.replace(second=0, microsecond=0) + _MINUTE
    while (day := _next_day(cron, moment.astimezone(where).date())) is not None:
        local = moment.astimezone(where)
        if local.date() != day:
            moment = _met(datetime(day.year, day.month, day.day), where)  # noqa: DTZ001 - a wall's
            continue
        wait = next((m - local.minute for m in cron.minutes if m >= local.minute), None)
        if wait == 0:
            yield moment
            moment += _MINUTE
        else:
            # To the next hour at most: the clock may be put forward or back by then.
            moment += timedelta(minutes=60 - local.minute if wait is None else wait)


def _next_day(cron: Cron, first: date) -> date | None:
    days = (first + ahead * _DAY for ahead in range(DAYS_AHEAD_MAX))
    return next((day for day in days if cron.on(day)), None)
