"""Searching the catalogue, and how the columns of one table changed."""

from datetime import datetime
from typing import Final

import msgspec

from api.call import Call
from api.errors import Denied, invalid
from api.governance import ROWS, bounded
from projections import drift, search, sources
from projections.drift import IDS_PER_POSITION

QUERY_CHARS: Final = range(2, 101)


class FoundView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was found, and where the word stands."""

    unique_id: str
    name: str
    type: str
    description: str
    match_type: str
    matched_column: str | None


class FoundList(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, the best first."""

    query: str
    results: list[FoundView]


class ChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """One change; `position` is that of the event that tells of it."""

    position: int
    at: datetime
    event_type: str
    column_name: str | None
    before: str | None
    after: str | None
    breaking: bool


class HistoryView(msgspec.Struct, frozen=True, kw_only=True):
    """How the columns of a table changed, newest first."""

    source: str
    table: str
    changes: list[ChangeView]
    count: int


async def find(call: Call, q: str) -> FoundList:
    """Find models and tables by name, column, tag or description; spelling is forgiven."""
    if len(q) not in QUERY_CHARS:
        raise invalid(
            "q", f"must have from {QUERY_CHARS.start} to {QUERY_CHARS.stop - 1} characters"
        )
    await call.kept(search.READ, search.index)
    results = [
        FoundView(
            unique_id=match.node.id,
            name=match.node.name,
            type=match.node.layer,
            description=match.node.description,
            match_type=match.kind,
            matched_column=match.column,
        )
        for match in search.find(call.views, q)
    ]
    return FoundList(query=q, results=results)


async def history(call: Call, source: str, table: str, limit: int = ROWS) -> HistoryView:
    """List how the columns of a table changed, newest first, with the events that tell of it."""
    found = drift.newest(call.views, bounded(limit), source=source, table=table)
    health = sources.one(call.views, source)
    there = health is not None and any(each.name == table for each in health.tables)
    if not found and not there:
        raise Denied(404, f"Table '{table[:200]}' not found in source '{source[:200]}'.")
    changes = [
        ChangeView(
            position=each.id // IDS_PER_POSITION,
            at=each.at,
            event_type=each.change.kind,
            column_name=each.change.column,
            before=each.change.before,
            after=each.change.after,
            breaking=each.change.breaking,
        )
        for each in found
    ]
    return HistoryView(source=source, table=table, changes=changes, count=len(changes))
