"""The calendar of a source: a square for each day of half a year, by how its syncs ended.

Pure: days in, squares out. Weeks are columns and begin on Mondays; days are those of UTC.
"""

import itertools
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import msgspec

from projections.syncs import Day

WEEKS: Final = 26
STEP: Final = 13  # from one square to the next
SIDE: Final = 10
TOP: Final = 16  # for the names of months
WIDTH: Final = WEEKS * STEP
HEIGHT: Final = TOP + 7 * STEP


class Square(msgspec.Struct, frozen=True, kw_only=True):
    """A day on which something ended."""

    day: date
    x: int
    y: int
    shape: str
    said: str


class Month(msgspec.Struct, frozen=True):
    """The name of a month, over the first week that begins in it."""

    name: str
    x: int


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """The picture: days without runs as one path."""

    quiet: str
    squares: list[Square]
    months: list[Month]
    said: str
    width: int = WIDTH
    height: int = HEIGHT
    side: int = SIDE


def first(today: date) -> date:
    """The Monday on which the calendar begins."""
    return today - timedelta(days=today.weekday(), weeks=WEEKS - 1)


def calendar(days: Sequence[Day], today: date) -> Calendar:
    """Half a year up to today."""
    start = first(today)
    known = {each.day: each for each in days if start <= each.day <= today}
    dates = [start + timedelta(days=number) for number in range((today - start).days + 1)]
    quiet = "".join(_path(start, each) for each in dates if each not in known)
    squares = [_square(start, each) for _, each in sorted(known.items())]
    mondays = [each for each in dates if each.weekday() == 0]
    months = [
        Month(f"{monday:%b}", _place(start, monday)[0])
        for before, monday in itertools.pairwise(mondays)
        if monday.month != before.month
    ]
    good = sum(each.shape == "good" for each in squares)
    bad = sum(each.shape == "bad" for each in squares)
    said = f"{good} days with syncs that succeeded, {bad} with failures alone, of {len(dates)}"
    return Calendar(quiet=quiet, squares=squares, months=months, said=said)


def _place(start: date, day: date) -> tuple[int, int]:
    weeks, weekday = divmod((day - start).days, 7)
    return weeks * STEP, TOP + weekday * STEP


def _path(start: date, day: date) -> str:
    x, y = _place(start, day)
    return f"M{x} {y}h{SIDE}v{SIDE}h-{SIDE}z"


def _square(start: date, day: Day) -> Square:
    x, y = _place(start, day.day)
    shape = "idle"
    if day.failed:
        shape = "warn" if day.succeeded else "bad"
    elif day.succeeded:
        shape = "good"
    return Square(
        day=day.day,
        x=x,
        y=y,
        shape=shape,
        said=f"{day.succeeded} succeeded, {day.failed} failed",
    )
