"""/api/governance: how the columns of sources changed, and accepting it."""

from datetime import datetime
from typing import Any, Final

import msgspec

from api.call import Call
from api.errors import invalid
from commands.drift import AcceptDrift
from domain import drift as domain
from projections import attention, drift, sources

ROWS: Final = 100
ROWS_MAX: Final = 1_000


class DriftEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a column, or of a table where `column_name` is empty."""

    id: int
    source: str
    table_name: str
    column_name: str
    event_type: str
    severity: str  # breaking, additive
    detail: str
    detected_at: datetime


class DriftList(msgspec.Struct, frozen=True, kw_only=True):
    """Changes, newest first; `held` are sources whose models wait until theirs are accepted."""

    events: list[DriftEvent]
    count: int
    source: str | None
    table_name: str | None
    held: list[str]


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """What was done."""

    source: str
    accepted: bool
    message: str


class PendingChange(msgspec.Struct, frozen=True, kw_only=True):
    """A breaking change that waits to be accepted."""

    source: str
    table_name: str
    column_name: str
    event_type: str
    severity: str
    detail: str
    detected_at: datetime


class AttentionView(msgspec.Struct, frozen=True, kw_only=True):
    """A source that needs somebody; `reason` is all `reasons` in one line."""

    source: str
    reason: str
    reasons: tuple[attention.Reason, ...]
    drift_events: list[PendingChange]
    created_at: datetime


async def list_attention(call: Call) -> list[AttentionView]:
    """List the sources that need somebody, why, and since when; the longest waiting first."""
    found = attention.every(call.views, sources.every(call.views))
    return [
        AttentionView(
            source=each.source,
            reason=each.message,
            reasons=each.reasons,
            drift_events=[
                PendingChange(**described(each.source, change, each.changed_at or each.since))
                for change in each.changes
            ],
            created_at=each.since,
        )
        for each in sorted(found.values(), key=lambda each: (each.since, each.source))
    ]


async def list_drift(
    call: Call, source: str | None = None, table: str | None = None, limit: int = ROWS
) -> DriftList:
    """List how the columns of sources changed, newest first."""
    found = drift.newest(call.views, bounded(limit), source=source, table=table)
    events = [
        DriftEvent(id=each.id, **described(each.source, each.change, each.at)) for each in found
    ]
    return DriftList(
        events=events,
        count=len(events),
        source=source,
        table_name=table,
        held=sorted(drift.held(call.views)),
    )


async def accept_drift(call: Call, source: str) -> Accepted:
    """Accept the changed columns of a source; models that depend on it are built again."""
    outcome = await call.send(AcceptDrift(source=source))
    if not outcome.recorded:
        raise domain.NoDrift(source)
    return Accepted(source=source, accepted=True, message="Schema accepted")


def described(source: str, change: domain.Change, at: datetime) -> dict[str, Any]:
    """A change in the words of the interface."""
    told = {"was": change.before, "now": change.after}
    return {
        "source": source,
        "table_name": change.table,
        "column_name": change.column or "",
        "event_type": change.kind,
        "severity": "breaking" if change.breaking else "additive",
        "detail": ", ".join(f"{name}={value}" for name, value in told.items() if value),
        "detected_at": at,
    }


def bounded(limit: int) -> int:
    """How many rows are wanted. Raises Denied, 422."""
    if not 0 < limit <= ROWS_MAX:
        raise invalid("limit", f"must be from 1 to {ROWS_MAX}")
    return limit
