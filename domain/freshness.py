"""When the data of a source is too old: told once, until it is brought up to date.

Only time makes data old, so the clock asks; what is decided depends on the log alone. A source that
is switched off, or was never synced, does not turn stale.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Final

import msgspec

from domain import sources, syncs
from domain.kernel import Boundary, Event, Recorded, about

HOURS_MAX: Final = 24 * 366


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class SourceTurnedStale(Event, frozen=True, kw_only=True, tag="source_turned_stale"):
    """Nothing has brought the data of a source up to date for `after_hours`."""

    permission: ClassVar[str] = "source.view"
    source: str
    synced_at: datetime
    after_hours: float

    def stream(self) -> str:
        return f"source:{self.source}"


EVENTS: Final[tuple[type[Event], ...]] = (SourceTurnedStale,)


class Freshness(msgspec.Struct, frozen=True):
    """By source: whether it is switched on, when it was synced, and whether it is stale."""

    enabled: Mapping[str, bool] = {}
    synced_at: Mapping[str, datetime] = {}
    stale: frozenset[str] = frozenset()


def evolve(state: Freshness, recorded: Recorded) -> Freshness:
    """Fold one event."""
    replace = msgspec.structs.replace
    match recorded.event:
        case (
            sources.SourceRegistered(source=name, config=config)
            | sources.SourceReconfigured(source=name, config=config)
        ):
            return replace(state, enabled={**state.enabled, name: config.enabled})
        case sources.SourceRemoved(source=name):
            return Freshness(
                {k: v for k, v in state.enabled.items() if k != name},
                {k: v for k, v in state.synced_at.items() if k != name},
                state.stale - {name},
            )
        case syncs.SyncCompleted(source=name):
            return Freshness(
                state.enabled,
                {**state.synced_at, name: recorded.at},
                state.stale - {name},
            )
        case SourceTurnedStale(source=name):
            return replace(state, stale=state.stale | {name})
        case _:
            return state


def boundary(source: str) -> Boundary:
    """All that happened to this source."""
    return about(f"source:{source}")


def look(state: Freshness, source: str, *, now: datetime, after_hours: float) -> list[Event]:
    """Whether a source has turned stale by now."""
    synced_at = state.synced_at.get(source)
    if synced_at is None or source in state.stale or not state.enabled.get(source):
        return []
    if now - synced_at < timedelta(hours=min(after_hours, HOURS_MAX)):
        return []
    return [SourceTurnedStale(source=source, synced_at=synced_at, after_hours=after_hours)]
