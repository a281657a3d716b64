"""The list of what is in a backup; a backup without one is none."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final

import msgspec

from infra.backups.places import Place
from infra.backups.sealing import MAGIC, BackupDamaged, BackupKeyUnusable, seal, unseal

NAME: Final = "manifest"
FORMAT: Final = 1
BYTES_MAX: Final = 1024**3
BACKUP: Final = re.compile(r"[a-z0-9_]{1,60}-[0-9]{8}T[0-9]{6}Z-[0-9]{1,18}")
NO_KEY: Final = "the backup is encrypted; name its key with --key-file or DANGO_BACKUP_KEY"


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file: its path in the project, and what it is called in the backup."""

    path: str
    stored: str
    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What there is, as of which position; `hash` is the chain's up to it."""

    format: int
    project: str
    version: str
    at: str
    upto: int
    hash: str
    files: tuple[File, ...]

    @property
    def size_bytes(self) -> int:
        """Of all files together."""
        return sum(file.size_bytes for file in self.files)


def write(place: Place, backup: str, manifest: Manifest, key: bytes | None) -> str:
    """Write it behind all files; its digest."""
    data = msgspec.json.encode(manifest)
    blocks: Iterable[bytes] = (data,) if key is None else seal(key, NAME, (data,))
    place.write(f"{backup}/{NAME}", blocks)
    return hashlib.sha256(data).hexdigest()


def read(place: Place, backup: str, key: bytes | None) -> tuple[Manifest, bytes | None, str]:
    """The manifest, the key if the backup is sealed, and the manifest's digest.

    Raises BackupDamaged, BackupKeyUnusable, WorkFailed.
    """
    try:
        stored = _bounded(place.read(f"{backup}/{NAME}"))
    except OSError:
        raise BackupDamaged(f"{backup} has no manifest: there is no whole backup") from None
    sealed = stored.startswith(MAGIC)
    if sealed and key is None:
        raise BackupKeyUnusable(NO_KEY)
    used = key if sealed else None
    data = stored if used is None else b"".join(unseal(used, NAME, (stored,)))
    try:
        found = msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise BackupDamaged(f"the manifest of {backup} cannot be read") from None
    if found.format != FORMAT:
        raise BackupDamaged(f"{backup} is of a format that this version does not read")
    for file in found.files:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in file.path:
            raise BackupDamaged(f"the manifest of {backup} names a path outside of the project")
    return found, used, hashlib.sha256(data).hexdigest()


def contents(place: Place, backup: str, file: File, key: bytes | None) -> Iterator[bytes]:
    """A file's blocks, proved at their end. Raises BackupDamaged."""
    stored = place.read(f"{backup}/{file.stored}")
    blocks = stored if key is None else unseal(key, file.stored, stored)
    digest, size = hashlib.sha256(), 0
    try:
        for block in blocks:
            digest.update(block)
            size += len(block)
            yield block
    except FileNotFoundError:
        raise BackupDamaged(f"{file.path} is missing in {backup}") from None
    if (digest.hexdigest(), size) != (file.sha256, file.size_bytes):
        raise BackupDamaged(f"{file.path} is not what was backed up")


def whole(place: Place, prefix: str) -> list[str]:
    """The whole backups whose names begin like this, oldest first."""
    found = (path.split("/") for path in place.paths(prefix))
    return sorted(
        (parts[0] for parts in found if parts[1:] == [NAME] and BACKUP.fullmatch(parts[0])),
        key=lambda name: name.rsplit("-", 2)[1:],
    )


def _bounded(blocks: Iterator[bytes]) -> bytes:
    found = bytearray()
    for block in blocks:
        found += block
        if len(found) > BYTES_MAX:
            raise BackupDamaged("the manifest is larger than any can be")
    return bytes(found)
