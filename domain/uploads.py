"""Files that people hand in for a source, and take away again.

The folder is the truth: a file is there first, then it is told. Invariants: a name is that of one
file in the source's own folder, which the source reads; nothing is overwritten.
"""

import fnmatch
import unicodedata
from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec

from domain import sources
from domain.kernel import Boundary, Clause, Event, Recorded, Refused
from domain.sources import Source

NAME_BYTES_MAX: Final = 200  # in UTF-8; file systems take 255, and a name gets something beside it
ENDINGS: Final = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet", ".xlsx")
GZIP: Final = ".gz"
HEAD_BYTES: Final = 64 * 1024  # of a file's begin that tell what it is
TYPES: Final = frozenset({"csv", "local_files"})  # sources that read a folder of the project
_TEXT: Final = frozenset({".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson"})
_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16, the one text with zero bytes
_FORBIDDEN: Final = frozenset('/\\:*?"<>|')


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _FileEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "source.view"
    source: str
    file: str  # relative to the source's folder
    size_bytes: int

    def stream(self) -> str:
        return f"source:{self.source}"


class CsvUploaded(_FileEvent, frozen=True, kw_only=True, tag="csv_uploaded"):
    """A file was handed in, and lies in the source's folder."""

    sha256: str


class CsvDeleted(_FileEvent, frozen=True, kw_only=True, tag="csv_deleted"):
    """A file was taken out of the source's folder; the next sync takes its rows away."""

    mtime_ns: int


EVENTS: Final[tuple[type[Event], ...]] = (CsvUploaded, CsvDeleted)


class Files(msgspec.Struct, frozen=True):
    """The sources that there are, and what was told last of each file of theirs."""

    there: frozenset[str] = frozenset()
    last: Mapping[tuple[str, str], CsvUploaded | CsvDeleted] = {}


def evolve(state: Files, recorded: Recorded) -> Files:
    """Fold one event."""
    match recorded.event:
        case sources.SourceRegistered(source=name):
            return Files(state.there | {name}, state.last)
        case sources.SourceRemoved(source=name):
            return Files(state.there - {name}, state.last)
        case CsvUploaded(source=name, file=file) | CsvDeleted(source=name, file=file) as event:
            return Files(state.there, {**state.last, (name, file): event})
        case _:
            return state


def boundary(source: str) -> Boundary:
    """One source and its files."""
    there = (sources.SourceRegistered, sources.SourceRemoved)
    return (Clause((*there, *EVENTS), (f"source:{source}",)),)


def tell(state: Files, told: CsvUploaded | CsvDeleted) -> list[Event]:
    """What happened to a file. Raises SourceMissing."""
    if state.last.get((told.source, told.file)) == told:
        return []
    if told.source not in state.there:
        raise sources.SourceMissing(told.source)
    return [told]


def takes(source: Source) -> None:
    """Whether files can be handed in for a source. Raises NoFileSource."""
    if source.type not in TYPES or not source.options.get("directory"):
        raise NoFileSource(source.name, source.type)


def named(source: Source, given: str) -> str:
    """The name under which a file is kept. Raises FileNameInvalid, FormatUnsupported."""
    name = unicodedata.normalize("NFC", given).replace("\\", "/").rpartition("/")[2].strip()
    if not name or name.startswith((".", "~", "#", "-")) or name.endswith((".", "~")):
        raise FileNameInvalid
    if len(name.encode("utf-8", "replace")) > NAME_BYTES_MAX or not name.isprintable():
        raise FileNameInvalid
    if _FORBIDDEN & set(name):
        raise FileNameInvalid
    if ending(name) not in ENDINGS:
        raise FormatUnsupported
    pattern = str(source.options.get("file_pattern") or "*").rpartition("/")[2]
    if not any(fnmatch.fnmatchcase(name, each) for each in (pattern, pattern + GZIP)):
        raise NotOfTheSource(pattern)
    return name


def ending(name: str) -> str:
    """What a name says that the file is, without the compression."""
    plain = name.lower().removesuffix(GZIP)
    return f".{plain.rpartition('.')[2]}" if "." in plain else ""


def check(name: str, head: bytes, tail: bytes) -> None:
    """Whether a file begins and ends as its name says. Raises ContentDiffers, FileEmpty."""
    if not head:
        raise FileEmpty
    if name.lower().endswith(GZIP):
        good = head.startswith(b"\x1f\x8b")
    else:
        good = _holds(ending(name), head, tail)
    if not good:
        raise ContentDiffers(name)


def _holds(kind: str, head: bytes, tail: bytes) -> bool:
    if kind == ".parquet":
        return head.startswith(b"PAR1") and tail.endswith(b"PAR1")
    if kind == ".xlsx":
        return head.startswith(b"PK\x03\x04")
    if kind in _TEXT and b"\0" in head and not head.startswith(_MARKS):
        return False
    if kind in (".json", ".jsonl", ".ndjson"):
        first = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        return head.startswith(_MARKS) or first in (b"{", b"[")
    return True


class NoFileSource(Refused):
    """A source that reads no folder of the project."""

    def __init__(self, source: str, kind: str) -> None:
        super().__init__(f"Source '{source}' is not a file source (type: {kind}).")


class FileNameInvalid(Refused):
    """A name that no file here may have."""

    def __init__(self) -> None:
        super().__init__(
            "file: the name must be one of a plain file, printable, without any of"
            f" {' '.join(sorted(_FORBIDDEN))}, and at most {NAME_BYTES_MAX} bytes"
        )


class FormatUnsupported(Refused):
    """A name that says nothing that can be read."""

    def __init__(self) -> None:
        supported = ", ".join(ENDINGS)
        super().__init__(f"Unsupported file format. Supported: {supported}, each also with {GZIP}.")


class NotOfTheSource(Refused):
    """A file that the source would not read."""

    def __init__(self, pattern: str) -> None:
        super().__init__(f"This source reads files named {pattern} only.")


class ContentDiffers(Refused):
    """A file that is not what its name says."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The content of '{name}' is not what the name says.")


class ContentUnreadable(Refused):
    """A file that the source could not load; the reason names what is wrong, and where."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class FileEmpty(Refused):
    """A file of no bytes."""

    def __init__(self) -> None:
        super().__init__("The file is empty.")


class FileThere(Refused):
    """A file of this name is there."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"File '{name}' already exists. Delete the existing file first or rename your file."
        )


class FileMissing(Refused):
    """No such file in the source's folder; what lies elsewhere is none either."""

    def __init__(self) -> None:
        super().__init__("File not found.")
