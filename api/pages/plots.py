"""A chart of an answer's rows: bars in their order, or a line on an axis of numbers or of time.

Pure: values as JSON has them in, places out. What is no number has no place: bars and the line
have a gap there. Of too many rows the first have bars; a line keeps the extremes of each stretch.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

from api.pages import charts, words

BARS_MAX: Final = 100
BARS_LEAST: Final = 4  # places, so that a lonely bar is no wall
STRETCHES: Final = 240  # of a line with more points than twice as many
DOTS_MAX: Final = 60  # points that are drawn one by one
LABELS_MAX: Final = 8  # bars that have names below
LABEL_CHARS_MAX: Final = 40
NUMBER_MAX: Final = 1e300  # beyond, differences are no numbers any more
WIDTH: Final = 960.0
HEIGHT: Final = 240.0
_NUMBER: Final = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_NUMERIC: Final = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)")
_TIME: Final = re.compile(r"DATE|TIMESTAMP[\w ]*")

Row = Sequence[Any]


class Kind(StrEnum):
    """How rows are drawn."""

    BAR = "bar"
    LINE = "line"


class Point(msgspec.Struct, frozen=True):
    """A row: where it stands on the axis of x, its number, and both as they are read."""

    at: float
    value: float | None
    x: str
    y: str


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """What the template draws; `points` are the same in numbers, `zero` is the line of nothing."""

    kind: Kind
    x: str
    y: str
    said: str
    notes: list[str]
    ticks: list[str]  # from the top
    labels: list[str]
    zero: float | None
    points: list[Point]
    bars: list[tuple[charts.Box, Point]] = []
    path: str = ""
    dots: list[tuple[str, Point]] = []


def number(value: Any) -> float | None:
    """A number, also one that is written as a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if abs(found) <= NUMBER_MAX else None


def axes(columns: Sequence[str], rows: Sequence[Row], x: str, y: str) -> tuple[str, str]:
    """The columns to draw: those that are asked for, where they are there, or else likely ones."""
    x, y = x.replace("\r\n", "\n"), y.replace("\r\n", "\n")
    if y not in columns:
        first = rows[0] if rows else ()
        numbers = [n for n, v in zip(columns, first, strict=False) if number(v) is not None]
        y = next((n for n in numbers if n not in (x, columns[0])), (*numbers, columns[-1])[0])
    if x not in columns:
        x = next((name for name in columns if name != y), y)
    return x, y


def draw(
    kind: Kind, x: str, y: str, *, columns: Sequence[str], types: Sequence[str], rows: Sequence[Row]
) -> Plot | None:
    """The chart; None where no row has a number. A column against itself is drawn row by row."""
    across, up = columns.index(x), columns.index(y)
    scaled = _scale(types[across]) if kind is Kind.LINE and x != y else None
    drawn = rows[:BARS_MAX] if kind is Kind.BAR else rows
    points = []
    for place, row in enumerate(drawn):
        at = float(place) if scaled is None else scaled(row[across])
        named = words.cell(row[across]) if x != y else str(place + 1)
        if at is not None:
            points.append(
                Point(at, number(row[up]), named or "null", words.cell(row[up]) or "null")
            )
    if scaled is not None:
        points.sort(key=lambda point: point.at)
    numbers = [point.value for point in points if point.value is not None]
    if not numbers:
        return None
    kept = points if kind is Kind.BAR else _thinned(points)
    notes = _notes(kind, rows=len(rows), drawn=len(drawn), placed=len(points), numbers=len(numbers))
    if len(kept) < len(points):
        notes.append(f"Of {len(points):,} points the extremes of each stretch are drawn.")
    low, high = min(numbers), max(numbers)
    name = "Bars" if kind is Kind.BAR else "Line"
    said = f"{name} of {y} by {x}: {len(numbers):,} values from {_short(low)} to {_short(high)}"
    scale = (
        charts.axis(min(low, 0.0), max(high, 0.0)) if kind is Kind.BAR else charts.axis(low, high)
    )
    shared = {
        "kind": kind, "x": x, "y": y, "said": said, "notes": notes, "points": kept,
        "ticks": [_short(tick) for tick in reversed(scale.ticks)],
        "zero": _zero(scale),
    }  # fmt: skip
    if kind is Kind.BAR:
        return _bars(kept, scale, shared)
    return _line(kept, scale, shared, axis=types[across] if scaled is not None else None)


def _bars(points: list[Point], scale: charts.Axis, shared: dict[str, Any]) -> Plot:
    steps = max(len(points), BARS_LEAST)
    boxes = charts.columns([p.value for p in points], scale, WIDTH, HEIGHT, steps)
    names = [point.x[:LABEL_CHARS_MAX] for point in points]
    labels = names + [""] * (steps - len(names)) if len(names) <= LABELS_MAX else _ends(names)
    bars = [(box, p) for box, p in zip(boxes, points, strict=True) if box is not None]
    return Plot(bars=bars, labels=labels, **shared)


def _line(
    points: list[Point], scale: charts.Axis, shared: dict[str, Any], axis: str | None
) -> Plot:
    first, last = points[0].at, points[-1].at
    places = []
    for point in points:
        across = WIDTH / 2 if last == first else (point.at - first) / (last - first) * WIDTH
        value = point.value
        up = None if value is None else round(HEIGHT - scale.place(value, HEIGHT), 2)
        places.append(None if up is None else f"{across:.2f} {up}")
    path, before = "", None
    for place in places:
        # A point alone is a line of no length: its round ends are a dot.
        path += "" if place is None else f"M{place}h0" if before is None else f"L{place}"
        before = place
    dots = []
    if len(points) <= DOTS_MAX:
        dots = [(f"M{at}h0", p) for at, p in zip(places, points, strict=True) if at is not None]
    if axis is None or first == last:
        labels = _ends([point.x[:LABEL_CHARS_MAX] for point in points])
    elif _NUMERIC.fullmatch(axis):
        labels = [_short(at) for at in (first, (first + last) / 2, last)]
    else:
        labels = [_moment(at, days=axis == "DATE") for at in (first, (first + last) / 2, last)]
    return Plot(path=path, dots=dots, labels=labels, **shared)


def _thinned(points: list[Point]) -> list[Point]:
    """Of each stretch the lowest and the highest, in their order; and both ends of the whole."""
    if len(points) <= 2 * STRETCHES:
        return points
    kept = []
    for number_ in range(STRETCHES):
        start, end = (len(points) * n // STRETCHES for n in (number_, number_ + 1))
        known = [at for at in range(start, end) if points[at].value is not None]
        by_value = sorted(known, key=lambda at: points[at].value or 0.0) or [start]
        ends = {by_value[0], by_value[-1]} | ({0, len(points) - 1} & {start, end - 1})
        kept += [points[at] for at in sorted(ends)]
    return kept


def _notes(kind: Kind, *, rows: int, drawn: int, placed: int, numbers: int) -> list[str]:
    notes = []
    if drawn < rows:
        notes.append(f"The first {drawn:,} of {rows:,} rows are drawn; {kind}s stop there.")
    if placed < drawn:
        notes.append(f"{words.plural(drawn - placed, 'row')} without a place on the axis left out.")
    if numbers < placed:
        notes.append(f"{words.plural(placed - numbers, 'row')} without a number: gaps.")
    return notes


def _scale(kind: str) -> Any:
    """How values of a type stand on an axis; None for their order."""
    if _NUMERIC.fullmatch(kind):
        return number
    return _instant if _TIME.fullmatch(kind) else None


def _instant(value: Any) -> float | None:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None  # a time that no calendar has, or NULL
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _moment(at: float, *, days: bool) -> str:
    return f"{datetime.fromtimestamp(at, UTC):{'%Y-%m-%d' if days else '%Y-%m-%d %H:%M'}}"


def _zero(scale: charts.Axis) -> float | None:
    inside = scale.ticks[0] < 0 < scale.ticks[-1]
    return round(HEIGHT - scale.place(0.0, HEIGHT), 2) if inside else None


def _ends(names: list[str]) -> list[str]:
    """The first, the middle and the last."""
    chosen = sorted({0, (len(names) - 1) // 2, len(names) - 1})
    return [names[at] for at in chosen]


def _short(value: float) -> str:
    return f"{value:,.10g}"
