"""The log itself, for auditors: what happened, by whom, why, and that nothing was tampered with."""

import re
from datetime import datetime
from typing import Any, Final

import msgspec

from api import masks, words
from api.call import Call
from api.errors import Denied, invalid
from domain.kernel import Recorded, tags
from domain.monitor_runs import MonitorEvaluated
from domain.pii import MASK
from projections import audit
from projections.audit import Verified

EVENTS: Final = 100
EVENTS_MAX: Final = 1_000
_NOTED: Final = re.compile(r"[1-9][0-9]{0,17}:[0-9a-f]{64}")


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """One event with its envelope."""

    position: int
    id: str
    type: str
    timestamp: datetime
    stream: str
    actor: str
    via: str
    command: str
    correlation: str
    causation: str | None
    tags: list[str]
    data: dict[str, Any]
    words: str
    hash: str


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of events; ask on with `after` (upwards) or `before` (downwards) of its last one."""

    events: list[EventView]
    head: int
    more: bool


async def list_events(
    call: Call,
    *,
    after: int | None = None,
    before: int | None = None,
    limit: int = EVENTS,
    type: str | None = None,
    stream: str | None = None,
    actor: str | None = None,
    user: str | None = None,
    correlation: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> EventPage:
    """List events: behind `after` in their order, otherwise the newest first.

    `user` is the id of a user: what was done to the account, and what its owner did.
    """
    if not 1 <= limit <= EVENTS_MAX:
        raise invalid("limit", f"is not between 1 and {EVENTS_MAX}")
    for name, bound in (("after", after), ("before", before)):
        if bound is not None and not 0 <= bound < 1 << 63:
            raise invalid(name, "is not a position")
    for name, moment in (("since", since), ("until", until)):
        if moment is not None and moment.tzinfo is None:
            raise invalid(name, "is a time without a zone")
    wanted = audit.Filter(
        after=after,
        before=before,
        type=type,
        stream=stream,
        actor=actor,
        user=user,
        correlation=correlation,
        since=since,
        until=until,
    )
    positions = audit.positions(call.views, wanted, limit + 1)
    found = [view(call, position) for position in positions[:limit]]
    return EventPage(events=found, head=call.views.position, more=len(positions) > limit)


async def one_event(call: Call, position: int) -> EventView:
    """Tell one event with everything that is known about it."""
    if not 0 < position <= call.views.position:
        raise Denied(404, f"Event {position} not found.")
    return view(call, position)


async def verify_events(call: Call, *, noted: str | None = None) -> Verified:
    """Walk the hash chain from the first event to the last.

    `noted` is a position and its hash as somebody wrote them down, `<position>:<hash>`: a log that
    has become shorter since, or another one, is found out by them alone.
    """
    if noted is None:
        return await call.platform.history.verify()
    if not _NOTED.fullmatch(noted):
        raise invalid("noted", "is not <position>:<hash>, with 64 hex digits")
    position, _, digest = noted.partition(":")
    return await call.platform.history.verify(audit.Noted(int(position), digest))


def view(call: Call, position: int) -> EventView:
    """An event as it goes out."""
    found = call.platform.history.get(position)
    if found is None:
        raise Denied(404, f"Event {position} not found.")
    recorded, digest = found
    return EventView(
        position=recorded.position,
        id=recorded.id,
        type=recorded.type,
        timestamp=recorded.at,
        stream=recorded.stream,
        actor=recorded.actor,
        via=recorded.via,
        command=recorded.command,
        correlation=recorded.correlation,
        causation=recorded.causation,
        tags=list(tags(recorded.event)),
        data=_data(call, recorded),
        words=words.said(recorded.event),
        hash=digest,
    )


def _data(call: Call, recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    fields: dict[str, Any] = msgspec.to_builtins(event)
    fields.pop("type", None)
    if isinstance(event, MonitorEvaluated) and event.drill_down:
        # The one event with values of rows; their columns may have been found personal since.
        hidden = masks.of_table(masks.hidden(call), *event.source_table.split(".", 1))
        for part in fields["drill_down"]:
            if part["column"].casefold() in hidden and part["key"] is not None:
                part["key"] = MASK
    return fields
