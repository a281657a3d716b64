"""The newest runs of a thing as one small picture: how each ended, and how long it took.

A success stands on the ground, a failure hangs from the top, anything else is a tick: so that none
is told by its colour alone.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from api.pages import words

RUNS_SHOWN: Final = 20
WIDTH: Final = 100
HEIGHT: Final = 18
STEP: Final = WIDTH // RUNS_SHOWN
BAR: Final = 3.5
TALL: Final = 14.0  # the longest: it leaves to be seen which end it is at
LEAST: Final = 3.0  # that is seen of a bar, however short its run was
GOOD, BAD = "good", "bad"

Ran = tuple[str, float | None]  # the status of a run, and how many seconds it took


class Strip(msgspec.Struct, frozen=True, kw_only=True):
    """The picture: a path for each shape of status, and the same in words."""

    bars: tuple[tuple[str, str], ...]
    said: str


def strip(runs: Sequence[Ran]) -> Strip | None:
    """The picture of these runs, the oldest first; None without any."""
    if not runs:
        return None
    longest = max((took_s for _, took_s in runs if took_s), default=0.0)
    paths: dict[str, str] = {}
    for place, (status, took_s) in enumerate(runs, start=RUNS_SHOWN - len(runs)):
        shape = words.status_shape(status)
        paths[shape] = paths.get(shape, "") + _bar(place * STEP, shape, _share(took_s, longest))
    return Strip(bars=tuple(paths.items()), said=_said(runs))


def _share(took_s: float | None, longest: float) -> float:
    return 1.0 if not longest else (took_s or 0.0) / longest


def _bar(x: int, shape: str, share: float) -> str:
    tall = round(max(LEAST, share * TALL), 1) if shape in (GOOD, BAD) else LEAST
    top = 0 if shape == BAD else round(HEIGHT - tall, 1)
    return f"M{x} {top}h{BAR}v{tall}h-{BAR}z"


def _said(runs: Sequence[Ran]) -> str:
    counts = Counter(words.status_word(status).lower() for status, _ in runs)
    told = ", ".join(f"{count} {word}" for word, count in counts.most_common())
    last = runs[-1][1]
    took = "" if last is None else f"; the last took {words.seconds(last)}"
    return f"Newest {words.plural(len(runs), 'run')}: {told}{took}"
