"""A trace of strace, read as what happened to the files below a folder, and what was answered."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_LINE = re.compile(r"^(\d+) +(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+)(?:<([^>]*)>)?")
_RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FILE = re.compile(r"^(\d+)<([^>]*)>")
_STATUS = re.compile(rb"^HTTP/1\.1 2\d\d ")
_POSITION = re.compile(rb"\r\nx-position: (\d+)\r\n", re.IGNORECASE)
CUT_SHORT = '"...'
UNFINISHED = " <unfinished ...>"
SYNCS = ("fsync", "fdatasync")
NAMING = ("rename", "renameat", "renameat2", "mkdir", "unlink", "unlinkat", "rmdir")
# Whatever else changes a disk would be left out of the images without a word.
UNMODELLED = ("pwritev", "writev", "sync_file_range", "link", "linkat", "symlink")


class Made(NamedTuple):
    """A name that came into its folder; an empty file or a folder behind it."""

    path: str
    folder: bool


class Emptied(NamedTuple):
    """A file was given another length."""

    path: str
    size: int


class Written(NamedTuple):
    """Bytes that the system took."""

    path: str
    offset: int
    data: bytes


class Syncing(NamedTuple):
    """A sync was asked for: it covers what was written up to here."""

    path: str
    thread: str


class Synced(NamedTuple):
    """The sync of this thread came back."""

    path: str
    thread: str


class Renamed(NamedTuple):
    """A name became another one."""

    path: str
    new: str


class Removed(NamedTuple):
    """A name is gone."""

    path: str


class Acknowledged(NamedTuple):
    """A successful answer left the server; all up to this position was promised by it."""

    position: int


Step = Made | Emptied | Written | Syncing | Synced | Renamed | Removed | Acknowledged


class Unmodelled(Exception):
    """The trace holds a call that the images would not show."""


class Recording:
    """What a trace says. Paths are given relative to `root`; others are not of interest."""

    def __init__(self, root: Path) -> None:
        self._root = f"{root}/"
        self._offsets: dict[tuple[str, str], int] = {}  # of descriptors that are written in order
        self._known: set[str] = {str(path) for path in root.rglob("*")}
        self._begun: dict[str, str] = {}

    def steps(self, trace: Path) -> Iterator[Step]:
        """All steps in their order. Raises Unmodelled."""
        with trace.open() as lines:
            for line in lines:
                thread, rest = _LINE.match(line).groups()
                if rest.endswith(UNFINISHED):
                    begun = rest.removesuffix(UNFINISHED)
                    self._begun[thread] = begun
                    yield from self._first(thread, begun)
                elif resumed := _RESUMED.match(rest):
                    yield from self._last(thread, self._begun.pop(thread) + resumed[1])
                elif rest[0].isalpha():
                    yield from self._first(thread, rest)
                    yield from self._last(thread, rest)

    def _first(self, thread: str, text: str) -> Iterator[Step]:
        """What counts from the moment at which a call begins."""
        name, _, arguments = text.partition("(")
        if name in SYNCS and (path := self._path_of(arguments)) is not None:
            yield Syncing(path, thread)
        elif name in ("sendto", "sendmsg") and (said := _STRING.search(arguments)):
            head = _bytes(said[1])
            if _STATUS.match(head) and (position := _POSITION.search(head)):
                yield Acknowledged(int(position[1]))

    def _last(self, thread: str, text: str) -> Iterator[Step]:
        """What has happened when a call has come back."""
        call = _CALL.match(text)
        if call is None or int(call[3]) < 0:
            return
        name, arguments, result = call[1], call[2], int(call[3])
        path = self._path_of(arguments)
        if name == "openat":
            yield from self._opened(arguments, f"{result}", _text(call[4] or ""))
        elif name in NAMING:
            yield from self._renamed(name, [_text(s) for s in _STRING.findall(arguments)])
        elif path is not None:
            if name in UNMODELLED or CUT_SHORT in arguments:
                raise Unmodelled(f"{name} of {path}")
            if name in SYNCS:
                yield Synced(path, thread)
            else:
                yield from self._changed(path, name, arguments, result)

    def _changed(self, path: str, name: str, arguments: str, result: int) -> Iterator[Step]:
        """What a call did to the bytes of a file; `result` is as the call gave it."""
        last = arguments.rpartition(", ")[2]
        if name == "ftruncate":
            yield Emptied(path, int(last))
        elif name == "fallocate":
            yield Emptied(path, sum(map(int, arguments.split(", ")[-2:])))
        elif name == "lseek":
            self._offsets[self._descriptor(arguments)] = result
        elif name == "pwrite64":
            yield Written(path, int(last), _bytes(_STRING.search(arguments)[1])[:result])
        elif name == "write":
            descriptor = self._descriptor(arguments)
            offset = self._offsets.get(descriptor, 0)
            self._offsets[descriptor] = offset + result
            yield Written(path, offset, _bytes(_STRING.search(arguments)[1])[:result])

    def _opened(self, arguments: str, descriptor: str, path: str) -> Iterator[Step]:
        if not path.startswith(self._root):
            return
        self._offsets[descriptor, path] = 0
        if "O_APPEND" in arguments:
            raise Unmodelled(f"append to {path}")
        if path not in self._known:
            self._known.add(path)
            yield Made(self._short(path), folder=False)
        elif "O_TRUNC" in arguments:
            yield Emptied(self._short(path), 0)

    def _renamed(self, name: str, paths: list[str]) -> Iterator[Step]:
        if not all(path.startswith(self._root) for path in paths):
            if any(path.startswith(self._root) for path in paths):
                raise Unmodelled(f"{name} of {paths}")
            return
        paths = [path.rstrip("/") for path in paths]  # a folder may be made as `folder/`
        short = [self._short(path) for path in paths]
        if name == "mkdir":
            self._known.add(paths[0])
            yield Made(short[0], folder=True)
            return
        self._known.discard(paths[0])
        if name.startswith("rename"):
            self._known.add(paths[1])
            yield Renamed(*short)
        else:
            yield Removed(short[0])

    def _short(self, path: str) -> str:
        return path.removeprefix(self._root)

    @staticmethod
    def _descriptor(arguments: str) -> tuple[str, str]:
        number, path = _FILE.match(arguments).groups()
        return number, _text(path)

    def _path_of(self, arguments: str) -> str | None:
        """The path behind the descriptor that a call is about, if it is one of ours."""
        if (file := _FILE.match(arguments)) is None:
            return None
        path = _text(file[2])
        if f"{path}/" == self._root:
            return ""
        # What has no name any more is nothing that a reader could find.
        return self._short(path) if path.startswith(self._root) and path in self._known else None


def _bytes(quoted: str) -> bytes:
    return bytes.fromhex(quoted.replace("\\x", ""))


def _text(quoted: str) -> str:
    return _bytes(quoted).decode() if quoted.startswith("\\x") else quoted
