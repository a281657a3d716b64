"""Backups: asked for by somebody or the clock, made one at a time, told with what can prove them.

A backup holds the log, the vault beside it, the catalogue and the data as of one position. The log
in it ends while its own job runs; so that job is open in a project that was restored from it, and
has not failed: the backup is there. No key and no credentials of a place stand in an event.

What was revoked or used since the backup was made, its log does not know. So a restore ends what
lets somebody in without a password: sessions, partial sessions, what is known of networks and
devices, and links; API keys and the deploy token too, unless whoever restores says that they stay.
Each capability draws that conclusion by itself, with `restores()` in its boundary.
"""

from datetime import datetime
from typing import ClassVar, Final

import msgspec
from msgspec.structs import replace

from domain.kernel import Boundary, Event, Recorded, Refused, about

TAG: Final = "backups"
STOPPED: Final = "The server stopped while it was going on."


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _BackupEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "platform.manage"

    def stream(self) -> str:
        return TAG


class BackupRequested(_BackupEvent, frozen=True, kw_only=True, tag="backup_requested"):
    """Somebody, or the clock, wants a backup. Its position is the job's id."""

    to: str  # a folder, or s3://bucket/folder
    due_at: datetime | None = None  # the moment of the time table, when the clock asks


class BackupStarted(_BackupEvent, frozen=True, kw_only=True, tag="backup_started"):
    """A worker is at it."""

    job: int


class BackupMade(_BackupEvent, frozen=True, kw_only=True, tag="backup_made"):
    """A backup lies there. All events up to `upto` are in it."""

    job: int
    backup: str  # what it is called at its place
    upto: int
    files: int
    size_bytes: int
    encrypted: bool
    digest: str  # SHA-256 of its manifest, which has that of each file
    duration_s: float = 0.0
    removed: tuple[str, ...] = ()  # older ones that were to be kept no longer


class BackupFailed(_BackupEvent, frozen=True, kw_only=True, tag="backup_failed"):
    """It ended without a backup; what older ones there are was left alone."""

    job: int
    reason: str


class BackupRestored(_BackupEvent, frozen=True, kw_only=True, tag="backup_restored"):
    """The project was made of a backup: the log up to here is that of the one in it.

    All sessions, partial sessions, known devices, invitations and offered resets end.
    """

    job: int | None = None  # that made the backup, if the log tells of one
    backup: str
    made_at: datetime
    upto: int
    files: int
    size_bytes: int
    encrypted: bool
    digest: str
    keys_ended: bool = False  # API keys and the deploy token too; of before that was told: no


EVENTS: Final[tuple[type[Event], ...]] = (
    BackupRequested,
    BackupStarted,
    BackupMade,
    BackupFailed,
    BackupRestored,
)
Ending = BackupMade | BackupFailed


class Backups(msgspec.Struct, frozen=True):
    """The job that has not ended, whether somebody is at it, and how far the clock was followed.

    `restored` is the digest of the backup that the project was restored from last.
    """

    open: int | None = None
    running: bool = False
    due_at: datetime | None = None
    restored: str | None = None


def evolve(state: Backups, recorded: Recorded) -> Backups:
    """Fold one event."""
    match recorded.event:
        case BackupRequested(due_at=at):
            return replace(state, open=recorded.position, running=False, due_at=at or state.due_at)
        case BackupStarted(job=job):
            return replace(state, open=job, running=True)
        case BackupMade() | BackupFailed():
            return replace(state, open=None, running=False)
        case BackupRestored(job=job, digest=digest):
            # What another job waited for is as it was.
            ended = job is not None and job == state.open
            left = replace(state, open=None, running=False) if ended else state
            return replace(left, restored=digest)
        case _:
            return state


def boundary() -> Boundary:
    """All backups."""
    return about(TAG)


def restores() -> Boundary:
    """The restores alone: what a boundary adds in which something ends with them."""
    return about(TAG, types=(BackupRestored,))


def request(state: Backups, wanted: BackupRequested) -> list[Event]:
    """Ask for one. A moment of the clock leads to one at most. Raises BackupRunning."""
    if wanted.due_at is not None:
        followed = state.due_at is not None and state.due_at >= wanted.due_at
        return [] if followed or state.open is not None else [wanted]
    if state.open is not None:
        raise BackupRunning(state.open)
    return [wanted]


def start(state: Backups, job: int) -> list[Event]:
    """Take the job; nothing, when it has ended or was taken already."""
    return [BackupStarted(job=job)] if state.open == job and not state.running else []


def end(state: Backups, ending: Ending) -> list[Event]:
    """End the running job, once."""
    return [ending] if state.open == ending.job and state.running else []


def restored(state: Backups, told: BackupRestored) -> list[Event]:
    """Tell once what the project was restored from, and which job made that.

    What is going on in its log is the making of that very backup, and is done: one is made at a
    time, and the log was copied meanwhile.
    """
    if told.digest == state.restored:
        return []
    made = state.running and state.open is not None and state.open <= told.upto
    return [replace(told, job=state.open if made else None)]


def abandon(state: Backups) -> list[Event]:
    """Nobody is at it any more. What was only asked for can still be carried out."""
    if state.open is None or not state.running:
        return []
    return [BackupFailed(job=state.open, reason=STOPPED)]


class BackupRunning(Refused):
    """One is going on."""

    def __init__(self, job: int) -> None:
        super().__init__(f"A backup is being made already (job {job}).", job_id=job)
