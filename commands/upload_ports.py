"""What uploads need from outside: the folders of sources. `infra` has it."""

from typing import Protocol

import msgspec

from domain.sources import Source


class OnDisk(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a source; `name` is its path below the source's folder."""

    name: str
    size_bytes: int
    mtime_ns: int


class Incoming(Protocol):
    """One file that comes. Its methods block."""

    size_bytes: int

    def write(self, data: bytes) -> None:
        """Add to the file. Raises StorageFull."""
        ...

    def whole(self, name: str) -> str:
        """All of it has come; answers its path. Raises ContentDiffers, FileEmpty, FileThere."""
        ...

    def finish(self, name: str) -> str:
        """Put it in its place; answers its SHA-256. Raises FileThere."""
        ...

    def withdraw(self, name: str) -> None:
        """Take it out of its place again, if it is still the one there."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class Uploads(Protocol):
    """The folders of sources. Its methods block."""

    def begin(self, source: Source) -> Incoming:
        """Take a file in."""
        ...

    def every(self, source: Source) -> list[OnDisk]:
        """The files that the source reads, by name."""
        ...

    def delete(self, source: Source, given: str) -> OnDisk:
        """Delete one of the source's files. Raises FileMissing, for those elsewhere too."""
        ...
