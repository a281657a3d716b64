"""What a source publishes is looked through for personal data, beside everything else."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from commands.inspecting import Inspect, Inspector
from commands.kernel import Bus, Command
from commands.pii import EndPiiScan, RequestPiiScan
from commands.policies.jobs import JobPolicy
from domain import pii, syncs
from domain.kernel import Event, Recorded, Refused

_log = logging.getLogger("dango.pii")


class PiiPolicy(JobPolicy):
    """Asks for scans of what was published, and carries out those that were asked for."""

    name, what = "pii", "scan"
    types: tuple[type[Event], ...] = (syncs.SyncCompleted, pii.PiiScanRequested, pii.PiiScanned)
    begins_at_head = True  # nobody waits for scans of what was published long ago

    def __init__(
        self,
        bus: Bus,
        warehouse: Inspector,
        *,
        request: Callable[[int], Recorded | None],
        open_scans: Callable[[], Sequence[int]],
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(bus)
        self._warehouse, self._clock = warehouse, clock
        self._request, self._open_scans = request, open_scans

    async def recover(self) -> None:
        """What a dead process was at is begun anew: looking changes nothing."""
        self.begin_anew(self._open_scans(), self._request)

    async def react(self, recorded: Recorded) -> None:
        """As the policy says. What came while a scan went on is asked for when it has ended."""
        match recorded.event:
            case pii.PiiScanRequested():
                self.begin(recorded)
            case syncs.SyncCompleted(source=name) | pii.PiiScanned(source=name):
                command = RequestPiiScan(source=name, at=self._clock())
                try:
                    await self.send(command, recorded)
                except Refused as refused:
                    _log.info("not scanned: %s", refused)
            case _:
                pass

    async def work(self, asked: Recorded) -> Command:
        """As the policy says."""
        begun, wanted = self._clock(), asked.event
        assert isinstance(wanted, pii.PiiScanRequested)  # noqa: S101 - tells the type
        found = await self._warehouse.inspect(Inspect(tables=wanted.tables))
        return EndPiiScan(
            ending=pii.PiiScanned(
                source=wanted.source,
                job=asked.position,
                duration_s=round((self._clock() - begun).total_seconds(), 3),
                **msgspec.structs.asdict(found),
            )
        )

    def failed(self, asked: Recorded, reason: str) -> Command:
        """As the policy says."""
        wanted = asked.event
        assert isinstance(wanted, pii.PiiScanRequested)  # noqa: S101 - tells the type
        failed = pii.PiiScanFailed(source=wanted.source, job=asked.position, reason=reason)
        return EndPiiScan(ending=failed)
