"""Writing down how full the disk is."""

from collections.abc import Sequence
from typing import Any, Final

from commands.kernel import Command
from domain import disks
from domain.kernel import Decider, Event


class MeasureDisk(Command, frozen=True, kw_only=True):
    """The disk was looked at, and this is what lies on it."""

    measured: disks.DiskMeasured


def decide(state: disks.Disk, command: MeasureDisk) -> Sequence[Event]:
    """Choose the decision."""
    return disks.measure(state, command.measured)


DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    MeasureDisk: Decider(
        initial=disks.Disk(),
        boundary=lambda _: disks.boundary(),
        evolve=disks.evolve,
        decide=decide,
    ),
}
