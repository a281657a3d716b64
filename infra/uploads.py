"""Files on their way into a source's folder: beside their place first, then in it, or not at all.

What is not complete has a hidden name that no source reads, in the same folder, so that it gets
its own by a link that never replaces anything. What a dead process left is swept away.
"""

import contextlib
import errno
import hashlib
import itertools
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from commands.kernel import StorageFull
from commands.upload_ports import OnDisk
from domain.sources import Source
from domain.uploads import HEAD_BYTES, FileMissing, FileThere, check
from infra import durable
from infra.loading.find import matching

PREFIX: Final = ".dango-upload-"
LEFT_S: Final = 24 * 3600.0  # what is older is nobody's any more
LISTED_MAX: Final = 100_000  # files of one source that are looked at
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class Incoming:
    """One file that comes. Its methods block, and are called from threads, one at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / f"{PREFIX}{secrets.token_hex(8)}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        self._digest = hashlib.sha256()
        self._head = self._tail = b""
        self.size_bytes = 0

    def write(self, data: bytes) -> None:
        """Add to the file. Raises StorageFull."""
        with _room():
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
        self._digest.update(data)
        self.size_bytes += len(data)
        if len(self._head) < HEAD_BYTES:
            self._head += data[: HEAD_BYTES - len(self._head)]
        self._tail = (self._tail + data[-8:])[-8:]

    def whole(self, name: str) -> str:
        """As the port says."""
        check(name, self._head, self._tail)
        if os.path.lexists(self._folder / name):
            raise FileThere(name)  # before anybody looks into it; `finish` makes sure
        return str(self._path.resolve())

    def finish(self, name: str) -> str:
        """Put it in its place; answers its SHA-256. Raises FileThere."""
        with _room():
            os.fsync(self._descriptor)
            try:
                os.link(self._path, self._folder / name, follow_symlinks=False)
            except FileExistsError:
                raise FileThere(name) from None
            self._path.unlink()
            durable.sync(self._folder)
        return self._digest.hexdigest()

    def withdraw(self, name: str) -> None:
        """As the port says."""
        own, place = os.fstat(self._descriptor), self._folder / name
        with contextlib.suppress(FileNotFoundError):
            there = place.lstat()
            if (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino):
                place.unlink()
                durable.sync(self._folder)

    def close(self) -> None:
        """Give back what it holds; a file that is not in its place goes."""
        os.close(self._descriptor)
        self._path.unlink(missing_ok=True)


class UploadFolders:
    """The `Uploads` port, over the folders of a project."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def begin(self, source: Source) -> Incoming:
        """As the port says."""
        folder = self._folder(source)
        with _room():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not folder.resolve().is_relative_to(self._root.resolve()):
                raise FileMissing
            self._sweep(folder)
            return Incoming(folder)

    def every(self, source: Source) -> list[OnDisk]:
        """As the port says."""
        folder = self._folder(source)
        pattern = str(source.options.get("file_pattern") or "*")
        found: dict[str, OnDisk] = {}
        home = folder.resolve()
        with contextlib.suppress(OSError, ValueError):
            for name in itertools.islice(matching(str(folder), pattern), LISTED_MAX):
                _look(folder, name, home, found)
        return [found[name] for name in sorted(found)]

    def delete(self, source: Source, given: str) -> OnDisk:
        """As the port says."""
        folder = self._folder(source)
        try:
            home = folder.resolve(strict=True)
            path = _under(given, folder, home, self._root)
            there = path.parent.resolve(strict=True)
            status = path.lstat()
        except (OSError, ValueError):
            raise FileMissing from None
        inside = there.is_relative_to(home) and home.is_relative_to(self._root.resolve())
        if not inside or path.name.startswith(".") or not stat.S_ISREG(status.st_mode):
            raise FileMissing
        try:
            (there / path.name).unlink()
        except FileNotFoundError:
            raise FileMissing from None
        durable.sync(there)
        name = (there / path.name).relative_to(home).as_posix()
        return OnDisk(name=name, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns)

    def _folder(self, source: Source) -> Path:
        return self._root / str(source.options["directory"])

    def _sweep(self, folder: Path) -> None:
        for path in folder.glob(f"{PREFIX}*.part"):
            with contextlib.suppress(OSError):
                if path.lstat().st_mtime < time.time() - LEFT_S:
                    path.unlink()


def _under(given: str, folder: Path, home: Path, root: Path) -> Path:
    """The path that is meant: absolute, below the project, or below the folder."""
    path = Path(given)
    if not given or ".." in path.parts:
        raise ValueError(given)
    if path.is_absolute():
        return path
    below = root / path
    return below if below.parent.resolve().is_relative_to(home) else folder / path


def _look(folder: Path, name: str, home: Path, found: dict[str, OnDisk]) -> None:
    with contextlib.suppress(OSError):
        status = os.lstat(f"{folder}/{name}")
        if stat.S_ISLNK(status.st_mode):
            real = (folder / name).resolve(strict=True)
            if not real.is_relative_to(home):
                return
            status = real.stat()
        if stat.S_ISREG(status.st_mode):
            found[name] = OnDisk(name=name, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns)


@contextlib.contextmanager
def _room() -> Iterator[None]:
    """Raises StorageFull where the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull from error
        raise
