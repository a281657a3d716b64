"""Who asked the warehouse what. The text of a query may hold anything, so it is in the vault."""

from typing import ClassVar, Final

import msgspec

from domain.kernel import Boundary, Event, Recorded, about


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class QueryExecuted(Event, frozen=True, kw_only=True, tag="query_executed"):
    """A query was answered, refused or ended; its text is the vault's `query` of this id."""

    permission: ClassVar[str] = "audit.view"
    query_id: str
    outcome: str  # answered, refused, failed, timed_out
    relations: tuple[str, ...] = ()
    rows: int = 0
    truncated: bool = False
    snapshot: int | None = None  # the warehouse's commit that was asked for; None: the newest
    duration_ms: int = 0

    def stream(self) -> str:
        return f"query:{self.query_id}"


EVENTS: Final[tuple[type[Event], ...]] = (QueryExecuted,)


class Queries(msgspec.Struct, frozen=True):
    """The ids that are recorded already."""

    recorded: frozenset[str] = frozenset()


def evolve(state: Queries, recorded: Recorded) -> Queries:
    """Fold one event."""
    match recorded.event:
        case QueryExecuted(query_id=query_id):
            return Queries(state.recorded | {query_id})
        case _:
            return state


def boundary(query_id: str) -> Boundary:
    """All about one query."""
    return about(f"query:{query_id}")


def record(state: Queries, executed: QueryExecuted) -> list[Event]:
    """Put a query on record, once."""
    return [] if executed.query_id in state.recorded else [executed]
