"""Maintenance that was asked for is carried out."""

import asyncio
import logging

from commands.kernel import Bus, Origin
from commands.ports import Maintain, Progress, Warehouse, WorkFailed
from commands.upkeep import AbandonMaintenance, EndMaintenance
from domain import upkeep
from domain.kernel import Event, Recorded

_log = logging.getLogger("dango.upkeep")


class UpkeepPolicy:
    """One maintenance at a time, beside everything else."""

    name = "upkeep"
    begins_at_head = False
    types: tuple[type[Event], ...] = (upkeep.MaintenanceRequested,)

    def __init__(self, bus: Bus, warehouse: Warehouse, *, retention_days: float) -> None:
        self._bus, self._warehouse = bus, warehouse
        self._retention_days = retention_days
        self._task: asyncio.Task[None] | None = None
        self.progress: Progress | None = None

    async def recover(self) -> None:
        """What a dead process was at has failed; nothing is lost by it."""
        origin = Origin(actor="policy:upkeep", via="start", correlation="start")
        await self._bus.send(AbandonMaintenance(), origin)

    async def react(self, recorded: Recorded) -> None:
        """As the policy says."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._carry_out(recorded))

    async def stop(self) -> None:
        """Kill the worker; at the next start the job ends as failed."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _carry_out(self, asked: Recorded) -> None:
        job = asked.position
        task = Maintain(job=job, author=asked.actor, retention_days=self._retention_days)
        ending: upkeep.MaintenanceCompleted | upkeep.MaintenanceFailed
        try:
            done = await self._warehouse.maintain(task, self._on_progress)
        except WorkFailed as error:
            ending = upkeep.MaintenanceFailed(job=job, reason=error.reason)
        else:
            ending = upkeep.MaintenanceCompleted(
                job=job,
                snapshot=done.snapshot,
                files_merged=done.files_merged,
                snapshots_expired=done.snapshots_expired,
                files_removed=done.files_removed,
            )
        finally:
            self.progress = None
        origin = Origin(
            actor="policy:upkeep", via="policy", correlation=asked.correlation, causation=asked.id
        )
        await self._bus.send(EndMaintenance(ending=ending), origin)

    def _on_progress(self, progress: Progress) -> None:
        self.progress = progress
