"""New keys of the vault that were asked for are made, and all is sealed anew."""

from collections.abc import Callable

from commands.kernel import Bus, Command
from commands.policies.jobs import JobPolicy
from commands.ports import Progress
from commands.vault import EndVaultRotation, VaultKeys
from domain import vault
from domain.kernel import Event, Recorded


class VaultPolicy(JobPolicy):
    """One rotation at a time, beside everything else."""

    name, what = "vault", "rotation"
    types: tuple[type[Event], ...] = (vault.VaultRotationRequested,)
    begins_at_head = True

    def __init__(
        self,
        bus: Bus,
        keys: VaultKeys,
        *,
        unended: Callable[[], Recorded | None],
        monotonic: Callable[[], float],
        show: Callable[[int, Progress], None],
    ) -> None:
        """`unended` is the request of the job that is open, if one is."""
        super().__init__(bus)
        self._keys, self._unended = keys, unended
        self._monotonic, self._show = monotonic, show

    async def recover(self) -> None:
        """What a dead process was at is begun anew: it goes on where it was."""
        if (left := self._unended()) is not None:
            self.begin(left)

    async def react(self, recorded: Recorded) -> None:
        """As the policy says. What has ended since it was asked for is not done again."""
        left = self._unended()
        if left is not None and left.position == recorded.position:
            self.begin(recorded)

    async def work(self, asked: Recorded) -> Command:
        """As the policy says."""
        begun, wanted, job = self._monotonic(), asked.event, asked.position
        assert isinstance(wanted, vault.VaultRotationRequested)  # noqa: S101 - tells the type

        def tell(progress: Progress) -> None:
            self.on_progress(progress)
            self._show(job, progress)

        done = await self._keys.rotate(job, master=wanted.master, on_progress=tell)
        return EndVaultRotation(
            ending=vault.VaultRotated(
                job=job,
                key_id=done.key_id,
                rows=done.rows,
                master=wanted.master,
                duration_s=round(self._monotonic() - begun, 3),
            )
        )

    def failed(self, asked: Recorded, reason: str) -> Command:
        """As the policy says."""
        ending = vault.VaultRotationFailed(job=asked.position, reason=reason)
        return EndVaultRotation(ending=ending)
