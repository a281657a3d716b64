"""The clock of backups: asks for one when its moment has come.

How far the time table was followed is in the log: after a stop, what was due meanwhile is one
backup.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from commands.backups import RequestBackup
from commands.kernel import Bus, Clock, Origin
from domain import cron
from infra.clocks import Sleep, Ticking

LOOK_S_MAX: Final = 60.0  # between two looks at the time table
ORIGIN: Final = Origin(actor="system:backups", via="scheduler", correlation="backups")


class BackupClock(Ticking):
    """Sleeps until the next moment of a time table, then says so."""

    what = "The times of backups"

    def __init__(
        self,
        bus: Bus,
        *,
        every: str,
        timezone: str,
        to: str,
        followed_to: Callable[[], datetime],
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`followed_to` is when one was asked for last."""
        super().__init__(clock, sleep)
        self._bus, self._every, self._timezone, self._to = bus, every, timezone, to
        self._followed_to = followed_to

    async def look(self) -> datetime:
        """Ask for what is due; answers when to look again."""
        now = self._clock()
        later = now + timedelta(seconds=LOOK_S_MAX)
        due = cron.next_after(self._every, self._timezone, self._followed_to())
        if due is None:
            return later
        if due > now:
            return min(due, later)
        await self._bus.send(RequestBackup(to=self._to, due_at=due), ORIGIN)
        return later
