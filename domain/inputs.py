"""What runs learn of a source's inputs: how its files are written, which columns came and went.

Invariant: what was told already is not told again.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

import msgspec

from domain.datasets import Drift, File, Format, RefusedFile
from domain.kernel import Event


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _LearnedEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "source.view"
    source: str
    job: int

    def stream(self) -> str:
        return f"source:{self.source}"

    def labels(self) -> tuple[str, ...]:
        return (f"job:{self.job}",)


class FileFormatFound(_LearnedEvent, frozen=True, kw_only=True, tag="file_format_found"):
    """How the files of a table are written; later runs presume it."""

    table: str
    found: Format


class ColumnsDrifted(_LearnedEvent, frozen=True, kw_only=True, tag="columns_drifted"):
    """The columns of an input are not those of before: they came, went, or changed their type."""

    drift: Drift


Learned = FileFormatFound | ColumnsDrifted
EVENTS: Final[tuple[type[Event], ...]] = (FileFormatFound, ColumnsDrifted)


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What only the process knows that carried a load out."""

    files: tuple[File, ...] = ()
    refused: tuple[RefusedFile, ...] = ()
    drift: tuple[Drift, ...] = ()
    formats: Mapping[str, Format] = {}  # by table


class Inputs(msgspec.Struct, frozen=True):
    """What was told of inputs, by source and table."""

    formats: Mapping[tuple[str, str], Format] = {}
    missing: Mapping[tuple[str, str], frozenset[str]] = {}  # columns that were told as gone


def evolve(state: Inputs, event: Learned) -> Inputs:
    """Fold one event."""
    match event:
        case FileFormatFound(source=name, table=table, found=found):
            return msgspec.structs.replace(state, formats={**state.formats, (name, table): found})
        case ColumnsDrifted(source=name, drift=drift):
            gone = {**state.missing, (name, drift.table): frozenset(drift.missing)}
            return msgspec.structs.replace(state, missing=gone)


def learn(state: Inputs, source: str, job: int, account: Account) -> Iterator[Event]:
    """What a load found that differs from what was told before."""
    for table, found in account.formats.items():
        if state.formats.get((source, table)) != found:
            yield FileFormatFound(source=source, job=job, table=table, found=found)
    for drift in account.drift:
        gone = set(drift.missing) - state.missing.get((source, drift.table), frozenset())
        if drift.added or drift.retyped or gone:
            yield ColumnsDrifted(source=source, job=job, drift=drift)
