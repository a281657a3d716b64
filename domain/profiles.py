"""Which tables were counted through, at which commit. What was found are values, and not here.

A profile is derived from the warehouse and can be made anew at any time, so the log keeps that it
was made, and a disposable file keeps what it says. Invariant: one table is recorded once for each
commit.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec

from domain.kernel import Boundary, Event, Recorded, Refused, about

Key = tuple[str, str]  # schema, table


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class TableProfiled(Event, frozen=True, kw_only=True, tag="table_profiled"):
    """The columns of a table were counted through, as of a commit."""

    permission: ClassVar[str] = "governance.view"
    schema: str
    table: str
    snapshot: int
    rows: int
    columns: int
    duration_s: float = 0.0

    def stream(self) -> str:
        return of(self.schema, self.table)


EVENTS: Final[tuple[type[Event], ...]] = (TableProfiled,)


class Profiles(msgspec.Struct, frozen=True):
    """The commit as of which each table was counted through last."""

    last: Mapping[Key, int] = {}


def of(schema: str, table: str) -> str:
    """The tag of all about one table."""
    return f"table:{schema}.{table}"


def evolve(state: Profiles, recorded: Recorded) -> Profiles:
    """Fold one event."""
    match recorded.event:
        case TableProfiled(schema=schema, table=table, snapshot=snapshot):
            return Profiles({**state.last, (schema, table): snapshot})
        case _:
            return state


def boundary(schema: str, table: str) -> Boundary:
    """All about one table."""
    return about(of(schema, table))


def record(state: Profiles, profiled: TableProfiled) -> list[Event]:
    """Put a profile on record, once for each commit."""
    last = state.last.get((profiled.schema, profiled.table))
    return [] if last == profiled.snapshot else [profiled]


class TableMissing(Refused):
    """No published table has this name."""

    def __init__(self, source: str, table: str) -> None:
        super().__init__(f"Table '{table[:200]}' not found in source '{source[:200]}'.")


class NothingPublished(Refused):
    """The source has no tables yet, or there is no such source."""

    def __init__(self, source: str) -> None:
        super().__init__(f"Source '{source[:200]}' has no data. Run a sync first.")
