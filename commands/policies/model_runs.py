"""Models that were asked for, or whose source was synced, are built, one job after the other."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from commands.kernel import Bus, Command, Once, Outcome
from commands.model_runs import EndModels, FollowSync, StartModels, TellModel
from commands.modelling import Build, Built, Modelling, ProjectRead
from commands.models import ApplyModels
from commands.policies import origin, origin_of
from commands.policies.tries import RECOVERY_S, Tries
from commands.ports import WorkFailed
from domain import drift, model_runs, sources, syncs
from domain.kernel import Event, Recorded
from domain.model_runs import Ending, ModelsRunFailed, ModelsRunInterrupted, Told

DOCUMENT_PAUSE_S: Final = 2.0  # after a run, so that the next one does not wait for it
SYNC_POLL_S: Final = 0.5  # between two looks whether the other sources of a sync are loaded
TOLD_S_MAX: Final = 30.0  # how long a run waits to be told of a sync that has ended
SYNCS_S_MAX: Final = 3600.0  # how long a run waits for them
STOP_S_MAX: Final = 5.0  # how long a stop waits to write how a run ended
TOLD_MAX: Final = 20_000  # things that a run tells, while none of them can be written down
UNTOLD: Final = "More happened in the run than could be written down; it was stopped."
BUG: Final = "A defect of the program ended the run; the server's log tells more."

_log = logging.getLogger("dango.models")


class OpenModelRun(msgspec.Struct, frozen=True, kw_only=True):
    """A job that the views know as not ended, with all that was added to it."""

    running: bool
    build: Build
    syncs: tuple[int, ...] = ()  # the jobs that it follows from


class ModelRunPolicy:
    """One run at a time, beside everything else; the others wait as `queued`."""

    name = "model_runs"
    begins_at_head = True
    types: tuple[type[Event], ...] = (
        syncs.SyncCompleted,
        sources.SourceRemoved,
        drift.DriftAccepted,
        model_runs.ModelsRunRequested,
        model_runs.ModelsRunCancelRequested,
    )

    def __init__(
        self,
        bus: Bus,
        modelling: Modelling,
        *,
        open_runs: Callable[[], Sequence[OpenModelRun]],
        request: Callable[[int], Recorded | None],
        describe: Callable[[str], str | None],
        syncing: Callable[[int], bool],
        followed: Callable[[int], bool],
        brought: Callable[[str], int | None],
        monotonic: Callable[[], float],
        automatic: bool = True,
        pause_s: float = 0.0,
    ) -> None:
        """`describe` tells what a source is, None when there is none; `syncing` if a job goes on.

        `followed` tells whether all that a job brought has come to a run that is not ended.
        `brought` is the sync that brought what a source has now.
        `pause_s`: how long a run that follows from a sync waits for more of them.
        """
        self._bus, self._modelling = bus, modelling
        self._open_runs, self._request, self._describe = open_runs, request, describe
        self._syncing, self._followed, self._brought = syncing, followed, brought
        self._monotonic, self._automatic, self._pause_s = monotonic, automatic, pause_s
        self._turn = asyncio.Lock()  # first come, first served
        self._jobs: dict[int, asyncio.Task[None]] = {}
        self._build: asyncio.Future[Built] | None = None
        self._building: int | None = None
        self._cancelled: set[int] = set()
        self._documenting: asyncio.Task[None] | None = None
        self._undocumented = False
        self._tries = Tries()
        self._stopping = False

    @property
    def problem(self) -> str | None:
        """As the policy says."""
        return self._tries.problem

    async def recover(self) -> None:
        """What a dead process was at was interrupted; what waited is begun."""
        left = self._open_runs()
        ended = [
            asyncio.create_task(self._end(ModelsRunInterrupted(job=each.build.job)))
            for each in left
            if each.running
        ]
        if ended:
            await asyncio.wait(ended, timeout=RECOVERY_S)
        for each in left:
            if not each.running:
                self._carry(each.build.job)
        if not await self._modelling.documented():
            self._document()

    async def react(self, recorded: Recorded) -> None:
        """As the policy says."""
        match recorded.event:
            case syncs.SyncCompleted() as synced:
                await self._follow(recorded, synced)
            case sources.SourceRemoved(source=name):
                await self._laid_out(name, self._modelling.take_out(name))
            case drift.DriftAccepted(source=name):
                if self._automatic and (brought := self._brought(name)) is not None:
                    await self._ask(recorded, name, brought)
            case model_runs.ModelsRunRequested():
                self._carry(recorded.position)
            case model_runs.ModelsRunCancelRequested(job=job):
                self._cancelled.add(job)
                if self._build is not None and self._building == job:
                    self._build.cancel()
            case _:
                pass

    async def stop(self) -> None:
        """The run that goes on ends as interrupted; those that wait are begun at the next start."""
        self._stopping = True
        tasks = [*self._jobs.values(), *((self._documenting,) if self._documenting else ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, recorded: Recorded, synced: syncs.SyncCompleted) -> None:
        name = synced.source
        description = self._describe(name)
        if description is None:  # it was taken out while its sync was running
            return
        await self._laid_out(name, self._modelling.lay_out(name, description, synced.tables))
        if self._automatic and self._wanted(synced.job):
            await self._ask(recorded, name, synced.job)

    async def _ask(self, recorded: Recorded, source: str, sync: int) -> None:
        """Told twice, this still leads to one run, even if that one has ended by now."""
        once = Once(f"policy:model_runs:{recorded.id}", recorded.id, recorded.at)
        own = msgspec.structs.replace(origin(self.name, recorded), once=once)
        await self._bus.send(FollowSync(source=source, sync=sync), own)

    def _wanted(self, job: int) -> bool:
        """Whether who asked for the sync wants models behind it."""
        asked = self._request(job)
        event = None if asked is None else asked.event
        return not isinstance(event, syncs.SyncRequested) or event.models

    async def _laid_out(self, name: str, done: Awaitable[None]) -> None:
        """The project is the people's: one that cannot be written holds nothing else up."""
        try:
            await done
        except WorkFailed as failed:
            _log.warning("the dbt project was not laid out for %s: %s", name, failed.reason)

    # the life of a run

    def _carry(self, job: int) -> None:
        if job not in self._jobs:
            self._jobs[job] = asyncio.create_task(self._watched(job))

    async def _watched(self, job: int) -> None:
        try:
            await self._carry_out(job)
        except Exception as error:  # noqa: BLE001 - a bug must not take other jobs with it
            self._tries.failed(_named(job), error)
        finally:
            self._jobs.pop(job, None)
            self._cancelled.discard(job)

    async def _carry_out(self, job: int) -> None:
        await self._wait_for_syncs(job)
        async with self._turn:
            started = await self._write(StartModels(job=job), job)
            if not started.recorded:
                return
            begun = started.recorded[0].event
            await self._run(job, getattr(begun, "held", ()))
        self._document()

    async def _wait_for_syncs(self, job: int) -> None:
        """Models may read what other sources of the same sync are still to bring."""
        run = self._open_run(job)
        if run is None or not run.syncs:
            return
        await asyncio.sleep(self._pause_s)
        waited_s = ended_s = 0.0
        while (run := self._open_run(job)) is not None and waited_s < SYNCS_S_MAX:
            if not any(self._syncing(sync) for sync in run.syncs):
                # What the last of them brought may not have been told here yet.
                if ended_s >= TOLD_S_MAX or all(self._followed(sync) for sync in run.syncs):
                    return
                ended_s += SYNC_POLL_S
            await asyncio.sleep(SYNC_POLL_S)
            waited_s += SYNC_POLL_S

    def _open_run(self, job: int) -> OpenModelRun | None:
        return next((each for each in self._open_runs() if each.build.job == job), None)

    async def _run(self, job: int, held: tuple[str, ...]) -> None:
        begun, ending = self._monotonic(), None
        told: asyncio.Queue[ProjectRead | Told | None] = asyncio.Queue(TOLD_MAX)
        telling = asyncio.create_task(self._tell(job, told))
        try:
            ending = self._ending(job, await self._built(job, held, told), begun)
        except asyncio.CancelledError:
            if self._stopping:
                telling.cancel()
                await self._interrupt(job)
                raise
            ending = model_runs.ModelsRunCancelled(job=job)
        except WorkFailed as error:
            ending = ModelsRunFailed(
                job=job,
                reason=error.reason,
                file=error.facts.get("file"),
                line=error.facts.get("line"),
                duration_s=self._since(begun),
            )
        except asyncio.QueueFull:
            ending = ModelsRunFailed(job=job, reason=UNTOLD, duration_s=self._since(begun))
        except Exception:  # noqa: BLE001 - a run that a bug met must not stay open
            _log.exception("the %s met a defect", _named(job))
            ending = ModelsRunFailed(job=job, reason=BUG, duration_s=self._since(begun))
        await told.put(None)
        await telling
        await self._end(ending)

    async def _built(
        self, job: int, held: tuple[str, ...], told: "asyncio.Queue[ProjectRead | Told | None]"
    ) -> Built:
        run = self._open_run(job)
        if run is None or job in self._cancelled:
            raise asyncio.CancelledError
        self._building = job
        build = msgspec.structs.replace(run.build, held=held)
        self._build = asyncio.ensure_future(self._modelling.build(build, told.put_nowait))
        try:
            return await self._build
        except asyncio.CancelledError:
            self._build.cancel()
            raise
        finally:
            self._build = self._building = None

    async def _tell(self, job: int, told: "asyncio.Queue[ProjectRead | Told | None]") -> None:
        """Write down what the worker tells, in its order, while it goes on."""
        while (each := await told.get()) is not None:
            if isinstance(each, ProjectRead):
                command: Command = ApplyModels(
                    models=each.models, exposures=each.exposures, tables=each.tables
                )
            else:
                command = TellModel(told=each)
            await self._write(command, job)

    def _ending(self, job: int, built: Built, begun: float) -> Ending:
        took_s = self._since(begun)
        if built.reason is None:
            return model_runs.ModelsBuilt(
                job=job,
                models=built.models,
                tests=built.tests,
                snapshot=built.snapshot,
                duration_s=took_s,
            )
        return ModelsRunFailed(
            job=job,
            reason=built.reason,
            failed=built.failed,
            file=built.file,
            line=built.line,
            snapshot=built.snapshot,
            duration_s=took_s,
        )

    async def _interrupt(self, job: int) -> None:
        """What is not told in the time that a stop has, a start tells."""
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await self._end(ModelsRunInterrupted(job=job))
        except TimeoutError:
            _log.warning("the end of the %s is left to the next start", _named(job))

    def _document(self) -> None:
        """Make the documentation anew, once no more run comes; nothing that began is killed."""
        self._undocumented = True
        if self._documenting is None or self._documenting.done():
            self._documenting = asyncio.create_task(self._make_documents())

    async def _make_documents(self) -> None:
        while self._undocumented:
            await asyncio.sleep(DOCUMENT_PAUSE_S)
            if self._jobs:
                continue
            self._undocumented = False
            try:
                await self._modelling.document()
            except WorkFailed as failed:
                _log.warning("the models were not documented: %s", failed.reason)

    async def _end(self, ending: Ending) -> None:
        await self._write(EndModels(ending=ending), ending.job)

    async def _write(self, command: Command, job: int) -> Outcome:
        return await self._tries.until_written(
            _named(job), self._bus, command, lambda: origin_of(self.name, job, self._request)
        )

    def _since(self, begun: float) -> float:
        return round(self._monotonic() - begun, 3)


def _named(job: int) -> str:
    return f"run of models (job {job})"
