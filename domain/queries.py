"""Who asked the warehouse what. The text of a query may hold anything, so it is in the vault.

A query goes on record when it has ended, once. Who wants it to end before says so in an event of
their own, as long as it is not on record.
"""

from typing import ClassVar, Final

import msgspec

from domain.kernel import Boundary, Event, Recorded, Refused, about


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class QueryExecuted(Event, frozen=True, kw_only=True, tag="query_executed"):
    """A query was answered, refused or ended; its text is the vault's `query` of this id."""

    permission: ClassVar[str] = "audit.view"
    query_id: str
    outcome: str  # answered, refused, failed, timed_out, cancelled
    relations: tuple[str, ...] = ()
    rows: int = 0
    truncated: bool = False
    snapshot: int | None = None  # the warehouse's commit that was asked for; None: the newest
    duration_ms: int = 0
    format: str | None = None  # json, csv, arrow, parquet; None: before it was recorded
    masked_columns: int | None = None  # of those that it read; None without an answer, or before

    def stream(self) -> str:
        return of(self.query_id)


class QueryCancelled(Event, frozen=True, kw_only=True, tag="query_cancelled"):
    """Somebody wants a running query to end now."""

    permission: ClassVar[str] = "audit.view"
    query_id: str

    def stream(self) -> str:
        return of(self.query_id)


EVENTS: Final[tuple[type[Event], ...]] = (QueryExecuted, QueryCancelled)


class Queries(msgspec.Struct, frozen=True):
    """The ids that are recorded already, and those that are to end."""

    recorded: frozenset[str] = frozenset()
    cancelled: frozenset[str] = frozenset()


def evolve(state: Queries, recorded: Recorded) -> Queries:
    """Fold one event."""
    match recorded.event:
        case QueryExecuted(query_id=query_id):
            return Queries(state.recorded | {query_id}, state.cancelled)
        case QueryCancelled(query_id=query_id):
            return Queries(state.recorded, state.cancelled | {query_id})
        case _:
            return state


def of(query_id: str) -> str:
    """The tag of all about one query."""
    return f"query:{query_id}"


def boundary(query_id: str) -> Boundary:
    """All about one query."""
    return about(of(query_id))


def record(state: Queries, executed: QueryExecuted) -> list[Event]:
    """Put a query on record, once."""
    return [] if executed.query_id in state.recorded else [executed]


def cancel(state: Queries, query_id: str) -> list[Event]:
    """Ask for a query's end. Raises QueryEnded."""
    if query_id in state.recorded:
        raise QueryEnded(query_id)
    return [] if query_id in state.cancelled else [QueryCancelled(query_id=query_id)]


class QueryMissing(Refused):
    """Only a query that runs or waits can be cancelled, by who asked it or manages the platform."""

    def __init__(self, query_id: str) -> None:
        super().__init__(f"No query {query_id[:64]} of yours is running.")


class QueryEnded(Refused):
    """A query that has ended cannot be cancelled."""

    def __init__(self, query_id: str) -> None:
        super().__init__(f"The query {query_id} has ended already.", query_id=query_id)


class QueryThere(Refused):
    """No two queries have one id."""

    def __init__(self, query_id: str) -> None:
        super().__init__(f"There is a query {query_id} already.", query_id=query_id)
