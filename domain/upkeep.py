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


class MaintenanceCompleted(_UpkeepEvent, frozen=True, kw_only=True, tag="maintenance_completed"):
    """What was done. Snapshots before the retention can no longer be looked at."""

    job: int
    snapshot: int
    files_merged: int
    snapshots_expired: int
    files_removed: int


class MaintenanceFailed(_UpkeepEvent, frozen=True, kw_only=True, tag="maintenance_failed"):
    """It ended without a result; nothing is lost."""

    job: int
    reason: str


EVENTS: Final[tuple[type[Event], ...]] = (
    MaintenanceRequested,
    MaintenanceCompleted,
    MaintenanceFailed,
)


class Upkeep(msgspec.Struct, frozen=True):
    """The job that has not ended."""

    open: int | None = None


def evolve(state: Upkeep, recorded: Recorded) -> Upkeep:
    """Fold one event."""
    match recorded.event:
        case MaintenanceRequested():
            return Upkeep(recorded.position)
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


def end(state: Upkeep, ending: MaintenanceCompleted | MaintenanceFailed) -> list[Event]:
    """End the open job, once."""
    return [ending] if state.open == ending.job else []


def abandon(state: Upkeep) -> list[Event]:
    """Nobody is at it any more."""
    if state.open is None:
        return []
    return [MaintenanceFailed(job=state.open, reason="The server stopped while it was going on.")]


class MaintenanceRunning(Refused):
    """One is going on."""

    def __init__(self, job: int) -> None:
        super().__init__(f"The warehouse is being maintained already (job {job}).", job_id=job)
