"""A sync that was asked for is carried out: worker, commit, the event that says how it ended."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from commands.kernel import Bus, Command, Once, Outcome
from commands.policies import origin, origin_of, runs
from commands.policies.runs import OpenRun, Run
from commands.policies.tries import RECOVERY_S, Tries
from commands.ports import Loaded, Progress, SecretValues, Target, Warehouse, WorkFailed
from commands.syncs import (
    ConfirmCancel,
    FailSync,
    InterruptSync,
    RequestSync,
    StartSync,
)
from domain import syncs
from domain.datasets import Format
from domain.kernel import Event, Recorded, Refused
from domain.sources import Source

SCHEMA_POLL_S: Final = 1.0  # how often a run asks for a schema that nobody here is writing
STOP_S_MAX: Final = 5.0  # how long a stop waits to hear whether a load was published
BUG: Final = "A defect of the program ended the sync; the server's log tells more."

_log = logging.getLogger("dango.syncs")


class SyncPolicy:
    """Carries out syncs, some at a time; the others wait as `queued`.

    Whether a run succeeded is for the warehouse to say: before any other ending it is asked for
    the run's commit.
    """

    name = "syncs"
    begins_at_head = False
    types: tuple[type[Event], ...] = (
        syncs.SyncRequested,
        syncs.SyncCancelRequested,
        syncs.SyncInterrupted,
        syncs.SyncFailed,
    )

    def __init__(
        self,
        bus: Bus,
        warehouse: Warehouse,
        *,
        source: Callable[[str], Source | None],
        root: str,
        secrets: SecretValues,
        formats: Callable[[str], dict[str, Format]] = lambda _source: {},
        request: Callable[[int], Recorded | None],
        open_runs: Callable[[], Sequence[OpenRun]],
        monotonic: Callable[[], float],
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        show: Callable[[Run, Progress], None] = lambda _run, _progress: None,
        parallel: int = 2,
        renew: Callable[[Source], Awaitable[None]] | None = None,
    ) -> None:
        """`renew` sees that what providers gave for a source lasts; raises WorkFailed."""
        self._bus, self._warehouse = bus, warehouse
        self._source, self._root, self._secrets = source, root, secrets
        self._formats, self._wait = formats, wait
        self._request, self._open_runs = request, open_runs
        self._monotonic = monotonic
        self._slots = asyncio.Semaphore(parallel)
        self._runs: dict[Run, asyncio.Task[None]] = {}
        self._loads: dict[Run, asyncio.Future[Loaded]] = {}
        self._cancelled: set[Run] = set()
        self._tries = Tries()
        self._stopping = False
        self._show, self._renew = show, renew
        self.progress: dict[Run, Progress] = {}

    @property
    def problem(self) -> str | None:
        """As the policy says."""
        return self._tries.problem

    async def recover(self) -> None:
        """Runs of a dead process are ended as the warehouse says; those that waited are begun."""
        left = self._open_runs()
        for each in left:
            if each.running:
                self._end(each, InterruptSync(source=each.source, job=each.job))
        if self._runs:
            await asyncio.wait(self._runs.values(), timeout=RECOVERY_S)
        for each in left:
            if not each.running:
                self._carry(each.run)

    async def react(self, recorded: Recorded) -> None:
        """As the policy says."""
        match recorded.event:
            case syncs.SyncRequested(sources=names):
                for name in names:
                    self._carry((recorded.position, name))
            case syncs.SyncCancelRequested(source=name, job=job):
                self._stop_run((job, name))
            case syncs.SyncInterrupted(retry=retry) as event if retry < syncs.RETRIES_MAX:
                await self._again(recorded, event, wait_s=0)
            case syncs.SyncFailed() as event if (wait_s := syncs.pause_s(event)) is not None:
                await self._again(recorded, event, wait_s=wait_s)
            case _:
                pass

    async def stop(self) -> None:
        """Runs that go on end as interrupted; they are tried again at the next start."""
        self._stopping = True
        tasks, self._runs = self._runs, {}
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)

    # the life of a run

    def _carry(self, run: Run) -> None:
        self._begin(run, lambda: self._carry_out(run))

    def _end(self, left: OpenRun, ending: Command) -> None:
        self._begin(left.run, lambda: self._settle(left.run, left.target, ending))

    def _begin(self, run: Run, work: Callable[[], Awaitable[None]]) -> None:
        if run not in self._runs:
            self._runs[run] = asyncio.create_task(self._watched(run, work))

    async def _watched(self, run: Run, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - a bug must not take other runs with it
            # The run stays open in the log; the next start asks the warehouse how it ended.
            self._tries.failed(runs.named(run), error)
        finally:
            self._runs.pop(run, None)
            self._loads.pop(run, None)
            self._cancelled.discard(run)
            self.progress.pop(run, None)

    async def _carry_out(self, run: Run) -> None:
        await self._pause(run)
        while (other := await self._take(run)) is not None:
            # The configuration gave its schema to this run's source while it was being written.
            if (task := self._runs.get(other)) is None:
                await asyncio.sleep(SCHEMA_POLL_S)
            else:
                await asyncio.wait([task])

    async def _pause(self, run: Run) -> None:
        """A run that follows a failure stays queued for a while: anew, after a restart."""
        asked = self._request(run[0])
        if asked is not None and isinstance(asked.event, syncs.SyncRequested):
            await self._wait(asked.event.wait_s)

    async def _take(self, run: Run) -> Run | None:
        """Start the run and see it through; or answer which other one is in its way."""
        job, name = run
        async with self._slots:
            source = await self._tries.until_done(runs.named(run), lambda: self._look_up(name))
            schema, table = (source.schema, source.table) if source is not None else ("", "")
            start = StartSync(source=name, job=job, schema=schema, table=table)
            try:
                started = await self._write(start, run)
            except syncs.SchemaBusy as busy:
                return busy.facts["job_id"], busy.facts["source"]
            if started.recorded:
                await self._run(run, source)
        return None

    async def _look_up(self, name: str) -> Source | None:
        return self._source(name)

    async def _run(self, run: Run, source: Source | None) -> None:
        (job, name), begun = run, self._monotonic()
        try:
            loaded = await self._load(run, source)
        except asyncio.CancelledError:
            if self._stopping:
                await self._interrupt(run, source)
                raise
            ending: Command = ConfirmCancel(source=name, job=job)
        except WorkFailed as error:
            ending = runs.failure(run, error, self._since(begun))
        except Exception:  # noqa: BLE001 - a run that a bug met must not stay open
            _log.exception("the %s met a defect", runs.named(run))
            ending = FailSync(source=name, job=job, reason=BUG, duration_s=self._since(begun))
        else:
            await self._write(runs.completion(run, loaded, self._since(begun)), run)
            return
        await self._settle(run, self._target(run, source), ending, begun)

    async def _load(self, run: Run, source: Source | None) -> Loaded:
        asked = self._request(run[0])
        if source is not None and self._renew is not None:
            await self._renew(source)
        load = runs.load(
            run,
            source,
            asked,
            root=self._root,
            secrets=self._secrets,
            formats=self._formats(run[1]),
        )
        if run in self._cancelled:
            raise asyncio.CancelledError

        def on_progress(progress: Progress) -> None:
            self.progress[run] = progress
            self._show(run, progress)

        self._loads[run] = asyncio.ensure_future(self._warehouse.load(load, on_progress))
        try:
            return await self._loads[run]
        except asyncio.CancelledError:
            self._loads[run].cancel()
            raise

    def _stop_run(self, run: Run) -> None:
        """Kill the worker; what it has not committed never was."""
        if run in self._runs:
            self._cancelled.add(run)
            if (load := self._loads.get(run)) is not None:
                load.cancel()
            return
        for left in self._open_runs():
            if left.run == run and left.running:
                self._end(left, ConfirmCancel(source=left.source, job=left.job))

    # how a run ended

    def _target(self, run: Run, source: Source | None) -> Target | None:
        """The commit that a load of this process may have made."""
        if source is None or run not in self._loads:
            return None
        return OpenRun(*run, running=True, schema=source.schema, table=source.table).target

    async def _settle(
        self, run: Run, target: Target | None, ending: Command, begun: float | None = None
    ) -> None:
        """Complete the run when its data is published, however it looked from here; else end it."""
        if target is not None:
            published = await self._tries.until_done(
                runs.named(run), lambda: self._warehouse.published(target)
            )
            if published is not None:
                took_s = None if begun is None else self._since(begun)
                ending = runs.completion(run, published, took_s)
        await self._write(ending, run)

    async def _interrupt(self, run: Run, source: Source | None) -> None:
        """Settle the run in the time that a stop has; what is not told by then, a start tells."""
        ending = InterruptSync(source=run[1], job=run[0])
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await self._settle(run, self._target(run, source), ending)
        except TimeoutError:
            _log.warning("the end of the %s is left to the next start", runs.named(run))

    async def _again(
        self, recorded: Recorded, event: syncs.SyncInterrupted | syncs.SyncFailed, *, wait_s: int
    ) -> None:
        asked = self._request(event.job)
        if asked is None or not isinstance(asked.event, syncs.SyncRequested):
            return
        command = RequestSync(
            sources=(event.source,),
            full_refresh=asked.event.full_refresh,
            start_date=asked.event.start_date,
            end_date=asked.event.end_date,
            allow_empty=asked.event.allow_empty,
            retry=event.retry + 1,
            retry_of=event.job,
            wait_s=wait_s,
            rollback_of=asked.event.rollback_of,
            schedule=asked.event.schedule,
            schedule_job=asked.event.schedule_job,
            models=asked.event.models,
        )
        # Told twice, an ending is still tried again once, even if that run has ended by now.
        once = Once(f"policy:syncs:{recorded.id}", recorded.id, recorded.at)
        try:
            await self._bus.send(
                command, msgspec.structs.replace(origin(self.name, recorded), once=once)
            )
        except Refused as refused:
            _log.info("not tried again: %s", refused)

    async def _write(self, command: Command, run: Run) -> Outcome:
        return await self._tries.until_written(
            runs.named(run),
            self._bus,
            command,
            lambda: origin_of(self.name, run[0], self._request),
        )

    def _since(self, begun: float) -> float:
        return round(self._monotonic() - begun, 3)
