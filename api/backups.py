"""Backups: which there are, and making one now."""

from typing import Annotated, Final

import msgspec

from api.call import Call
from api.callers import OWNER
from api.errors import Denied
from commands.backups import RequestBackup
from projections import backups

SHOWN_MAX: Final = 200
NOWHERE: Final = "project.yml names no place for backups; set backups.to."
ELSEWHERE: Final = "Only the owner of the project, at its command line, may name another place."


class BackupBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to; the place of project.yml when nothing is said."""

    to: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)] | None = None


class BackupJob(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was asked for."""

    status: str
    job_id: int


class BackupsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The newest first."""

    backups: list[backups.Backup]


async def list_backups(call: Call) -> BackupsAnswer:
    """List backups, made and failed, newest first."""
    return BackupsAnswer(backups=backups.newest(call.views, SHOWN_MAX))


async def make_backup(call: Call, data: BackupBody | None = None) -> BackupJob:
    """Make a backup now, while everything runs."""
    to = call.platform.settings.backups_to
    if data is not None and data.to is not None:
        if call.caller.via != OWNER:
            raise Denied(403, ELSEWHERE)
        to = data.to
    if to is None:
        raise Denied(409, NOWHERE)
    outcome = await call.send(RequestBackup(to=to))
    return BackupJob(status="started", job_id=outcome.recorded[0].position)
