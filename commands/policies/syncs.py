"""A sync that was asked for is carried out: worker, commit, the event that says how it ended."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import msgspec

from commands.kernel import Bus, Command, Once, Origin, Outcome
from commands.ports import Load, Loaded, Progress, Warehouse, WorkFailed
from commands.syncs import (
    CompleteSync,
    ConfirmCancel,
    FailSync,
    InterruptSync,
    RequestSync,
    StartSync,
)
from domain import syncs
from domain.kernel import Event, Recorded, Refused
from domain.sources import Source

LOADABLE: Final = ("csv",)
_log = logging.getLogger("dango.syncs")

Run = tuple[int, str]  # job, source


class OpenRun(msgspec.Struct, frozen=True):
    """A run that the views know as not ended."""

    job: int
    source: str
    running: bool


class SyncPolicy:
    """Carries out syncs, some at a time; the others wait as `queued`."""

    name = "syncs"
    begins_at_head = False
    types: tuple[type[Event], ...] = (
        syncs.SyncRequested,
        syncs.SyncCancelRequested,
        syncs.SyncInterrupted,
    )

    def __init__(
        self,
        bus: Bus,
        warehouse: Warehouse,
        *,
        source: Callable[[str], Source | None],
        directory: Callable[[Source], str],
        request: Callable[[int], Recorded | None],
        open_runs: Callable[[], Sequence[OpenRun]],
        monotonic: Callable[[], float],
        parallel: int = 2,
    ) -> None:
        self._bus, self._warehouse = bus, warehouse
        self._source, self._directory = source, directory
        self._request, self._open_runs = request, open_runs
        self._monotonic = monotonic
        self._slots = asyncio.Semaphore(parallel)
        self._runs: dict[Run, asyncio.Task[None]] = {}
        self._loads: dict[Run, asyncio.Future[Loaded]] = {}
        self._cancelled: set[Run] = set()
        self.progress: dict[Run, Progress] = {}

    async def recover(self) -> None:
        """Runs of a dead process are interrupted; those that still waited are carried out."""
        for run in self._open_runs():
            if run.running:
                await self._send(InterruptSync(source=run.source, job=run.job), run.job)
            else:
                self._begin((run.job, run.source))

    async def react(self, recorded: Recorded) -> None:
        """As the policy says."""
        match recorded.event:
            case syncs.SyncRequested(sources=names):
                for name in names:
                    self._begin((recorded.position, name))
            case syncs.SyncCancelRequested(source=name, job=job):
                await self._stop_run((job, name))
            case syncs.SyncInterrupted() as interrupted:
                await self._again(recorded, interrupted)
            case _:
                pass

    async def stop(self) -> None:
        """Runs that go on end as interrupted; they are tried again at the next start."""
        tasks, self._runs = self._runs, {}
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)

    def _begin(self, run: Run) -> None:
        if run in self._runs:
            return
        task = asyncio.create_task(self._watched(run, self._carry_out(run)))
        self._runs[run] = task

    async def _watched(self, run: Run, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:  # noqa: BLE001 - a bug must not take other runs with it
            # The run stays open in the log; it is interrupted and tried again at the next start.
            _log.exception("sync of %s (job %s) could not be carried out", run[1], run[0])
        finally:
            self._runs.pop(run, None)
            self._loads.pop(run, None)
            self._cancelled.discard(run)
            self.progress.pop(run, None)

    async def _carry_out(self, run: Run) -> None:
        job, name = run
        async with self._slots:
            started = await self._send(StartSync(source=name, job=job), job)
            if not started.recorded:
                return
            begun = self._monotonic()
            try:
                loaded = await self._load(run)
            except WorkFailed as error:
                took = self._monotonic() - begun
                ending: Command = FailSync(
                    source=name,
                    job=job,
                    reason=error.reason,
                    file=error.facts.get("file"),
                    line=error.facts.get("line"),
                    duration_s=round(took, 3),
                )
            except asyncio.CancelledError:
                if run not in self._cancelled:
                    await self._send(InterruptSync(source=name, job=job), job)
                    raise
                ending = ConfirmCancel(source=name, job=job)
            else:
                ending = CompleteSync(
                    source=name,
                    job=job,
                    rows=loaded.rows,
                    tables=loaded.tables,
                    files=loaded.files,
                    snapshot=loaded.snapshot,
                    duration_s=round(self._monotonic() - begun, 3),
                )
            await self._send(ending, job)

    async def _load(self, run: Run) -> Loaded:
        job, name = run
        source, asked = self._source(name), self._request(job)
        if source is None or asked is None or not isinstance(asked.event, syncs.SyncRequested):
            raise WorkFailed(f"Source '{name}' is no longer in the configuration.")
        if source.type not in LOADABLE:
            raise WorkFailed(f"Sources of type '{source.type}' cannot be synced yet.")
        if run in self._cancelled:
            raise asyncio.CancelledError
        load = Load(
            source=name,
            type=source.type,
            job=job,
            author=asked.actor,
            schema=source.schema,
            table=source.table,
            directory=self._directory(source),
            file_pattern=str(source.options.get("file_pattern", "*.csv")),
            full_refresh=asked.event.full_refresh,
            allow_empty=asked.event.allow_empty,
        )

        def on_progress(progress: Progress) -> None:
            self.progress[run] = progress

        self._loads[run] = asyncio.ensure_future(self._warehouse.load(load, on_progress))
        try:
            return await self._loads[run]
        except asyncio.CancelledError:
            self._loads[run].cancel()
            raise

    async def _stop_run(self, run: Run) -> None:
        """Kill the worker; what it has not committed never was."""
        self._cancelled.add(run)
        if (load := self._loads.get(run)) is not None:
            load.cancel()
        elif run not in self._runs:
            self._cancelled.discard(run)
            await self._send(ConfirmCancel(source=run[1], job=run[0]), run[0])

    async def _again(self, recorded: Recorded, event: syncs.SyncInterrupted) -> None:
        if event.retry >= syncs.RETRIES_MAX:
            return
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
        )
        # Told twice, an interruption is still tried again once, even if that run has ended by now.
        once = Once(f"policy:syncs:{recorded.id}", recorded.id, recorded.at)
        try:
            await self._bus.send(command, msgspec.structs.replace(_origin(recorded), once=once))
        except Refused as refused:
            _log.info("not tried again: %s", refused)

    async def _send(self, command: Command, job: int) -> Outcome:
        asked = self._request(job)
        if asked is None:
            raise RuntimeError(f"there is no request {job} in the log")
        # An ending that was reached must be written, even while this task is being cancelled.
        return await asyncio.shield(self._bus.send(command, _origin(asked)))


def _origin(cause: Recorded) -> Origin:
    return Origin(
        actor="policy:syncs", via="policy", correlation=cause.correlation, causation=cause.id
    )
