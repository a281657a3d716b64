"""Bringing files and names to the disk.

By POSIX a file is safe once it was synced, and its name once its folder was.
"""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

PIECE_BYTES: Final = 4 * 1024 * 1024
PAUSE_S_MAX: Final = 1.0  # after a piece


class Paced:
    """Brings something large to the disk in pieces, with as much time for others in between.

    A commit to the log has to wait for its own few bytes alone, and not for a gigabyte of ours.
    """

    def __init__(self, descriptor: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self._descriptor, self._sleep, self._unsynced = descriptor, sleep, 0

    def wrote(self, size_bytes: int) -> None:
        """Tell how much was written since the last time; may take a while. Raises OSError."""
        self._unsynced += size_bytes
        if self._unsynced < PIECE_BYTES:
            return
        begun = time.monotonic()
        os.fdatasync(self._descriptor)
        self._unsynced = 0
        self._sleep(min(time.monotonic() - begun, PAUSE_S_MAX))


def write(path: Path, blocks: Iterable[bytes]) -> None:
    """Bring a new file to the disk; its name is on the caller. Raises OSError."""
    with path.open("xb") as out:
        out.writelines(blocks)
        out.flush()
        os.fsync(out.fileno())


def sync(path: Path) -> None:
    """Wait until the disk has this file, or the names in this folder. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
