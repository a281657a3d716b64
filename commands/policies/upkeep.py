"""Maintenance that was asked for is carried out."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Final

from commands.kernel import Bus, Command, Origin, Outcome
from commands.policies.tries import RECOVERY_S, Tries
from commands.ports import Maintain, Progress, Warehouse, WorkFailed
from commands.upkeep import AbandonMaintenance, EndMaintenance, StartMaintenance
from domain import upkeep
from domain.kernel import Event, Recorded

BUG: Final = "A defect of the program ended it; the server's log tells more."

_log = logging.getLogger("dango.upkeep")


class UpkeepPolicy:
    """One maintenance at a time, beside everything else."""

    name = "upkeep"
    types: tuple[type[Event], ...] = (upkeep.MaintenanceRequested,)
    begins_at_head = False

    def __init__(self, bus: Bus, warehouse: Warehouse, *, retention_days: float) -> None:
        self._bus, self._warehouse = bus, warehouse
        self._retention_days = retention_days
        self._task: asyncio.Task[None] | None = None
        self._tries = Tries()
        self.progress: Progress | None = None

    @property
    def problem(self) -> str | None:
        """As the policy says."""
        return self._tries.problem

    async def recover(self) -> None:
        """What a dead process was at has failed; nothing is lost by it."""
        origin = Origin(actor="policy:upkeep", via="start", correlation="start")
        abandoned = self._tries.until_done(
            "ending of what a dead process was at",
            lambda: self._bus.send(AbandonMaintenance(), origin),
        )
        self._task = asyncio.create_task(_outcome_aside(abandoned))
        await asyncio.wait([self._task], timeout=RECOVERY_S)

    async def react(self, recorded: Recorded) -> None:
        """As the policy says. It has acted when the log says that the job is taken."""
        if self._task is not None:
            # Another job can only be asked for when the one before has ended in the log; so its
            # task is as good as done.
            await asyncio.wait([self._task])
        started = await self._send(StartMaintenance(job=recorded.position), recorded)
        if started.recorded:
            self._task = asyncio.create_task(self._carry_out(recorded))

    async def stop(self) -> None:
        """Kill the worker; at the next start the job ends as failed."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _carry_out(self, asked: Recorded) -> None:
        job = asked.position
        try:
            ending = await self._maintain(asked)
        finally:
            self.progress = None
        await self._tries.until_done(
            f"ending of maintenance {job}",
            lambda: self._send(EndMaintenance(ending=ending), asked),
        )

    async def _maintain(
        self, asked: Recorded
    ) -> upkeep.MaintenanceCompleted | upkeep.MaintenanceFailed:
        job = asked.position
        task = Maintain(job=job, author=asked.actor, retention_days=self._retention_days)
        try:
            done = await self._warehouse.maintain(task, self._on_progress)
        except WorkFailed as error:
            return upkeep.MaintenanceFailed(job=job, reason=error.reason)
        except Exception:  # noqa: BLE001 - a job that a bug met must not stay open
            _log.exception("maintenance %s met a defect", job)
            return upkeep.MaintenanceFailed(job=job, reason=BUG)
        return upkeep.MaintenanceCompleted(
            job=job,
            snapshot=done.snapshot,
            oldest_snapshot=done.oldest_snapshot,
            files_merged=done.files_merged,
            snapshots_expired=done.snapshots_expired,
            files_removed=done.files_removed,
        )

    async def _send(self, command: Command, asked: Recorded) -> Outcome:
        origin = Origin(
            actor="policy:upkeep", via="policy", correlation=asked.correlation, causation=asked.id
        )
        return await self._bus.send(command, origin)

    def _on_progress(self, progress: Progress) -> None:
        self.progress = progress


async def _outcome_aside(work: Awaitable[Outcome]) -> None:
    await work
