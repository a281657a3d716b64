"""Which folders are listened to, for which sources, and which sources are looked at instead.

What a load reads is watched, and nothing else: the walk is the loader's own. Beside that the
folders on the way are listened to, from a watched directory down to a source's, so that one that
comes is noticed.
"""

import contextlib
import fnmatch
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

import msgspec

from commands.ports import WorkRefused
from domain.source_types.files import of_people
from infra.loading.find import Folder, fits, folders, matching

FILES_MAX: Final = 100_000  # of one source that are compared when it is looked at
TOO_MANY: Final = "More folders are to be watched than platform.watched_folders_max lets."
UNSPEAKABLE: Final = (
    "A folder has a name that is no UTF-8, so the system's listener cannot take it."
)
NO_LISTENER: Final = (
    "The system lets no more folders be listened to; raise fs.inotify.max_user_watches or"
    " fs.inotify.max_user_instances."
)

Identity = tuple[int, int]  # device and number of a folder


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A source whose files are to be noticed."""

    name: str
    directory: str  # below the project
    pattern: str
    patterns: tuple[str, ...]  # of names, which project.yml lets be noticed

    def reads(self, name: str) -> bool:
        """Whether a file of this name, in a folder that it reads, is one of its files."""
        noticed = any(fnmatch.fnmatch(name, each) for each in self.patterns)
        return noticed and fits(name, self.pattern)


class Reader(msgspec.Struct, frozen=True):
    """A source that reads in a folder: all that fits, or some files that links lead to."""

    wanted: Wanted
    only: frozenset[str] | None

    def reads(self, name: str) -> bool:
        """Whether it would read a file of this name there."""
        return self.wanted.reads(name) if self.only is None else name in self.only


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched, and how."""

    wanted: tuple[Wanted, ...] = ()
    listened: Mapping[str, Identity] = {}  # folders, by where they really are
    names: frozenset[str] = frozenset()  # how those are reached, links and all
    readers: Mapping[str, tuple[Reader, ...]] = {}  # by folder
    looked: Mapping[str, str] = {}  # sources that are looked at from time to time, and why

    def without_listener(self) -> "Plan":
        """The same when the system does not listen."""
        looked = dict.fromkeys((each.name for each in self.wanted), NO_LISTENER)
        return Plan(wanted=self.wanted, looked=looked)

    def by_source(self) -> dict[str, dict[str, Identity]]:
        """The folders that each source reads in."""
        found: dict[str, dict[str, Identity]] = {}
        for path, readers in self.readers.items():
            for each in readers:
                found.setdefault(each.wanted.name, {})[path] = self.listened[path]
        return found


class _Found(msgspec.Struct):
    """The folders of one source."""

    wanted: Wanted
    on_the_way: dict[str, str]  # how a folder is reached, and where it is
    inside: list[Folder]
    whole: bool = True  # whether the walk came to its end

    def paths(self) -> set[str]:
        return {*self.on_the_way.values(), *(folder.path for folder in self.inside)}

    def names(self) -> set[str]:
        return {*self.on_the_way, *(folder.link or folder.path for folder in self.inside)}


def planned(root: Path, watched: Sequence[str], wanted: Sequence[Wanted], folders_max: int) -> Plan:
    """Find the folders. The sources with the fewest come first, so that a large one is left out."""
    found = [_found(root, watched, each, folders_max) for each in wanted]
    listened: dict[str, Identity] = {}
    taken, looked = [], {}
    for each in sorted(found, key=lambda one: len(one.inside)):
        paths = each.paths()
        if not all(_speakable(path) for path in paths):
            looked[each.wanted.name] = UNSPEAKABLE
        elif not each.whole or len(paths | listened.keys()) > folders_max:
            looked[each.wanted.name] = TOO_MANY
        else:
            taken.append(each)
            listened |= _identities(paths - listened.keys())
    return Plan(
        wanted=tuple(wanted),
        listened=listened,
        names=frozenset(name for each in taken for name in each.names()),
        readers=_readers(taken, listened),
        looked=looked,
    )


def _found(root: Path, watched: Sequence[str], wanted: Wanted, folders_max: int) -> _Found:
    """What a source's walk finds inside of the watched directories; no more than may be."""
    found = _Found(wanted, {}, [])
    source = PurePosixPath(wanted.directory)
    home = root.resolve()
    for text in watched:
        for name in _way(PurePosixPath(text), source):
            path = root / name
            if path.is_dir() and not _own(home, real := path.resolve()):
                found.on_the_way[str(path.parent.resolve() / path.name)] = str(real)
    for number, folder in enumerate(_walk(root, wanted)):
        if number == folders_max:
            found.whole = False
            break
        if _inside(source / folder.name, watched):
            found.inside.append(folder)
    return found


def _inside(path: PurePosixPath, watched: Sequence[str]) -> bool:
    return any(path.is_relative_to(each) for each in watched)


def _walk(root: Path, wanted: Wanted) -> Iterator[Folder]:
    """The loader's; nothing where it refuses, as then nothing is read."""
    with contextlib.suppress(WorkRefused, OSError, ValueError):
        yield from folders(str(root / wanted.directory), wanted.pattern, str(root))


def _way(begin: PurePosixPath, end: PurePosixPath) -> list[PurePosixPath]:
    return [each for each in (end, *end.parents) if each.is_relative_to(begin)]


def _own(home: Path, real: Path) -> bool:
    """Whether a folder is the platform's own."""
    return real.is_relative_to(home) and not of_people(real.relative_to(home).as_posix())


def _readers(
    taken: Iterable[_Found], listened: Mapping[str, Identity]
) -> dict[str, tuple[Reader, ...]]:
    readers: dict[str, list[Reader]] = {}
    for each in taken:
        mine: dict[str, set[str] | None] = {}
        for folder in each.inside:
            if not folder.read or folder.path not in listened:
                continue
            there = mine.setdefault(folder.path, set())
            if folder.only is None:
                mine[folder.path] = None
            elif there is not None:
                there.add(folder.only)
        for path, only in mine.items():
            reader = Reader(each.wanted, None if only is None else frozenset(only))
            readers.setdefault(path, []).append(reader)
    return {path: tuple(those) for path, those in readers.items()}


def _identities(paths: Iterable[str]) -> dict[str, Identity]:
    """Of those that are still there, and may be read."""
    found = {}
    for path in paths:
        with contextlib.suppress(OSError):
            status = Path(path).stat()
            if os.access(path, os.R_OK):
                found[path] = (status.st_dev, status.st_ino)
    return found


def _speakable(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def files(folder: str, reader: Reader) -> list[str]:
    """The files of a folder that a source reads, as paths."""
    found: list[str] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        some = itertools.islice(entries, FILES_MAX)
        found += [each.path for each in some if reader.reads(each.name) and each.is_file()]
    return found


class State(NamedTuple):
    """What tells whether a source's files have changed; `newest` is when one of them last did."""

    sum: int
    newest: float


def state(root: Path, watched: Sequence[str], wanted: Wanted) -> State:
    """Look at the files of a source. The order that they come in makes no difference."""
    source, sum_, newest = PurePosixPath(wanted.directory), 0, 0.0
    with contextlib.suppress(OSError, ValueError):
        found = matching(str(root / source), wanted.pattern)
        for name in itertools.islice(found, FILES_MAX):
            path = source / name
            if wanted.reads(path.name) and _inside(path, watched):
                with contextlib.suppress(OSError):
                    status = (root / path).stat()
                    sum_ ^= hash((name, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
                    newest = max(newest, status.st_ctime)
    return State(sum_, newest)
