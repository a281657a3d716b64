"""Turns at what is scarce: a caller holds only so much of it, and waits in line for more.

Others' requests pass by a caller who waits; a caller's own are answered in the order they came.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from commands.ports import Busy

WAITING_PER_CALLER_MAX: Final = 16  # the next request is Busy at once
TURN_WAIT_S: Final = 10.0  # then a request that waits is Busy
RETRY_AFTER_S: Final = 5


class _Line(msgspec.Struct, eq=False):
    turns: asyncio.Semaphore
    requests: int = 0  # that run or wait


class Turns:
    """Who runs how much, and who waits; of this process."""

    def __init__(self, *, wait_s: float = TURN_WAIT_S) -> None:
        self._lines: dict[str, _Line] = {}
        self._wait_s = wait_s

    @contextlib.asynccontextmanager
    async def take(self, caller: str, running_max: int) -> AsyncIterator[None]:
        """Hold one of the caller's turns. Raises Busy."""
        line = self._lines.setdefault(caller, _Line(asyncio.Semaphore(running_max)))
        if line.requests >= running_max + WAITING_PER_CALLER_MAX:
            raise _busy(running_max)
        line.requests += 1
        try:
            try:
                async with asyncio.timeout(self._wait_s):
                    await line.turns.acquire()
            except TimeoutError:
                raise _busy(running_max) from None
            try:
                yield
            finally:
                line.turns.release()
        finally:
            line.requests -= 1
            if not line.requests:
                del self._lines[caller]


def _busy(running_max: int) -> Busy:
    reason = f"{running_max} queries of yours are running, as many as may run at once."
    return Busy(reason, retry_after=RETRY_AFTER_S)
