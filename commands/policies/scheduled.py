"""What a schedule's run does, by its kind; each work answers how it ended."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec

from commands import policies
from commands.kernel import Bus, Once, Origin
from commands.policies.runs import resolved
from commands.ports import SecretValues, WorkFailed
from commands.schedule_ports import Script, ScriptDone, Scripts
from commands.syncs import CancelSync, RequestSync
from domain import syncs
from domain.kernel import Recorded, Refused
from domain.schedule_runs import PAUSES_S, ScheduleDue
from domain.schedules import Kind, Schedule

BUSY_POLL_S: Final = 5.0  # how often a source is asked for that another sync holds, untold
AGAIN_S_MAX: Final = 10.0  # how long a sync that is to be tried again may take to be asked for
TEMPORARY: Final = 75  # EX_TEMPFAIL of sysexits.h: a script's word for "try again later"
OUTPUT_CHARS_MAX: Final = 16 * 1024


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How work ended; `transient`: the reason may pass."""

    status: str = "success"
    rows: int | None = None
    error: str | None = None
    output: str | None = None
    transient: bool = False


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The newest sync of one source that a run led to, as the views know it."""

    source: str
    sync: int
    status: str  # queued, running, success, failed, cancelled, interrupted
    rows: int | None = None
    error: str | None = None
    again: bool = False  # it failed, and another one follows by itself


Retried = Callable[[int, int], Awaitable[None]]  # attempt, pause in seconds


class News:
    """Lets those look again who wait for something to happen."""

    def __init__(self) -> None:
        self.next = asyncio.Event()

    def told(self) -> None:
        """Something happened."""
        news, self.next = self.next, asyncio.Event()
        news.set()

    @staticmethod
    async def within(news: asyncio.Event, most_s: float) -> bool:
        """Whether there was news in time."""
        try:
            async with asyncio.timeout(most_s):
                await news.wait()
        except TimeoutError:
            return False
        return True


class Models(Protocol):
    """What builds the models of a schedule."""

    async def build(self, schedule: Schedule, due: Recorded) -> Ended:
        """Build them, and answer how it ended."""
        ...

    async def stop(self, due: Recorded) -> None:
        """Stop what a run has led to."""
        ...


class Works:
    """The works that there are."""

    def __init__(
        self,
        bus: Bus,
        *,
        known: Callable[[str], bool],
        parts: Callable[[int], list[Part]],
        scripts: Scripts,
        secrets: SecretValues,
        models: Models,
        news: News,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`known` tells whether there is such a source, `parts` the syncs of a run."""
        self._bus, self._known, self.parts = bus, known, parts
        self._scripts, self._secrets, self._wait = scripts, secrets, wait
        self._models, self.news = models, news

    async def carry_out(self, schedule: Schedule, due: Recorded, retried: Retried) -> Ended:
        """Do what the schedule says."""
        match schedule.kind:
            case Kind.SYNC | Kind.SYNC_ONLY:
                return await self._sync(schedule, due)
            case Kind.SCRIPT:
                return await self._again(lambda: self._script(schedule), retried)
            case Kind.DBT:
                return await self._models.build(schedule, due)

    async def stop(self, due: Recorded) -> None:
        """Stop what a run has led to. What has ended meanwhile needs no stopping."""
        await self._stop_syncs(due)
        await self._models.stop(due)

    # syncs

    async def _sync(self, schedule: Schedule, due: Recorded) -> Ended:
        wanted = [name for name in schedule.sources if self._known(name)]
        missing = [name for name in schedule.sources if name not in wanted]
        if wanted:
            await self._request(tuple(wanted), schedule, due)
            parts = await self._settled(due.position, len(wanted))
        else:
            parts = []
        return _summed(parts, missing)

    async def _settled(self, job: int, count: int) -> list[Part]:
        """The syncs of a run, when all have ended and none follows."""
        while True:
            news, parts = self.news.next, self.parts(job)
            ended = [part for part in parts if part.status not in ("queued", "running")]
            if len(parts) < count or len(ended) < len(parts):
                await news.wait()
            elif not any(part.again for part in parts):
                return parts
            elif not await self.news.within(news, AGAIN_S_MAX):
                return parts  # somebody else syncs the source now, or it is gone

    async def _request(self, names: tuple[str, ...], schedule: Schedule, due: Recorded) -> None:
        """Ask for the syncs once, as soon as no other sync holds one of the sources."""
        if self.parts(due.position):
            return
        how = due.event
        assert isinstance(how, ScheduleDue)  # noqa: S101 - tells the type
        command = RequestSync(
            sources=names,
            full_refresh=how.full_refresh,
            start_date=how.start_date,
            end_date=how.end_date,
            schedule=schedule.name,
            schedule_job=due.position,
            models=schedule.kind is Kind.SYNC,
        )
        once = Once(f"policy:schedules:{due.id}", due.id, due.at)
        while True:
            news = self.news.next
            try:
                await self._bus.send(command, msgspec.structs.replace(origin(due), once=once))
                return
            except syncs.SyncRunning:
                await self.news.within(news, BUSY_POLL_S)

    async def _stop_syncs(self, due: Recorded) -> None:
        for part in self.parts(due.position):
            if part.status in ("queued", "running"):
                command = CancelSync(sources=(part.source,), job=part.sync)
                try:
                    await self._bus.send(command, origin(due))
                except Refused:
                    continue

    # scripts

    async def _again(self, attempt: Callable[[], Awaitable[Ended]], retried: Retried) -> Ended:
        """Try again, after pauses, what failed for a reason that may pass."""
        for number, pause_s in enumerate(PAUSES_S, 1):
            ended = await attempt()
            if not ended.transient:
                return ended
            await retried(number, pause_s)
            await self._wait(pause_s)
        return await attempt()

    async def _script(self, schedule: Schedule) -> Ended:
        path = schedule.script_path or ""
        try:
            secrets = resolved({"script_args": list(schedule.script_args)}, self._secrets)
            done = await self._scripts.run(
                Script(
                    path=path,
                    arguments=schedule.script_args,
                    secrets=secrets,
                    timeout_s=schedule.timeout_minutes * 60.0,
                )
            )
        except WorkFailed as error:
            passing = bool(error.facts.get("transient"))
            return Ended(status="failed", error=error.reason, transient=passing)
        return _of_script(path, done)


def _of_script(path: str, done: ScriptDone) -> Ended:
    output = done.output[-OUTPUT_CHARS_MAX:]
    if done.exit_code == 0:
        return Ended(output=output)
    how = f"exit code {done.exit_code}" if done.exit_code > 0 else f"signal {-done.exit_code}"
    return Ended(
        status="failed",
        error=f"{path} ended with {how}.",
        output=output,
        transient=done.exit_code == TEMPORARY,
    )


def _summed(parts: list[Part], missing: list[str]) -> Ended:
    errors = [f"Source '{name}' not found." for name in missing]
    errors += [
        f"{part.source}: {part.error or part.status}" for part in parts if part.status != "success"
    ]
    rows = [part.rows for part in parts if part.rows is not None]
    states = {part.status for part in parts} | ({"failed"} if missing else set())
    status = next((s for s in ("failed", "interrupted", "cancelled") if s in states), "success")
    return Ended(
        status=status, rows=sum(rows) if rows else None, error=" ".join(errors)[:2000] or None
    )


def origin(cause: Recorded) -> Origin:
    """In whose name the policy acts."""
    return policies.origin("schedules", cause)
