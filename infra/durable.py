"""Bringing files and names to the disk.

By POSIX a file is safe once it was synced, and its name once its folder was.
"""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Wait until the disk has this file, or the names in this folder. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
