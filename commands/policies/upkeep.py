"""Maintenance that was asked for is carried out."""

from commands.kernel import Bus, Command
from commands.policies.jobs import JobPolicy
from commands.ports import Maintain, Warehouse
from commands.upkeep import AbandonMaintenance, EndMaintenance, StartMaintenance
from domain import upkeep
from domain.kernel import Event, Recorded


class UpkeepPolicy(JobPolicy):
    """One maintenance at a time, beside everything else."""

    name, what = "upkeep", "maintenance"
    types: tuple[type[Event], ...] = (upkeep.MaintenanceRequested,)
    begins_at_head = False

    def __init__(self, bus: Bus, warehouse: Warehouse, *, retention_days: float) -> None:
        super().__init__(bus)
        self._warehouse, self._retention_days = warehouse, retention_days

    async def recover(self) -> None:
        """What a dead process was at has failed; nothing is lost by it."""
        await self.abandon(AbandonMaintenance())

    async def react(self, recorded: Recorded) -> None:
        """As the policy says. It has acted when the log says that the job is taken."""
        await self.take(StartMaintenance(job=recorded.position), recorded)

    async def work(self, asked: Recorded) -> Command:
        """As the policy says."""
        job = asked.position
        task = Maintain(job=job, author=asked.actor, retention_days=self._retention_days)
        done = await self._warehouse.maintain(task, self.on_progress)
        return EndMaintenance(
            ending=upkeep.MaintenanceCompleted(
                job=job,
                snapshot=done.snapshot,
                oldest_snapshot=done.oldest_snapshot,
                files_merged=done.files_merged,
                snapshots_expired=done.snapshots_expired,
                files_removed=done.files_removed,
            )
        )

    def failed(self, asked: Recorded, reason: str) -> Command:
        """As the policy says."""
        return EndMaintenance(ending=upkeep.MaintenanceFailed(job=asked.position, reason=reason))
