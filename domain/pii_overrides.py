"""What people say about columns, whatever a scan finds: this tells of persons, this does not.

They write it into a file, which is the truth. Why they think so, who and when, is free text: it
lies in the vault, and the events know its digest alone.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import ClassVar, Final

import msgspec

from domain import sources
from domain.kernel import Boundary, Clause, Event, Recorded, Refused

FILE: Final = "pii-overrides.yml"
TAG: Final = "pii_overrides"
OVERRIDES_MAX: Final = 5_000  # in the file

Key = tuple[str, str, str]  # source, table, column


class PiiStatus(StrEnum):
    """Whether a column tells of persons."""

    PII = "pii"
    NOT_PII = "not_pii"


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """What is said about one column."""

    source: str
    table: str
    column: str
    status: PiiStatus
    proof: str = ""  # keyed digest of who said it, when and why

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.source, self.table, self.column


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written into the file about a column; without a status, nothing any more."""

    source: str
    table: str
    column: str
    status: PiiStatus | None
    reason: str = ""
    set_by: str = ""
    updated_at: str = ""

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.source, self.table, self.column


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _OverrideEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "governance.view"
    source: str
    table: str
    column: str

    def stream(self) -> str:
        return TAG


class PiiOverridden(_OverrideEvent, frozen=True, kw_only=True, tag="pii_overridden"):
    """Somebody says whether a column tells of persons."""

    status: PiiStatus
    proof: str = ""


class PiiOverrideRemoved(_OverrideEvent, frozen=True, kw_only=True, tag="pii_override_removed"):
    """It is as the scans say again."""


EVENTS: Final[tuple[type[Event], ...]] = (PiiOverridden, PiiOverrideRemoved)


class Overrides(msgspec.Struct, frozen=True):
    """What is in force, and whether the file is refused."""

    known: Mapping[Key, Override] = {}
    refused: bool = False


def evolve(state: Overrides, recorded: Recorded) -> Overrides:
    """Fold one event."""
    match recorded.event:
        case PiiOverridden() as event:
            said = Override(**msgspec.structs.asdict(event))
            return Overrides({**state.known, said.key: said}, state.refused)
        case PiiOverrideRemoved(source=source, table=table, column=column):
            gone = source, table, column
            return Overrides({k: v for k, v in state.known.items() if k != gone}, state.refused)
        case sources.ConfigurationRefused(file=file) if file == FILE:
            return Overrides(state.known, refused=True)
        case sources.ConfigurationAccepted(file=file) if file == FILE:
            return Overrides(state.known, refused=False)
        case _:
            return state


def boundary() -> Boundary:
    """All that was said, and whether the file could be read."""
    files = (sources.ConfigurationRefused, sources.ConfigurationAccepted)
    return (Clause(EVENTS, (TAG,)), Clause(files, (f"configuration:{FILE}",)))


def apply(state: Overrides, wanted: Iterable[Override]) -> list[Event]:
    """What happened, when the file now says `wanted`."""
    new = {override.key: override for override in wanted}
    events: list[Event] = [
        PiiOverrideRemoved(source=source, table=table, column=column)
        for source, table, column in state.known
        if (source, table, column) not in new
    ]
    events += [
        PiiOverridden(**msgspec.structs.asdict(override))
        for key, override in new.items()
        if state.known.get(key) != override
    ]
    if state.refused:
        events.append(sources.ConfigurationAccepted(file=FILE))
    return events


class TooManyOverrides(Refused):
    """The file is full."""

    def __init__(self) -> None:
        super().__init__(f"{FILE} takes at most {OVERRIDES_MAX} overrides.")
