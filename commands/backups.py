"""The intents around backups, and what makes one: `infra` has it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol, assert_never

import msgspec

from commands.kernel import Command
from commands.ports import OnProgress
from domain import backups
from domain.kernel import Decider, Event


class RequestBackup(Command, frozen=True, kw_only=True):
    """Make a backup at this place."""

    to: str
    due_at: datetime | None = None


class StartBackup(Command, frozen=True, kw_only=True):
    """A worker is at hand for this job."""

    job: int


class EndBackup(Command, frozen=True, kw_only=True):
    """It has ended like this."""

    ending: backups.BackupMade | backups.BackupFailed


class AbandonBackup(Command, frozen=True, kw_only=True):
    """The process that was at it is gone."""


class RecordRestore(Command, frozen=True, kw_only=True):
    """The project was made of this backup."""

    told: backups.BackupRestored


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A backup as it lies at its place."""

    backup: str
    upto: int
    files: int
    size_bytes: int
    encrypted: bool
    digest: str
    removed: tuple[str, ...] = ()


class BackupMaker(Protocol):
    """Makes backups while everything runs. Cancelling an awaiting task kills its worker."""

    async def make(self, to: str, on_progress: OnProgress) -> Made:
        """Make one. Raises WorkFailed."""
        ...


BackupCommand = RequestBackup | StartBackup | EndBackup | AbandonBackup | RecordRestore


def decide(state: backups.Backups, command: BackupCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case RequestBackup():
            wanted = backups.BackupRequested(to=command.to, due_at=command.due_at)
            return backups.request(state, wanted)
        case StartBackup():
            return backups.start(state, command.job)
        case EndBackup():
            return backups.end(state, command.ending)
        case AbandonBackup():
            return backups.abandon(state)
        case RecordRestore():
            return backups.restored(state, command.told)
        case _:
            assert_never(command)


_DECIDER: Final = Decider(
    initial=backups.Backups(),
    boundary=lambda _: backups.boundary(),
    evolve=backups.evolve,
    decide=decide,
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    RequestBackup: _DECIDER,
    StartBackup: _DECIDER,
    EndBackup: _DECIDER,
    AbandonBackup: _DECIDER,
    RecordRestore: _DECIDER,
}
