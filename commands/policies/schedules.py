"""A schedule that is due is carried out: its run begins, is bounded, and ends in the log."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from commands.kernel import Bus, Clock, Command, Outcome
from commands.policies.scheduled import Ended, Works, origin
from commands.policies.tries import RECOVERY_S, Tries
from commands.schedule_runs import FinishScheduleRun, RetryScheduleRun, StartScheduleRun
from domain import model_runs, schedule_runs, syncs
from domain.kernel import Event, Recorded
from domain.schedules import Schedule

RUNS_MAX: Final = 64  # that are carried out at once; further ones stay due until one has ended
STOP_S_MAX: Final = 5.0  # how long a stop waits to write how runs ended
OUTPUT_KEPT: Final = timedelta(days=30)
GONE: Final = "The schedule is no longer in the configuration."
BUG: Final = "A defect of the program ended it; the server's log tells more."
STOPPED: Final = "The server stopped while it was running."

_log = logging.getLogger("dango.schedules")


class OpenScheduleRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that the views know as not ended."""

    job: int
    schedule: str
    started: bool
    cancelling: bool


class SchedulePolicy:
    """Carries out runs, many at a time: most of them wait for syncs, which have slots of their own.

    A run of syncs outlives the process: what it led to goes on at the next start, and so does the
    run. Any other work that was going on when the process died ends as interrupted.
    """

    name = "schedules"
    begins_at_head = False
    types: tuple[type[Event], ...] = (
        schedule_runs.ScheduleDue,
        schedule_runs.ScheduleCancelRequested,
        syncs.SyncRequested,
        syncs.SyncCompleted,
        syncs.SyncFailed,
        syncs.SyncCancelled,
        syncs.SyncInterrupted,
        model_runs.ModelsRunRequested,
        model_runs.ModelsBuilt,
        model_runs.ModelsRunFailed,
        model_runs.ModelsRunCancelled,
        model_runs.ModelsRunInterrupted,
    )

    def __init__(
        self,
        bus: Bus,
        works: Works,
        *,
        config: Callable[[str], Schedule | None],
        event: Callable[[int], Recorded | None],
        open_runs: Callable[[], Sequence[OpenScheduleRun]],
        clock: Clock,
        monotonic: Callable[[], float],
    ) -> None:
        self._bus, self._works = bus, works
        self._config, self._event, self._open_runs = config, event, open_runs
        self._clock, self._monotonic = clock, monotonic
        self._slots = asyncio.Semaphore(RUNS_MAX)
        self._runs: dict[int, asyncio.Task[None]] = {}
        self._cancelled: set[int] = set()
        self._tries = Tries()
        self._stopping = False

    @property
    def problem(self) -> str | None:
        """As the policy says."""
        return self._tries.problem

    async def recover(self) -> None:
        """Runs of syncs go on, others are ended as interrupted; what was only due is begun."""
        ended = []
        for left in self._open_runs():
            config = self._config(left.schedule)
            if left.cancelling:
                self._cancelled.add(left.job)
            if left.started and not left.cancelling and not (config and config.kind.syncs):
                self._begin(left.job, resumed=True)
                ended.append(self._runs[left.job])
            else:
                self._begin(left.job)
        if ended:
            await asyncio.wait(ended, timeout=RECOVERY_S)

    async def react(self, recorded: Recorded) -> None:
        """As the policy says."""
        match recorded.event:
            case schedule_runs.ScheduleDue():
                self._begin(recorded.position)
            case schedule_runs.ScheduleCancelRequested(job=job):
                if (task := self._runs.get(job)) is not None:
                    self._cancelled.add(job)
                    task.cancel()
            case syncs.SyncRequested(schedule_job=int(job)) as asked:
                await self._requested(recorded, asked, job)
            case model_runs.ModelsRunRequested(schedule_job=int(job)):
                if job not in self._runs and (due := self._event(job)) is not None:
                    await self._works.stop(due)  # its schedule's run has ended meanwhile
                self._works.news.told()
            case _:
                self._works.news.told()

    async def stop(self) -> None:
        """What cannot go on later ends as interrupted."""
        self._stopping = True
        tasks, self._runs = self._runs, {}
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)

    async def _requested(self, recorded: Recorded, asked: syncs.SyncRequested, job: int) -> None:
        """A sync of a run: one that is tried again is told; one that comes too late is stopped."""
        due = self._event(job)
        if due is None:
            return
        if job not in self._runs:
            await self._works.stop(due)
        elif asked.retry and asked.schedule is not None:
            for source in asked.sources:
                command = RetryScheduleRun(
                    schedule=asked.schedule,
                    job=job,
                    attempt=asked.retry,
                    wait_s=asked.wait_s,
                    source=source,
                )
                await self._bus.send(command, origin(recorded))
        self._works.news.told()

    # the life of a run

    def _begin(self, job: int, *, resumed: bool = False) -> None:
        if job not in self._runs:
            self._runs[job] = asyncio.create_task(self._watched(job, resumed=resumed))

    async def _watched(self, job: int, *, resumed: bool) -> None:
        due = self._event(job)
        try:
            if due is not None and isinstance(due.event, schedule_runs.ScheduleDue):
                await self._carry(due, due.event.schedule, resumed=resumed)
        except Exception as error:  # noqa: BLE001 - a bug must not take other runs with it
            self._tries.failed(f"job {job}", error)
        finally:
            self._runs.pop(job, None)
            self._cancelled.discard(job)

    async def _carry(self, due: Recorded, name: str, *, resumed: bool) -> None:
        config = self._config(name)
        begun = self._monotonic()
        try:
            async with self._slots:
                begun = self._monotonic()
                ended = await self._work(due, name, config, resumed=resumed)
        except asyncio.CancelledError:
            broken_off = await self._broken_off(due, config)
            if broken_off is None:
                raise
            ended = broken_off
        await self._finish(due, name, config, ended, took_s=round(self._monotonic() - begun, 3))

    async def _work(
        self, due: Recorded, name: str, config: Schedule | None, *, resumed: bool
    ) -> Ended:
        job = due.position
        if job in self._cancelled:
            await self._works.stop(due)
            return Ended(status="cancelled")
        if resumed:
            await self._works.stop(due)
            return Ended(status="interrupted", error=STOPPED)
        if config is None:
            return Ended(status="failed", error=GONE)
        await self._write(StartScheduleRun(schedule=name, job=job), due)

        async def retried(attempt: int, wait_s: int) -> None:
            command = RetryScheduleRun(schedule=name, job=job, attempt=attempt, wait_s=wait_s)
            await self._write(command, due)

        try:
            async with asyncio.timeout(config.timeout_minutes * 60):
                return await self._works.carry_out(config, due, retried)
        except TimeoutError:
            await self._works.stop(due)
            error = f"It took longer than {config.timeout_minutes} minutes and was stopped."
            return Ended(status="timeout", error=error)
        except Exception:  # noqa: BLE001 - a run that a bug met must not stay open
            _log.exception("job %d met a defect", job)
            return Ended(status="failed", error=BUG)

    async def _broken_off(self, due: Recorded, config: Schedule | None) -> Ended | None:
        """How a run ended that was stopped from outside; None when it goes on at the next start."""
        if due.position in self._cancelled:
            await self._works.stop(due)
            return Ended(status="cancelled")
        if self._stopping and config is not None and not config.kind.syncs:
            await self._works.stop(due)
            return Ended(status="interrupted", error=STOPPED)
        return None

    async def _finish(
        self, due: Recorded, name: str, config: Schedule | None, ended: Ended, *, took_s: float
    ) -> None:
        ending = schedule_runs.ScheduleRunFinished(
            schedule=name,
            job=due.position,
            status=ended.status,
            sources=() if config is None else config.sources,
            rows=ended.rows,
            error=ended.error,
            duration_s=took_s,
        )
        output = None if ended.output is None else ended.output.encode()
        until = None if output is None else self._clock() + OUTPUT_KEPT
        command = FinishScheduleRun(ending=ending, output=output, output_until=until)
        if not self._stopping:
            await self._write(command, due)
            return
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await self._write(command, due)
        except TimeoutError:
            _log.warning("the end of job %d is left to the next start", due.position)

    async def _write(self, command: Command, due: Recorded) -> Outcome:
        return await self._tries.until_written(
            f"job {due.position}", self._bus, command, lambda: origin(due)
        )
