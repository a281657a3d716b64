"""Room on the disk that is set aside, so that what the log has taken can be shown as well.

The log commits first, the views follow. On a disk that is just full the one may find room and the
others not; then the views would have to stop, and with them every answer. So some room is held by a
file while the server runs. When the views find none, the file is deleted and they write in its
place; until it can be made again, the writer takes no more commands.
"""

import contextlib
import errno
import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

RESERVE_KIB: Final = 4 * 1024  # the rows of the largest group of commands, many times

T = TypeVar("T")

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_log = logging.getLogger("dango.views")


class Reserve:
    """A file that holds the room."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held = False

    def hold(self) -> bool:
        """Whether the room is held; takes it if it is not, and there is any."""
        if not self._held:
            self._held = self._take()
        return self._held

    def use(self, write: Callable[[], T]) -> T:
        """What the function gives; when it finds the disk full, it gets the room that was held."""
        try:
            return write()
        except sqlite3.OperationalError as error:
            if not is_full(error):
                raise
            _log.error("the disk is full: the views take the room that was set aside")
            self.release()
            return write()

    def release(self) -> None:
        """Give the room to whoever writes next."""
        self._held = False
        self._path.unlink(missing_ok=True)

    def _take(self) -> bool:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, RESERVE_KIB * 1024)
            finally:
                os.close(descriptor)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            if error.errno in _FULL:
                return False
            # Better to go on without than not at all.
            _log.warning("no room can be set aside for the views: %s", error.strerror)
        return True


def is_full(error: Exception | None) -> bool:
    """Whether there was no room for what SQLite was to write."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
