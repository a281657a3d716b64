"""Keeping the warehouse in shape: files merged, snapshots expired, one round at once."""

from typing import ClassVar, Final

import msgspec

from domain.kernel import Boundary, Event, Recorded, Refused, about

TAG: Final = "upkeep"


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _UpkeepEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "health.view"

    def stream(self) -> str:
        return TAG


class MaintenanceRequested(_UpkeepEvent, frozen=True, kw_only=True, tag="maintenance_requested"):
    """Somebody, or the clock, wants the warehouse maintained. Its position is the job's id."""


class MaintenanceStarted(_UpkeepEvent, frozen=True, kw_only=True, tag="maintenance_started"):
    """A worker is at it."""

    job: int


class MaintenanceCompleted(_UpkeepEvent, frozen=True, kw_only=True, tag="maintenance_completed"):
    """What was done. Snapshots before the retention can no longer be looked at."""

    job: int
    snapshot: int
    oldest_snapshot: int | None = None  # that is left: data of before cannot be asked for
    files_merged: int
    snapshots_expired: int
    files_removed: int


class MaintenanceFailed(_UpkeepEvent, frozen=True, kw_only=True, tag="maintenance_failed"):
    """It ended without a result; nothing is lost."""

    job: int
    reason: str


EVENTS: Final[tuple[type[Event], ...]] = (
    MaintenanceRequested,
    MaintenanceStarted,
    MaintenanceCompleted,
    MaintenanceFailed,
)


class Upkeep(msgspec.Struct, frozen=True):
    """The job that has not ended, and whether somebody is at it."""

    open: int | None = None
    running: bool = False


def evolve(state: Upkeep, recorded: Recorded) -> Upkeep:
    """Fold one event."""
    match recorded.event:
        case MaintenanceRequested():
            return Upkeep(recorded.position)
        case MaintenanceStarted(job=job):
            return Upkeep(job, running=True)
        case MaintenanceCompleted() | MaintenanceFailed():
            return Upkeep()
        case _:
            return state


def boundary() -> Boundary:
    """All upkeep."""
    return about(TAG)


def request(state: Upkeep) -> list[Event]:
    """Ask for it. Raises MaintenanceRunning."""
    if state.open is not None:
        raise MaintenanceRunning(state.open)
    return [MaintenanceRequested()]


def start(state: Upkeep, job: int) -> list[Event]:
    """Take the job; nothing, when it has ended or was taken already."""
    return [MaintenanceStarted(job=job)] if state == Upkeep(job) else []


def end(state: Upkeep, ending: MaintenanceCompleted | MaintenanceFailed) -> list[Event]:
    """End the running job, once."""
    return [ending] if state == Upkeep(ending.job, running=True) else []


def abandon(state: Upkeep) -> list[Event]:
    """Nobody is at it any more. What was only asked for can still be carried out."""
    if state.open is None or not state.running:
        return []
    return [MaintenanceFailed(job=state.open, reason="The server stopped while it was going on.")]


class MaintenanceRunning(Refused):
    """One is going on."""

    def __init__(self, job: int) -> None:
        super().__init__(f"The warehouse is being maintained already (job {job}).", job_id=job)
