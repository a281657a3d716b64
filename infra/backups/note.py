"""What a restore leaves for the first start of the project: which backup it was made of.

A restore has no key, so it opens no log for writing; the first process that does tells it there.
The note is beside the log before that has its name, and goes when it is told. What ends with a
restore hangs on it: a project whose note cannot be read is not opened.
"""

import logging
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from commands.backups import RecordRestore
from commands.kernel import Bus, Origin
from domain.backups import BackupRestored
from infra import durable
from infra.backups.manifest import Manifest

ORIGIN: Final = Origin(actor="system:backups", via="start", correlation="start")

_log = logging.getLogger("dango.backups")


class NoteUnreadable(Exception):
    """It is there, and nobody can say what it says."""


class NoteUntold(Exception):
    """What ends with the restore cannot be ended yet."""


def write(
    path: Path, backup: str, found: Manifest, digest: str, *, encrypted: bool, keep_keys: bool
) -> None:
    """Bring it to the disk; its name is on the caller."""
    restored = BackupRestored(
        backup=backup,
        made_at=datetime.fromisoformat(found.at),
        upto=found.upto,
        files=len(found.files),
        size_bytes=found.size_bytes,
        encrypted=encrypted,
        digest=digest,
        keys_ended=not keep_keys,
    )
    durable.write(path, [msgspec.json.encode(restored)])


def refuse(path: Path, broken: Exception) -> None:
    """Views that are mended later would let in for a moment what the restore is to end.

    Raises NoteUntold, if there is a note.
    """
    if path.exists():
        raise NoteUntold(f"the views of this restored project cannot be built: {broken}")


async def tell(path: Path, bus: Bus) -> None:
    """Record what the project was restored from, if that is still to be told.

    Raises NoteUnreadable.
    """
    if (told := _read(path)) is None:
        return
    await bus.send(RecordRestore(told=told), ORIGIN)
    try:
        path.unlink()  # noqa: ASYNC240 - one call at start
    except OSError as error:  # it is told once more, and that changes nothing
        _log.warning("%s cannot be removed (%s)", path, type(error).__name__)


def _read(path: Path) -> BackupRestored | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=BackupRestored)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise NoteUnreadable(
            f"{path} cannot be read ({type(error).__name__}); it says what the project was restored"
            " from, so that what was revoked since is not good again: restore it once more"
        ) from None
