"""Making a backup: copies first, then file after file, the manifest at last."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from commands import ports
from commands.backups import Made
from infra.backups import content, manifest
from infra.backups.places import Place, opened
from infra.backups.sealing import seal
from infra.backups.settings import Settings
from infra.modelling.project import slug
from infra.workers.desk import Desk

PREFIX: Final = "backup-"


def create(settings: Settings, desk: Desk, to: str, now: Callable[[], datetime]) -> Made:
    """Make one, and remove those that are to be kept no longer. Raises WorkFailed."""
    key = None if settings.key is None else bytes.fromhex(settings.key)
    Path(settings.temp).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=settings.temp) as folder:
        at = now()
        copied = content.copies(settings, desk, Path(folder))
        place = opened(to, settings.s3, Path(folder))
        prefix = f"{slug(settings.name)}-"
        backup = f"{prefix}{at:%Y%m%dT%H%M%SZ}-{copied.upto}"
        if place.paths(f"{backup}/"):
            raise ports.WorkFailed(f"There is a backup {backup} already.")
        try:
            parts = list(content.parts(settings, copied, to))
            files = tuple(_written(_Target(place, backup, key), parts, desk))
            told = manifest.Manifest(
                format=manifest.FORMAT,
                project=settings.name,
                version=settings.version,
                at=at.isoformat(),
                upto=copied.upto,
                hash=copied.digest,
                files=files,
            )
            digest = manifest.write(place, backup, told, key)
        except BaseException:
            _discard(place, backup)
            raise
    return Made(
        backup=backup,
        upto=told.upto,
        files=len(files),
        size_bytes=told.size_bytes,
        encrypted=key is not None,
        digest=digest,
        removed=tuple(_removed(place, prefix, settings.keep)),
    )


class _Target(NamedTuple):
    """Where the files of one backup go."""

    place: Place
    backup: str
    key: bytes | None

    def write(self, stored: str, blocks: Iterator[bytes]) -> None:
        sealed = blocks if self.key is None else seal(self.key, stored, blocks)
        self.place.write(f"{self.backup}/{stored}", sealed)


def _written(target: _Target, parts: list[content.Part], desk: Desk) -> Iterator[manifest.File]:
    for number, part in enumerate(parts):
        here = ports.Progress(phase="copying", done=number, total=len(parts), unit="files")
        desk.progress(here)
        stored, digest = f"{number:08d}", _Digest()
        try:
            target.write(stored, digest.of(part.blocks()))
        except FileNotFoundError:
            if part.path.startswith(content.DATA):
                raise ports.WorkFailed(f"{part.path} is gone; try again.") from None
            continue  # somebody has deleted a file of theirs meanwhile
        yield manifest.File(
            path=part.path, stored=stored, size_bytes=digest.size, sha256=digest.hex
        )


class _Digest:
    """Counts and digests what is read of a file."""

    def __init__(self) -> None:
        self._digest, self.size = hashlib.sha256(), 0

    @property
    def hex(self) -> str:
        return self._digest.hexdigest()

    def of(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self._digest.update(block)
            self.size += len(block)
            yield block


def _removed(place: Place, prefix: str, keep: int) -> Iterator[str]:
    """Remove older backups of this project; each loses its manifest first."""
    for backup in manifest.whole(place, prefix)[:-keep]:
        place.remove(f"{backup}/{manifest.NAME}")
        _discard(place, backup)
        yield backup


def _discard(place: Place, backup: str) -> None:
    for path in place.paths(f"{backup}/"):
        place.remove(path)
