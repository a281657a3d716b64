"""A disk that keeps what was synced, and of the rest whatever a power cut leaves.

The model is POSIX to the letter, which is stricter than the file systems that people use:

- what was written before a sync of its file came back is there, whole;
- every later write is there whole, in some of its 512-byte sectors, or not at all, each for itself,
  and so is every later change of a length;
- a name that was made, changed or removed is so for certain after a sync of its folder; before,
  each of these changes is there or not, each for itself. A sync of the file does not keep its name.

What is mapped into memory is not in a trace: SQLite's `-shm` files, which a start makes anew.
"""

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from random import Random

from tests.faults.recording import (
    Acknowledged,
    Emptied,
    Made,
    Removed,
    Renamed,
    Step,
    Synced,
    Syncing,
    Written,
)

SECTOR_BYTES = 512
VOLATILE = ("-shm", ".sock", ".dango/reserve")


class Inode:
    """What lies behind a name: bytes that are safe, and changes that may be lost."""

    def __init__(self, content: bytes = b"", *, folder: bool = False) -> None:
        self.safe, self.folder = bytearray(content), folder
        self.pending: list[Written | Emptied] = []
        self.settled = 0  # changes that are safe, of all that there were

    @property
    def changes(self) -> int:
        return self.settled + len(self.pending)

    def settle(self, upto: int) -> None:
        """The first so many of all changes have reached the platter."""
        count = max(0, upto - self.settled)
        for step in self.pending[:count]:
            _apply(self.safe, step)
        del self.pending[:count]
        self.settled += count

    def survivors(self, random: Random) -> bytearray:
        """What a cut leaves."""
        left = bytearray(self.safe)
        for step in self.pending:
            fate = random.random()
            if fate < 1 / 4:
                _apply(left, step)
            elif fate < 1 / 2 and isinstance(step, Written):
                for sector in _sectors(step):
                    if random.random() < 1 / 2:
                        _apply(left, sector)
        return left

    def whole(self) -> bytearray:
        """What is there as long as the power is."""
        left = bytearray(self.safe)
        for step in self.pending:
            _apply(left, step)
        return left


Names = dict[str, Inode]
Entry = Made | Removed | Renamed


class Disk:
    """The files below one folder, as the steps of a recording leave them."""

    def __init__(self, root: Path, wanted: Callable[[str], bool] = lambda _: True) -> None:
        """Begins with what is there, all of it safe."""
        self._wanted = wanted
        self.safe: Names = {}
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root))
            if self._keeps(name) and not path.is_socket():
                folder = path.is_dir()
                self.safe[name] = Inode(b"" if folder else path.read_bytes(), folder=folder)
        self.now: Names = dict(self.safe)
        self._entries: dict[int, tuple[Entry, Inode]] = {}  # changes of names that may be lost
        self._numbers = itertools.count(1)
        self._syncing: dict[str, tuple[Inode | None, str, int]] = {}
        self.acknowledged = 0

    def take(self, step: Step) -> bool:
        """Let it happen; whether that concerns the files that are wanted."""
        if isinstance(step, Acknowledged):
            self.acknowledged = max(self.acknowledged, step.position)
            return True
        if isinstance(step, Syncing | Synced) and not self._keeps(step.path):
            return False
        if isinstance(step, Syncing):
            inode = self.now.get(step.path)
            if inode is None or inode.folder:
                self._syncing[step.thread] = (None, step.path, next(self._numbers))
            else:
                self._syncing[step.thread] = (inode, step.path, inode.changes)
            return False
        if isinstance(step, Synced):
            self._synced(*self._syncing.pop(step.thread))
            return True
        if not self._keeps(step.path):
            return False
        if isinstance(step, Written | Emptied):
            self.now[step.path].pending.append(step)
        else:
            inode = Inode(folder=step.folder) if isinstance(step, Made) else self.now[step.path]
            self._entries[next(self._numbers)] = step, inode
            _rename(self.now, step, inode)
        return True

    def _keeps(self, name: str) -> bool:
        return not name.endswith(VOLATILE) and self._wanted(name)

    def _synced(self, inode: Inode | None, path: str, upto: int) -> None:
        if inode is not None:
            inode.settle(upto)
            return
        for number, (step, entry) in list(self._entries.items()):
            if number < upto and path in _folders(step):
                _rename(self.safe, step, entry)
                del self._entries[number]

    def unsafe(self) -> set[str]:
        """Names of files that are there, but need not be after a cut, or not whole."""
        unsafe = {name for name, inode in self.now.items() if inode.pending}
        return unsafe | {
            name for name, inode in self.now.items() if self.safe.get(name) is not inode
        }

    # images

    def after_cut(self, random: Random) -> dict[str, bytes | None]:
        """What a power cut at this moment may leave; None is a folder."""
        names = dict(self.safe)
        for step, inode in self._entries.values():
            if random.random() < 1 / 2:
                _rename(names, step, inode)
        return {
            name: None if inode.folder else bytes(inode.survivors(random))
            for name, inode in names.items()
        }

    def as_it_is(self) -> dict[str, bytes | None]:
        """What the files hold at this moment."""
        return {
            name: None if inode.folder else bytes(inode.whole()) for name, inode in self.now.items()
        }


def lay_out(image: dict[str, bytes | None], root: Path) -> None:
    """Make the files of an image; a folder that was lost takes what was in it along."""
    for name, content in sorted(image.items()):
        path = root / name
        if any(image.get(str(above), b"") is not None for above in _above(name)):
            continue
        if content is None:
            path.mkdir(mode=0o700)
        else:
            path.write_bytes(content)
            path.chmod(0o600)


def _above(name: str) -> Iterable[PurePosixPath]:
    return list(PurePosixPath(name).parents)[:-1]


def _folders(step: Entry) -> set[str]:
    names = (step.path, step.new) if isinstance(step, Renamed) else (step.path,)
    return {"" if (above := str(PurePosixPath(name).parent)) == "." else above for name in names}


def _rename(names: Names, step: Entry, inode: Inode) -> None:
    if isinstance(step, Made):
        names[step.path] = inode
        return
    names.pop(step.path, None)
    if isinstance(step, Renamed):
        names[step.new] = inode


def _apply(content: bytearray, step: Written | Emptied) -> None:
    if isinstance(step, Emptied):
        del content[step.size :]
        content.extend(bytes(step.size - len(content)))
        return
    if len(content) < step.offset:
        content.extend(bytes(step.offset - len(content)))
    content[step.offset : step.offset + len(step.data)] = step.data


def _sectors(step: Written) -> Iterable[Written]:
    """A write, cut where the sectors of the disk end."""
    end = step.offset + len(step.data)
    first = step.offset - step.offset % SECTOR_BYTES
    for low, high in itertools.pairwise([*range(first, end, SECTOR_BYTES), end]):
        start = max(low, step.offset)
        yield Written(step.path, start, step.data[start - step.offset : high - step.offset])
