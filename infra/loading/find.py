"""Which files belong to a source: those in its directory that match its pattern."""

import contextlib
import fnmatch
import itertools
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from commands import ports
from domain.source_types.files import of_people

TEMPORARY_ENDINGS = ("~", ".tmp", ".part", ".crdownload", ".swp")
TEMPORARY_BEGINNINGS = ("~$", "#")
GZIP_ENDING = ".gz"
ANY_FOLDERS = "**"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A file to read. `name` is its path below the directory, fit to be shown and stored."""

    path: str
    name: str
    size_bytes: int
    mtime_ns: int
    identity: tuple[int, int, int] | None = None  # device, number, time of the last renaming


class Folder(msgspec.Struct, frozen=True, kw_only=True):
    """A folder that files are looked for in. `name` is how it is reached below the directory."""

    path: str  # where it really is
    link: str | None = None  # to it, in the real folder that this lies in
    name: str
    read: bool  # whether its files may match; otherwise it only leads to such folders
    only: str | None = None  # its one file that is read, as a link to it matches


def find(directory: str, pattern: str, files_max: int, *, root: str | None = None) -> list[Found]:
    """List the regular files that match, sorted by name; `<pattern>.gz` matches too.

    Hidden and temporary files are passed over. A link that leaves the directory is refused: it may
    be there to have another file of the server read. The directory itself may be a link, as data
    often lies on another disk, but not to what is the platform's own in the project at `root`.
    """
    folder = Path(directory)
    home = _home(folder, pattern, root)
    names = set(itertools.islice(matching(directory, pattern), files_max + 1))
    if len(names) > files_max:
        raise ports.WorkRefused(f"More than {files_max} files match '{shown(pattern)}'.")
    found = (_look(home, folder, name) for name in sorted(names) if not temporary(name))
    return [file for file in found if file is not None]


def _home(folder: Path, pattern: str, root: str | None) -> Path:
    """Where a source's directory really is. Raises WorkRefused when it, or the pattern, may not."""
    if not folder.is_dir():
        reason = f"The directory '{shown(folder.name)}' does not exist."
        raise ports.WorkRefused(f"{reason} Make it, or hand in a file, which makes it.")
    home = folder.resolve()
    if root is not None:
        _refuse_own(home, Path(root).resolve(), folder.name)
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts or "\0" in pattern:
        raise ports.WorkRefused(f"The file pattern '{shown(pattern)}' leaves the directory.")
    return home


def matching(directory: str, pattern: str) -> Iterator[str]:
    """Give the paths below the directory that match, or that do when unpacked; no hidden ones.

    Each folder is looked into once, however often the pattern says `**`.
    """
    for each in _walk(Path(directory).resolve(), _parts(pattern)):
        if isinstance(each, str):
            yield each


def folders(directory: str, pattern: str, root: str) -> Iterator[Folder]:
    """Give the folders that `matching` looks into, and those that links to single files lead to.

    A change of what it finds is a change in one of these. Raises WorkRefused, as `find` does.
    """
    home = _home(Path(directory), pattern, root)
    for each in _walk(home, _parts(pattern)):
        if isinstance(each, Folder):
            yield each


def fits(name: str, pattern: str) -> bool:
    """Tell whether a file of this name, in a folder that is read, is one that `find` gives."""
    return _names(name, _parts(pattern)[-1]) and not temporary(name)


def _parts(pattern: str) -> tuple[str, ...]:
    parts = PurePosixPath(pattern).parts
    return parts + (("*",) if parts[-1:] == (ANY_FOLDERS,) else ())


def _walk(home: Path, parts: tuple[str, ...]) -> Iterator[str | Folder]:
    """Give the paths of files that match, and each folder before it is looked into."""
    last = len(parts) - 1
    at = _begun({0}, parts)
    left = [(Folder(path=str(home), name="", read=last in at), at)]
    while left:
        folder, at = left.pop()
        yield folder
        with contextlib.suppress(OSError), os.scandir(folder.path) as entries:
            for entry in entries:
                deeper = _deeper(entry, at, parts, home)
                # A link that leaves is refused where it is read.
                if deeper is None or (folder.read and _names(entry.name, parts[last])):
                    yield f"{folder.name}{entry.name}"
                    if entry.is_symlink():
                        yield from _target(entry, folder, home)
                if deeper:
                    left.append((_below(entry, folder, read=last in deeper), deeper))


def _below(entry: os.DirEntry[str], folder: Folder, *, read: bool) -> Folder:
    link = entry.path if entry.is_symlink() else None
    path = entry.path if link is None else os.path.realpath(link)
    return Folder(path=path, link=link, name=f"{folder.name}{entry.name}/", read=read)


def _target(entry: os.DirEntry[str], folder: Folder, home: Path) -> Iterator[Folder]:
    """Where a link to a file leads, if it stays inside."""
    real = Path(os.path.realpath(entry.path))
    if not _is_folder(entry) and real.is_relative_to(home):
        yield Folder(path=str(real.parent), name=folder.name, read=True, only=real.name)


def _begun(at: set[int], parts: tuple[str, ...]) -> frozenset[int]:
    """At which parts of a pattern a folder stands: `**` may stand for no folder at all."""
    found = set(at)
    for one in range(len(parts) - 1):
        if one in found and parts[one] == ANY_FOLDERS:
            found.add(one + 1)
    return frozenset(found)


def _deeper(
    entry: os.DirEntry[str], at: frozenset[int], parts: tuple[str, ...], home: Path
) -> frozenset[int] | None:
    """At which parts a folder goes on; None for a link out of the source's directory.

    A link to a folder is entered by its name alone: by patterns, two that lead back would be walked
    for ever.
    """
    if not _is_folder(entry):
        return frozenset()
    last = len(parts) - 1
    on = {one + 1 for one in at if one < last and _names(entry.name, parts[one])}
    on |= {one for one in at if parts[one] == ANY_FOLDERS and not entry.name.startswith(".")}
    if entry.is_symlink() and on:
        if not Path(entry.path).resolve().is_relative_to(home):
            return None
        on = {one + 1 for one in at if one < last and parts[one] == entry.name}
    return _begun(on, parts)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is one, or a link to one; a link to itself is neither, and ends no walk."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _names(name: str, part: str) -> bool:
    """Whether a part of a pattern means a name, which may be packed if it is a file's."""
    if name.startswith(".") and not part.startswith("."):
        return False
    return fnmatch.fnmatchcase(name, part) or fnmatch.fnmatchcase(name, part + GZIP_ENDING)


def _refuse_own(home: Path, root: Path, name: str) -> None:
    if home.is_relative_to(root) and not of_people(home.relative_to(root).as_posix()):
        reason = f"The directory '{shown(name)}' is a link to the platform's own files."
        raise ports.WorkRefused(reason)


def temporary(name: str) -> bool:
    """Tell whether a program that is at work on a file gave it this name."""
    last = name.rpartition("/")[2]
    return last.startswith(TEMPORARY_BEGINNINGS) or last.endswith(TEMPORARY_ENDINGS)


def shown(name: str) -> str:
    r"""Spell a file name as text: bytes that are not UTF-8, and control characters, as \x...."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _look(home: Path, root: Path, name: str) -> Found | None:
    path = root / name
    try:
        real = path.resolve(strict=True)
        status = real.stat()
    except (OSError, RuntimeError):  # the latter for a link to itself
        raise ports.WorkRefused(f"{shown(name)} cannot be read.", file=shown(name)) from None
    if not real.is_relative_to(home):
        reason = f"{shown(name)} is a link that leaves the source's directory."
        raise ports.WorkRefused(reason, file=shown(name))
    if not stat.S_ISREG(status.st_mode):
        return None
    return Found(
        path=str(real),
        name=shown(name),
        size_bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
        identity=identity(status),
    )


def identity(status: os.stat_result) -> tuple[int, int, int]:
    """What tells a file from another one that was put in its place, even for a while."""
    return status.st_dev, status.st_ino, status.st_ctime_ns
