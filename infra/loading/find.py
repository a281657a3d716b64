"""Which files belong to a source: those in its directory that match its pattern."""

import glob
import itertools
import os
import stat
from pathlib import Path

import msgspec

from commands import ports

TEMPORARY_ENDINGS = ("~", ".tmp", ".part", ".crdownload", ".swp")
TEMPORARY_BEGINNINGS = ("~$", "#")
GZIP_ENDING = ".gz"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A file to read. `name` is its path below the directory, fit to be shown and stored."""

    path: str
    name: str
    size_bytes: int
    mtime_ns: int


def find(directory: str, pattern: str, files_max: int) -> list[Found]:
    """List the regular files that match, sorted by name; `<pattern>.gz` matches too.

    Hidden and temporary files are passed over. A link that leaves the directory is refused: it may
    be there to have another file of the server read.
    """
    root = Path(directory)
    if not root.is_dir():
        raise ports.WorkRefused(f"The directory '{shown(root.name)}' does not exist.")
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts or "\0" in pattern:
        raise ports.WorkRefused(f"The file pattern '{shown(pattern)}' leaves the directory.")
    matches = itertools.chain.from_iterable(
        glob.iglob(one, root_dir=directory, recursive=True)  # noqa: PTH207 - takes root_dir
        for one in (pattern, pattern + GZIP_ENDING)
    )
    names = set(itertools.islice(matches, files_max + 1))
    if len(names) > files_max:
        raise ports.WorkRefused(f"More than {files_max} files match '{shown(pattern)}'.")
    home = root.resolve()
    found = (_look(home, root, name) for name in sorted(names) if not _temporary(name))
    return [file for file in found if file is not None]


def shown(name: str) -> str:
    r"""Spell a file name as text: bytes that are not UTF-8, and control characters, as \x...."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _look(home: Path, root: Path, name: str) -> Found | None:
    path = root / name
    try:
        real = path.resolve(strict=True)
        status = real.stat()
    except OSError:
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
    )


def _temporary(name: str) -> bool:
    last = name.rpartition("/")[2]
    return last.startswith(TEMPORARY_BEGINNINGS) or last.endswith(TEMPORARY_ENDINGS)
