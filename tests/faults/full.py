"""A small disk that can be filled to its last byte, and freed again."""

import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.faults.tracing import absent

BLOCK_BYTES = 4096


@contextlib.contextmanager
def small_disk(place: Path, size_bytes: int) -> Iterator["SmallDisk"]:
    """A file system of its own, in memory; skipped where we may not mount, but for CI."""
    place.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(place))
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        absent("a file system of its own cannot be mounted here (it takes root)")
    try:
        yield SmallDisk(place)
    finally:
        unmount = ("umount", "--lazy", str(place))
        subprocess.run(unmount, check=True)


class SmallDisk:
    """A mounted file system, and the ballast that fills it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ballast = root / "ballast"

    def fill(self, *, but_bytes: int = 0) -> None:
        """Leave so much room, and no more."""
        room = os.statvfs(self.root)
        blocks = room.f_bavail - but_bytes // room.f_frsize
        with self._ballast.open("ab", buffering=0) as file, contextlib.suppress(NoRoom):
            for _ in range(blocks + (0 if but_bytes else 1)):
                grow(file.fileno())

    def free(self) -> None:
        """Take the ballast away."""
        self._ballast.unlink()


class NoRoom(Exception):
    """The disk is full."""


def grow(descriptor: int) -> None:
    """One block more. Raises NoRoom."""
    try:
        os.write(descriptor, bytes(BLOCK_BYTES))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise NoRoom from None
