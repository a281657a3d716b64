"""Proving a backup, and making a project of it again; from any machine, without a server."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from infra import durable
from infra.backups import content, manifest, note
from infra.backups.manifest import Manifest
from infra.backups.places import Place, opened
from infra.backups.sealing import BackupDamaged
from infra.backups.sealing import key as key_of
from infra.backups.staging import NotRestored, staged
from infra.backups.target import Target
from infra.configuration import project as configuration
from infra.log.verify import verify as verify_log
from infra.project import FOLDER, Project

Told = Callable[[int, int], None]  # how many files are done, of how many
SETTINGS: Final = f"{FOLDER}/project.yml"


class Proved(NamedTuple):
    """A backup whose files and whose log are as they were written."""

    backup: str
    upto: int
    hash: str
    files: int
    size_bytes: int
    encrypted: bool
    digest: str


def find(at: str) -> tuple[Place, str]:
    """The place and the name of a backup, from its address; the newest one of a whole place.

    Raises NotRestored.
    """
    at = at.rstrip("/")
    folder, _, name = at.rpartition("/")
    if manifest.BACKUP.fullmatch(name):
        return opened(folder or ".", None), name
    place = opened(at, None)
    names = manifest.whole(place, "")
    if not names:
        raise NotRestored(f"there is no backup at {at}")
    return place, max(names, key=lambda each: each.rsplit("-", 2)[1:])


def prove(at: str, key_file: str | None, temp: Path, told: Told) -> Proved:
    """Read every file, and walk the chain of the log. Raises BackupDamaged, NotRestored."""
    place, backup = find(at)
    found, key, digest = manifest.read(place, backup, key_of(key_file))
    for number, file in enumerate(found.files):
        blocks = manifest.contents(place, backup, file, key)
        if file.path in (content.LOG, content.CATALOG):
            target = temp / Path(file.path).name
            with target.open("wb") as out:
                out.writelines(blocks)
        else:
            for _ in blocks:
                continue
        told(number + 1, len(found.files))
    _prove(found, temp / Path(content.LOG).name, temp / Path(content.CATALOG).name)
    return _proved(backup, found, digest, encrypted=key is not None)


def restore(
    at: str,
    root: Path,
    key_file: str | None,
    told: Told,
    settings: Path | None = None,
    *,
    keep_keys: bool = False,
) -> Proved:
    """Make the project again in a folder that is empty or not there.

    Log and warehouse go where its project.yml says; `settings` is one to take in its place. The
    folder gets its name when everything is there and proved. The first start ends all sessions and
    links, and API keys and the deploy token unless they are kept. Raises BackupDamaged,
    BackupKeyUnusable, NotMoved, NotRestored, OSError, ProjectInUse, Unreadable, WorkFailed.
    """
    place, backup = find(at)
    found, key, digest = manifest.read(place, backup, key_of(key_file))
    chosen = None if settings is None else settings.read_bytes()
    root = root.absolute()
    with staged(root) as folder:
        stage = Project(folder)
        files = {file.path: file for file in found.files}
        own = files.pop(SETTINGS, None)
        if own is not None:
            proved = b"".join(manifest.contents(place, backup, own, key))
            chosen = proved if chosen is None else chosen
        if chosen is not None:
            durable.write(folder / SETTINGS, [chosen])
        target = Target(stage, root, configuration.read_storage(stage.folder))
        target.check(list(files))
        _room(folder, sum(f.size_bytes for f in files.values() if not target.elsewhere(f.path)))
        for number, file in enumerate(files.values()):
            target.write(file.path, manifest.contents(place, backup, file, key))
            told(number + 1, len(files))
        _prove(found, stage.events, stage.catalog)
        stage.events.chmod(0o600)
        sealed = key is not None
        note.write(stage.restored, backup, found, digest, encrypted=sealed, keep_keys=keep_keys)
        target.carry_out()
    return _proved(backup, found, digest, encrypted=key is not None)


def _prove(found: Manifest, log: Path, catalog: Path) -> None:
    """The log is whole up to its position, and all data is there that the catalogue names."""
    try:
        proof = verify_log(log)
    except sqlite3.Error as error:
        raise BackupDamaged(f"the log cannot be read ({error})") from None
    if not proof.ok:
        raise BackupDamaged(f"the log is damaged at {proof.position}: {proof.problem}")
    if (proof.head, proof.hash) != (found.upto, found.hash):
        raise BackupDamaged("the log is not the one that the manifest tells of")
    if catalog.exists():
        there = {file.path for file in found.files}
        for name in content.data_files(catalog):
            if f"{content.DATA}/{name}" not in there:
                raise BackupDamaged(f"{content.DATA}/{name} is not in the backup")


def _room(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise NotRestored(f"{folder.parent} has {free} bytes left, and the backup needs {wanted}")


def _proved(backup: str, found: Manifest, digest: str, *, encrypted: bool) -> Proved:
    size = found.size_bytes
    return Proved(backup, found.upto, found.hash, len(found.files), size, encrypted, digest)
