"""Geometry of pictures: pure functions from values to boxes, which templates draw as SVG."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

BAR_GAP: Final = 0.25  # of a step, left free beside a bar
LEAST: Final = 2.0  # what is there is seen, however small it is
STEPS: Final = 4  # about so many between the ticks of an axis
EXACT: Final = 1e-9  # of a step: what is nearer to a tick is on it
SPAN_MIN: Final = 1e-290  # what is nearer together is one value


class Box(msgspec.Struct, frozen=True):
    """A rectangle in the units of the picture."""

    x: float
    y: float
    w: float
    h: float


def bars(values: Sequence[float | None], width: float, height: float, steps: int) -> list[Box]:
    """One bar for each value, the last at the right end of `steps` places; None is the least."""
    highest = max((value for value in values if value), default=1.0)
    step, first = width / steps, steps - len(values)
    found = []
    for number, value in enumerate(values):
        tall = LEAST if not value else max(LEAST, value / highest * height)
        x = (first + number) * step + step * BAR_GAP / 2
        found.append(
            Box(
                round(x, 2), round(height - tall, 2), round(step * (1 - BAR_GAP), 2), round(tall, 2)
            )
        )
    return found


def spans(
    times: Sequence[tuple[datetime, datetime]], start: datetime, end: datetime, width: float
) -> list[tuple[float, float]]:
    """Where each span of time begins and how wide it is, on an axis from `start` to `end`."""
    whole = (end - start).total_seconds() or 1.0
    found = []
    for begun, ended in times:
        left = min(1.0, max(0.0, (begun - start).total_seconds() / whole))
        right = min(1.0, max(left, (ended - start).total_seconds() / whole))
        wide = max(LEAST, (right - left) * width)
        found.append((round(min(left * width, width - LEAST), 2), round(wide, 2)))
    return found


class Axis(msgspec.Struct, frozen=True):
    """From the lowest to the highest of its ticks."""

    ticks: tuple[float, ...]

    def place(self, value: float, length: float) -> float:
        """How far from its low end a value stands."""
        low, high = self.ticks[0], self.ticks[-1]
        return (value - low) / (high - low) * length


def axis(lowest: float, highest: float) -> Axis:
    """An axis of round numbers, evenly apart, around both; never without a length."""
    if highest - lowest < SPAN_MIN:
        lowest, highest = min(lowest, 0.0), max(highest, 0.0)
    if highest - lowest < SPAN_MIN:
        highest = 1.0
    rough = (highest - lowest) / STEPS
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(times * unit for times in (1, 2, 5, 10) if times * unit >= rough * (1 - EXACT))
    first, last = math.floor(lowest / step + EXACT), math.ceil(highest / step - EXACT)
    return Axis(tuple(number * step for number in range(first, last + 1)))


def columns(
    values: Sequence[float | None], scale: Axis, width: float, height: float, steps: int
) -> list[Box | None]:
    """One bar for each value, from zero up or down, from the left; None has none."""
    step, zero = width / steps, height - scale.place(0.0, height)
    found: list[Box | None] = []
    for number, value in enumerate(values):
        if value is None:
            found.append(None)
            continue
        top = height - scale.place(value, height)
        tall = max(LEAST, abs(zero - top))
        y = min(zero, top) if value < 0 else zero - tall
        x = number * step + step * BAR_GAP / 2
        found.append(
            Box(round(x, 2), round(max(y, 0.0), 2), round(step * (1 - BAR_GAP), 2), round(tall, 2))
        )
    return found
