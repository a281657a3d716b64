"""`dango backup`: made through the project, proved and restored without one."""

import argparse
import asyncio
from pathlib import Path
from typing import Final

from api.cli.client import Api
from api.cli.command import Command, arg
from api.cli.output import Output, number
from api.cli.world import BackupProved, Refusal, World

ENDED: Final = (
    "API keys and the deploy token end too, since those revoked after the backup would be good"
    " again: make new ones. To keep them: --keep-keys."
)
KEPT: Final = "API keys and the deploy token stay: revoke what was revoked after the backup."


async def create(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Make one, and wait for it."""
    job = (await api.post("/api/backups", {"to": _absolute(given.to)}))["job_id"]
    found = await api.ended("/api/backups", "backups", job)
    if given.json:
        out.json(found)
    if found["status"] == "failed":
        raise Refusal(found["error"])
    if not given.json:
        size, files = number(found["size_bytes"]), number(found["files"])
        out.line(f"{found['place'].rstrip('/')}/{found['backup']}")
        out.line(f"  up to event {number(found['upto'])}, {files} files, {size} bytes")
        if not found["encrypted"]:
            out.note("It is not encrypted: set backups.key_file, or DANGO_BACKUP_KEY.")
        out.note("The master key is not in it. Keep that apart.")
    return 0


def _absolute(to: str | None) -> str | None:
    """The server works in another folder than who asks."""
    return to if to is None or "://" in to else str(Path(to).absolute())


async def every(given: argparse.Namespace, api: Api, out: Output) -> int:
    """List them."""
    listed = (await api.get("/api/backups"))["backups"]
    if given.json:
        out.json(listed)
        return 0
    columns = ("status", "requested_at", "upto", "size_bytes", "backup", "error")
    out.table(columns, [[each[name] for name in columns] for each in listed])
    return 0


async def verify(given: argparse.Namespace, world: World, out: Output) -> int:
    """Read and prove every file of a backup."""
    found = await asyncio.to_thread(world.verify_backup, given.backup, given.key_file)
    _told(found, given, out, "is whole")
    return 0


async def restore(given: argparse.Namespace, world: World, out: Output) -> int:
    """Make the project again."""
    root = world.root(given.dir)
    settings = None if given.settings is None else Path(given.settings)
    found = await asyncio.to_thread(
        world.restore_backup,
        given.backup,
        root,
        given.key_file,
        settings,
        keep_keys=given.keep_keys,
    )
    _told(found, given, out, f"was restored to {root}")
    if not given.json:
        key = root / ".dango" / "master.key"
        out.note(f"Put the master key back as {key} (mode 0600), then: dango serve.")
        out.note("The first start ends all sessions, invitations and offered resets.")
        out.note(KEPT if given.keep_keys else ENDED)
    return 0


def _told(found: BackupProved, given: argparse.Namespace, out: Output, what: str) -> None:
    if given.json:
        out.json(found._asdict())
        return
    out.line(f"{found.backup} {what}.")
    size, files = number(found.size_bytes), number(found.files)
    out.line(f"  up to event {number(found.upto)}, {files} files, {size} bytes")
    out.line(f"  hash of the chain  {found.hash}")


_OF_BACKUP: Final = (
    arg("backup", metavar="BACKUP", help="a backup, or a place for its newest one"),
    arg("--key-file", metavar="FILE", help="the key of an encrypted one (DANGO_BACKUP_KEY)"),
)
ROWS: Final[tuple[Command, ...]] = (
    Command(
        "backup create",
        "make a backup of log, vault, warehouse and project, while everything runs",
        "dango backup create --to /mnt/backups",
        create,
        (arg("--to", metavar="PLACE", help="a folder, or s3://bucket/folder (backups.to)"),),
        policies=True,
    ),
    Command(
        "backup list",
        "list backups that were made, and that failed",
        "dango backup list",
        every,
    ),
    Command(
        "backup verify",
        "read and prove every file of a backup, or of the newest of a place",
        "dango backup verify /mnt/backups",
        verify,
        _OF_BACKUP,
        local=True,
        project=False,
    ),
    Command(
        "backup restore",
        "make a project of a backup, in a folder that is empty or not there",
        "dango backup restore /mnt/backups shop",
        restore,
        (
            *_OF_BACKUP,
            arg("dir", metavar="DIR", help="the folder of the project"),
            arg(
                "--settings",
                metavar="FILE",
                help="a project.yml for this machine, in place of that in the backup",
            ),
            arg(
                "--keep-keys",
                action="store_true",
                help="API keys and the deploy token stay good, those revoked since the backup too",
            ),
        ),
        local=True,
        project=False,
    ),
)
