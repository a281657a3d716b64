"""The clock of freshness: asks, every while, which sources have turned stale.

What was told is in the log, so that a restart tells nothing twice and misses nothing.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from commands.freshness import LookAtFreshness
from commands.kernel import Bus, Clock, Origin
from infra.clocks import Sleep, Ticking
from projections import attention
from projections.engine import Reader

LOOK_S: Final = 30.0  # between two looks
ORIGIN: Final = Origin(actor="system:freshness", via="scheduler", correlation="freshness")


class StaleClock(Ticking):
    """Looks at the age of every source's data while the server serves."""

    what = "The ages of the sources"

    def __init__(
        self, bus: Bus, reader: Callable[[], Reader], clock: Clock, sleep: Sleep = asyncio.sleep
    ) -> None:
        super().__init__(clock, sleep)
        self._bus, self._reader = bus, reader

    async def look(self) -> datetime:
        """Tell which sources have turned stale."""
        now = self._clock()
        for source, bound in attention.turning_stale(self._reader(), now).items():
            hours = bound / timedelta(hours=1)
            await self._bus.send(LookAtFreshness(source=source, at=now, after_hours=hours), ORIGIN)
        return now + timedelta(seconds=LOOK_S)
