"""The keys of the vault: changed when somebody asks for it, one change at a time.

What lies in the vault is sealed anew under a new data key while everything runs; with `master` the
master key is changed before. A change that a dead process was at is carried out again: doing it
twice only leads to a newer key. No key stands in an event, but its id does, which tells nothing.
"""

from typing import ClassVar, Final

import msgspec

from domain.kernel import Boundary, Event, Recorded, Refused, about

TAG: Final = "vault"


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _VaultEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "config.manage"

    def stream(self) -> str:
        return TAG


class VaultRotationRequested(
    _VaultEvent, frozen=True, kw_only=True, tag="vault_rotation_requested"
):
    """Somebody wants new keys. Its position is the job's id, and the number of the data key."""

    master: bool = False  # the master key too


class VaultRotated(_VaultEvent, frozen=True, kw_only=True, tag="vault_rotated"):
    """All that lies in the vault is sealed with a new data key, and older ones are gone."""

    job: int
    key_id: str
    rows: int  # that were sealed anew; what was written meanwhile had the new key already
    master: bool = False  # the master key is a new one too
    duration_s: float = 0.0


class VaultRotationFailed(_VaultEvent, frozen=True, kw_only=True, tag="vault_rotation_failed"):
    """It ended before all was sealed anew; nothing is lost, each row opens with its own key."""

    job: int
    reason: str


EVENTS: Final[tuple[type[Event], ...]] = (
    VaultRotationRequested,
    VaultRotated,
    VaultRotationFailed,
)
Ending = VaultRotated | VaultRotationFailed


class Rotations(msgspec.Struct, frozen=True):
    """The job that has not ended."""

    open: int | None = None


def evolve(state: Rotations, recorded: Recorded) -> Rotations:
    """Fold one event."""
    match recorded.event:
        case VaultRotationRequested():
            return Rotations(open=recorded.position)
        case VaultRotated() | VaultRotationFailed():
            return Rotations()
        case _:
            return state


def boundary() -> Boundary:
    """All changes of keys."""
    return about(TAG)


def request(state: Rotations, *, master: bool, given: bool) -> list[Event]:
    """Ask for new keys. `given`: the master key comes from outside, and cannot be changed here.

    Raises RotationRunning, MasterKeyGiven.
    """
    if state.open is not None:
        raise RotationRunning(state.open)
    if master and given:
        raise MasterKeyGiven
    return [VaultRotationRequested(master=master)]


def end(state: Rotations, ending: Ending) -> list[Event]:
    """End the job, once."""
    return [ending] if state.open == ending.job else []


class RotationRunning(Refused):
    """One is going on."""

    def __init__(self, job: int) -> None:
        super().__init__(f"The keys are being rotated already (job {job}).", job_id=job)


class MasterKeyGiven(Refused):
    """Who gave the master key has to change it."""

    def __init__(self) -> None:
        super().__init__(
            "The master key comes from DANGO_MASTER_KEY, which the server cannot change: set it to"
            " the new key, a comma and the old one, restart, then take the old one away."
        )
