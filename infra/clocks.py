"""Clocks: what looks, from time to time, whether the moment of something has come.

All of them start, stop, sleep and survive in one way. What one looks at is in the log, so that a
restart, a clock that is put forward and two looks at one moment lead to the same events. What is
looked at over and over, and not at a time of day (files, locks, what has run out), is `Every`.
"""

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from commands.kernel import Clock, OutcomeUnknown, Overloaded, StorageFull

RETRY_S: Final = 5.0  # after a look that failed

Sleep = Callable[[float], Awaitable[None]]

_log = logging.getLogger("dango.clocks")


class Ticking(ABC):
    """Looks, sleeps until the moment that the look has told, and looks again."""

    what: str  # what it looks at, as the log and the health name it
    nap_s_max: ClassVar[float] = 30.0  # until it is noticed that the time was put forward

    def __init__(self, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._clock, self._sleep = clock, sleep
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.problem: str | None = None  # why the last look failed

    @abstractmethod
    async def look(self) -> datetime:
        """Tell what has come due; answers when to look again."""

    @property
    def running(self) -> bool:
        """Whether it looks at the time."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Begin to look at the time."""
        if not self.running:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Look no more, also when a look is under way."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def wake(self) -> None:
        """Look now: what is due, and when, may be another."""
        self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            begun = self._clock()
            try:
                until = await self.look()
            except Exception as error:  # noqa: BLE001 - a clock must not stop for one defect
                self._failed(error)
                until = self._clock() + timedelta(seconds=RETRY_S)
            else:
                self._looked()
            await self._doze(begun, until)

    def _failed(self, error: Exception) -> None:
        """Say it once, not at each try; with its trace, unless it is a state of the machine."""
        problem = f"{self.what} cannot be looked at: {type(error).__name__}"
        if problem != self.problem:
            passing = isinstance(error, Overloaded | OutcomeUnknown | StorageFull)
            _log.error("%s", problem, exc_info=None if passing else error)
        self.problem = problem

    def _looked(self) -> None:
        if self.problem is not None:
            _log.info("%s can be looked at again", self.what)
        self.problem = None

    async def _doze(self, begun: datetime, until: datetime) -> None:
        """Sleep until then by the clock, or until it is woken, or the time was put back.

        It may have been since the look began.
        """
        await asyncio.sleep(0)  # a moment that is past already must not keep all else from running
        before = begun
        while before <= (now := self._clock()) < until:
            before, left_s = now, (until - now).total_seconds()
            pause = asyncio.ensure_future(self._sleep(min(left_s, self.nap_s_max)))
            wake = asyncio.ensure_future(self._wake.wait())
            try:
                await asyncio.wait((pause, wake), return_when=asyncio.FIRST_COMPLETED)
            finally:
                pause.cancel()
                wake.cancel()
            if self._wake.is_set():
                return


def _steady() -> datetime:
    """A time that nobody puts forward or back."""
    return datetime.fromtimestamp(time.monotonic(), UTC)


class Every(Ticking):
    """Looks over and over, with the same pause behind each look."""

    def __init__(
        self,
        what: str,
        look: Callable[[], Awaitable[None]],
        pause_s: float,
        clock: Clock = _steady,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        super().__init__(clock, sleep)
        self.what, self._once, self._pause = what, look, timedelta(seconds=pause_s)

    async def look(self) -> datetime:
        """As a clock does."""
        await self._once()
        return self._clock() + self._pause
