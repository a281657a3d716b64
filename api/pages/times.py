"""When events happened: a histogram whose bars are links to their parts of time."""

import bisect
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from api.pages import charts
from projections.engine import stamp

COUNTED_MAX: Final = 10_000  # events, the newest
BARS: Final = 48
WIDTH: Final = 960.0
HEIGHT: Final = 56.0
STEPS_S: Final = (  # what one bar may stand for
    *(1, 5, 15, 30, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600),
    *(86_400 * days for days in (1, 2, 7, 14, 30, 90, 365)),
)
RANGES: Final = ("since:", "until:", "after:", "before:")


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """Some events, and the filter that finds them."""

    box: charts.Box
    count: int
    since: datetime
    until: datetime
    filter: str


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """Bars on an axis of time; `cut` says that there are older events than are counted."""

    bars: list[Bar]
    since: datetime
    until: datetime
    step_s: int
    cut: bool
    wider: str | None  # the filter without its range, if it has one


def histogram(stamps: Sequence[str], text: str) -> Histogram | None:
    """Of stamps, the newest first, and the filter that found them; None for less than two."""
    if len(stamps) < 2:  # noqa: PLR2004 - one event has no distribution
        return None
    oldest, newest = datetime.fromisoformat(stamps[-1]), datetime.fromisoformat(stamps[0])
    step_s = _step((newest - oldest).total_seconds())
    start = _floor(oldest, step_s)
    counts = _counts(stamps, start, step_s, int((newest - start).total_seconds()) // step_s + 1)
    boxes = charts.bars(counts, WIDTH, HEIGHT, len(counts))
    parts = text.split()
    rest = [part for part in parts if not part.startswith(RANGES)]
    bars = []
    for number, (count, box) in enumerate(zip(counts, boxes, strict=True)):
        since = start + timedelta(seconds=number * step_s)
        until = since + timedelta(seconds=step_s)
        found = " ".join((*rest, f"since:{_text(since)}", f"until:{_text(until)}"))
        if count:
            bars.append(Bar(box=box, count=count, since=since, until=until, filter=found))
    return Histogram(
        bars=bars,
        since=start,
        until=start + timedelta(seconds=len(counts) * step_s),
        step_s=step_s,
        cut=len(stamps) >= COUNTED_MAX,
        wider=" ".join(rest) if rest != parts else None,
    )


def _counts(stamps: Sequence[str], start: datetime, step_s: int, bars: int) -> list[int]:
    """How many fall into each bar. They are in order: only where a bar begins is looked for."""
    oldest_first = stamps[::-1]
    ends = [stamp(start + timedelta(seconds=number * step_s)) for number in range(bars + 1)]
    places = [bisect.bisect_left(oldest_first, end) for end in ends]
    return [after - before for before, after in itertools.pairwise(places)]


def _step(span_s: float) -> int:
    """The least step that needs no more than BARS bars."""
    return next((step for step in STEPS_S if span_s / step < BARS - 1), STEPS_S[-1])


def _floor(at: datetime, step_s: int) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + timedelta(seconds=int((at - epoch).total_seconds()) // step_s * step_s)


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
