"""The clock of the schedules: tells each one that its moment has come, and keeps nothing in mind.

How far a time table was followed is in the log; see domain/schedule_runs.py.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from commands.kernel import Bus, Clock
from commands.kernel import Origin as CommandOrigin
from commands.schedule_runs import TickSchedule
from domain import schedule_runs, schedules
from domain.kernel import Recorded
from domain.schedules import Schedule
from infra.clocks import Sleep, Ticking

LOOK_S_MAX: Final = 60.0  # between two looks at all time tables
ORIGIN: Final = CommandOrigin(actor="system:scheduler", via="scheduler", correlation="scheduler")
_WAKING: Final = (*schedules.EVENTS, *schedule_runs.EVENTS)

Timetable = Callable[[], Iterable[tuple[Schedule, datetime]]]  # and how far it was followed


class Scheduler(Ticking):
    """Sleeps until the next moment of any schedule, then says so."""

    what = "The schedules"
    nap_s_max = 1.0

    def __init__(
        self, bus: Bus, timetable: Timetable, clock: Clock, sleep: Sleep = asyncio.sleep
    ) -> None:
        super().__init__(clock, sleep)
        self._bus, self._timetable = bus, timetable

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Look anew when a time table may be another; the writer's listener."""
        if any(isinstance(each.event, _WAKING) for each in recorded):
            self.wake()

    async def look(self) -> datetime:
        """Tell whose moment has come; answers when to look again."""
        now = self._clock()
        due: list[str] = []
        next_at = now + timedelta(seconds=LOOK_S_MAX)
        for schedule, followed_to in self._timetable():
            at = schedule.next_after(followed_to)
            if at is None:
                continue
            if at <= now:
                due.append(schedule.name)
                at = schedule.next_after(now)
            if at is not None:
                next_at = min(next_at, at)
        ticks = [self._bus.send(TickSchedule(schedule=name, at=now), ORIGIN) for name in due]
        await asyncio.gather(*ticks)
        return next_at
