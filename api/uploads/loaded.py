"""Which files the tables of a source hold, remembered until a run of the source brings others.

The warehouse alone knows, and to ask it takes a worker some 100 ms.
"""

from collections import OrderedDict
from datetime import datetime
from typing import Final

from commands.ports import LoadedFile
from projections.sources import BUSY, SourceHealth

SOURCES_KEPT_MAX: Final = 200  # the one that was asked for longest ago goes first
FILES_KEPT_MAX: Final = 2_000  # of one source; longer lists are asked for each time

Mark = tuple[int | None, str, datetime | None, datetime | None]


def mark(health: SourceHealth | None) -> Mark | None:
    """What stays as it is while a source's data does; None while it may change."""
    if health is None or health.status in BUSY:  # data may be published before it is told
        return None
    return health.job, health.status, health.synced_at, health.last_at


class Loaded:
    """What was asked lately, of one process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Mark, tuple[LoadedFile, ...]]] = OrderedDict()

    def find(self, source: str, now: Mark | None) -> tuple[LoadedFile, ...] | None:
        """The files of a source that stands like this; None when they are not known."""
        known = self._kept.get(source)
        if known is None or now is None or known[0] != now:
            return None
        self._kept.move_to_end(source)
        return known[1]

    def keep(self, source: str, then: Mark | None, files: tuple[LoadedFile, ...]) -> None:
        """Remember the files of a source that stood like this before they were asked for."""
        if then is None or len(files) > FILES_KEPT_MAX:
            return
        self._kept[source] = then, files
        self._kept.move_to_end(source)
        if len(self._kept) > SOURCES_KEPT_MAX:
            self._kept.popitem(last=False)
