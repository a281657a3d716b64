"""Backups that were asked for are made."""

from collections.abc import Callable

import msgspec

from commands.backups import AbandonBackup, BackupMaker, EndBackup, StartBackup
from commands.kernel import Bus, Command
from commands.policies.jobs import JobPolicy
from domain import backups
from domain.kernel import Event, Recorded


class BackupPolicy(JobPolicy):
    """One backup at a time, beside everything else."""

    name, what = "backups", "backup"
    types: tuple[type[Event], ...] = (backups.BackupRequested,)
    begins_at_head = True

    def __init__(
        self,
        bus: Bus,
        maker: BackupMaker,
        *,
        waiting: Callable[[], Recorded | None],
        monotonic: Callable[[], float],
    ) -> None:
        """`waiting` is the request that nobody has taken."""
        super().__init__(bus)
        self._maker, self._waiting, self._monotonic = maker, waiting, monotonic

    async def recover(self) -> None:
        """What a dead process was at has failed; what was only asked for is begun."""
        await self.abandon(AbandonBackup())
        if (left := self._waiting()) is not None:
            await self.react(left)

    async def react(self, recorded: Recorded) -> None:
        """As the policy says. It has acted when the log says that the job is taken."""
        await self.take(StartBackup(job=recorded.position), recorded)

    async def work(self, asked: Recorded) -> Command:
        """As the policy says."""
        begun, wanted = self._monotonic(), asked.event
        assert isinstance(wanted, backups.BackupRequested)  # noqa: S101 - tells the type
        made = await self._maker.make(wanted.to, self.on_progress)
        return EndBackup(
            ending=backups.BackupMade(
                job=asked.position,
                duration_s=round(self._monotonic() - begun, 3),
                **msgspec.structs.asdict(made),
            )
        )

    def failed(self, asked: Recorded, reason: str) -> Command:
        """As the policy says."""
        return EndBackup(ending=backups.BackupFailed(job=asked.position, reason=reason))
