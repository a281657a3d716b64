"""Where backups lie: a folder, or a bucket that speaks S3. Both hold files by relative paths."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

from infra import durable
from infra.warehouse.settings import S3, S3Access

BLOCK_BYTES: Final = 1024 * 1024


class Place(Protocol):
    """Files by their paths. Everything raises WorkFailed or OSError."""

    def write(self, path: str, blocks: Iterable[bytes]) -> None:
        """Bring a file there, whole or not at all, so that a power loss does not take it."""

    def read(self, path: str) -> Iterator[bytes]:
        """Give a file, block by block."""

    def paths(self, prefix: str) -> list[str]:
        """All files whose paths begin like this."""

    def remove(self, path: str) -> None:
        """Delete a file; one that is gone is no error."""


def opened(to: str, access: S3Access | None, temp: Path | None = None) -> Place:
    """The place that is meant. A bucket without `access` is asked with the usual variables."""
    if not to.startswith(S3):
        return Folder(Path(to))
    from infra.backups.bucket import Bucket, from_environment  # a client that others never need

    return Bucket(to, access or from_environment(), temp)


def blocks(file: Path) -> Iterator[bytes]:
    """A file on this machine, block by block."""
    with file.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            yield block


class Folder:
    """A folder on this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, path: str, blocks: Iterable[bytes]) -> None:
        """As the port says."""
        file = self._root / path
        made = [folder for folder in (file.parent, *file.parent.parents) if not folder.exists()]
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = file.with_name(f"{file.name}.part")
        with beside.open("wb") as out:
            paced = durable.Paced(out.fileno())
            for block in blocks:
                out.write(block)
                paced.wrote(len(block))
            out.flush()
            os.fsync(out.fileno())
        beside.rename(file)
        for folder in {file.parent, *(each.parent for each in made)}:
            durable.sync(folder)

    def read(self, path: str) -> Iterator[bytes]:
        """As the port says."""
        return blocks(self._root / path)

    def paths(self, prefix: str) -> list[str]:
        """As the port says."""
        found = (path for path in self._root.rglob("*") if path.is_file())
        names = (path.relative_to(self._root).as_posix() for path in found)
        return sorted(name for name in names if name.startswith(prefix))

    def remove(self, path: str) -> None:
        """As the port says; a folder that is empty then goes too."""
        file = self._root / path
        file.unlink(missing_ok=True)
        if file.parent != self._root and not any(file.parent.iterdir()):
            file.parent.rmdir()
