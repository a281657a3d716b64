"""The work of a schedule of type dbt: models are asked for, and their run is waited for."""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from commands.kernel import Bus, Once
from commands.model_runs import CancelModels, RequestModels
from commands.policies.scheduled import Ended, News, origin
from domain import model_runs
from domain.kernel import Recorded, Refused
from domain.schedules import Schedule

BUSY_POLL_S: Final = 5.0  # how often models are asked for again while others are built
SELECTING: Final = frozenset({"--select", "-s", "--models", "-m"})
NOT_TAKEN: Final = "dbt_command may have --select and --full-refresh, and not '{}'."
REFUSED: Final = "The models were not built."


class ModelsPart(msgspec.Struct, frozen=True, kw_only=True):
    """The run of models that a schedule's run led to, as the views know it."""

    job: int
    status: str  # queued, running, success, failed, cancelled, interrupted
    error: str | None = None


class ScheduledModels:
    """Asks for models once, waits until their run has ended, and stops it when it is to end."""

    def __init__(self, bus: Bus, news: News, part: Callable[[int], ModelsPart | None]) -> None:
        """`part` tells the run of models that a job of a schedule led to."""
        self._bus, self._news, self._part = bus, news, part

    async def build(self, schedule: Schedule, due: Recorded) -> Ended:
        """Build what the schedule names."""
        try:
            wanted = request(schedule, due.position)
        except ValueError as error:
            return Ended(status="failed", error=str(error))
        while True:
            news, part = self._news.next, self._part(due.position)
            if part is None:
                refused = await self._request(wanted, due, news)
                if refused is not None:
                    return Ended(status="failed", error=refused)
            elif part.status in ("queued", "running"):
                await news.wait()
            else:
                return Ended(status=part.status, error=part.error)

    async def _request(
        self, wanted: RequestModels, due: Recorded, news: asyncio.Event
    ) -> str | None:
        once = Once(f"policy:schedules:{due.id}", due.id, due.at)
        try:
            await self._bus.send(wanted, msgspec.structs.replace(origin(due), once=once))
        except model_runs.ModelsRunning:
            await self._news.within(news, BUSY_POLL_S)
        except Refused as refused:
            return str(refused) or REFUSED
        return None

    async def stop(self, due: Recorded) -> None:
        """Stop the run that a job led to. What has ended meanwhile needs no stopping."""
        part = self._part(due.position)
        if part is None or part.status not in ("queued", "running"):
            return
        try:
            await self._bus.send(CancelModels(job=part.job), origin(due))
        except model_runs.ModelsRunEnded:
            return


def request(schedule: Schedule, job: int) -> RequestModels:
    """What a dbt_command asks for: what is selected is built and tested. Raises ValueError."""
    select: list[str] = []
    full_refresh = selecting = False
    for word in (schedule.dbt_command or "run").split()[1:]:
        if word in SELECTING:
            selecting = True
        elif word == "--full-refresh":
            full_refresh, selecting = True, False
        elif selecting and not word.startswith("-"):
            select.append(word)
        else:
            raise ValueError(NOT_TAKEN.format(word))
    return RequestModels(
        select=tuple(select),
        full_refresh=full_refresh,
        schedule=schedule.name,
        schedule_job=job,
    )
