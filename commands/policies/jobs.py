"""Jobs: what was asked for is worked on beside everything else, and its ending goes to the log."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from commands.kernel import Bus, Command, Origin, Outcome
from commands.policies import origin
from commands.policies.tries import RECOVERY_S, Tries
from commands.ports import Progress, WorkFailed
from domain.kernel import Event, Recorded

AT_ONCE_MAX: Final = 1  # the others wait in the log as requested
BUG: Final = "A defect of the program ended it; the server's log tells more."

_log = logging.getLogger("dango.policies")


class JobPolicy(ABC):
    """What the policies of jobs have in common: a task for each, and an ending that is not lost.

    A subclass says how a job is done and how it ends.
    """

    name: str
    what: str  # for people: "backup"
    types: tuple[type[Event], ...]
    begins_at_head: bool

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._tries = Tries()
        self._slots = asyncio.Semaphore(AT_ONCE_MAX)
        self._tasks: dict[int, asyncio.Task[None]] = {}  # by job
        self._abandoning: asyncio.Task[None] | None = None
        self.progress: Progress | None = None  # of the job that runs

    @property
    def problem(self) -> str | None:
        """As the policy says."""
        return self._tries.problem

    async def stop(self) -> None:
        """Kill the workers. The next start begins anew, or ends what was begun as failed."""
        tasks = self._going()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @abstractmethod
    async def work(self, asked: Recorded) -> Command:
        """Do the job and give the command that ends it. Raises WorkFailed, or meets a defect."""

    @abstractmethod
    def failed(self, asked: Recorded, reason: str) -> Command:
        """The command that ends a job which failed."""

    async def send(self, command: Command, cause: Recorded) -> Outcome:
        """Have a command carried out in the name of the policy."""
        return await self._bus.send(command, origin(self.name, cause))

    def begin(self, asked: Recorded) -> None:
        """Begin a job; the one that runs is not begun again."""
        job = asked.position
        if job not in self._tasks:
            self._tasks[job] = asyncio.create_task(self._carry_out(asked))
            self._tasks[job].add_done_callback(lambda _: self._tasks.pop(job, None))

    def begin_anew(self, jobs: Iterable[int], request: Callable[[int], Recorded | None]) -> None:
        """Begin what a dead process was at, where doing it twice changes nothing."""
        for job in jobs:
            if (asked := request(job)) is not None:
                self.begin(asked)

    def on_progress(self, progress: Progress) -> None:
        """How far the job that runs has come."""
        self.progress = progress

    async def take(self, start: Command, asked: Recorded) -> None:
        """Begin a job when the log says that it is taken: it is not done twice."""
        # Another one can only be asked for when the one before has ended in the log; so its task is
        # as good as done. And what a dead process left is ended before, or this one would be too.
        if busy := self._going():
            await asyncio.wait(busy)
        started = await self.send(start, asked)
        if started.recorded:
            self.begin(asked)

    async def abandon(self, command: Command) -> None:
        """End what a dead process was at; past some seconds, this goes on behind the start."""
        own = Origin(actor=f"policy:{self.name}", via="start", correlation="start")
        ending = self._tries.until_done(
            "ending of what a dead process was at", lambda: self._bus.send(command, own)
        )
        self._abandoning = asyncio.create_task(_aside(ending))
        await asyncio.wait([self._abandoning], timeout=RECOVERY_S)

    def _going(self) -> list[asyncio.Task[None]]:
        return [*self._tasks.values(), *([self._abandoning] if self._abandoning else [])]

    async def _carry_out(self, asked: Recorded) -> None:
        async with self._slots:
            try:
                ending = await self._ending(asked)
            finally:
                self.progress = None
        await self._tries.until_done(
            f"ending of {self.what} {asked.position}", lambda: self.send(ending, asked)
        )

    async def _ending(self, asked: Recorded) -> Command:
        try:
            return await self.work(asked)
        except WorkFailed as error:
            return self.failed(asked, error.reason)
        except Exception:  # noqa: BLE001 - a job that a bug met must not stay open
            _log.exception("%s %s met a defect", self.what, asked.position)
            return self.failed(asked, BUG)


async def _aside(work: Awaitable[Outcome]) -> None:
    await work
