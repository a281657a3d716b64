"""/: what state the sources are in, what failed, what is next, what happened since one was here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from litestar import Response

from api.call import Call
from api.pages import changes, lines, render, source_rows, visits, words
from projections import attention, audit, schedules, sources
from projections.sources import SourceHealth

EVENTS_SHOWN: Final = 30
SOURCES_SHOWN_MAX: Final = 500
NEEDING_SHOWN: Final = 5
COMING_SHOWN: Final = 5


async def overview(call: Call) -> Response[str]:
    """Show all sources with their state, and the newest events."""
    every = sources.every(call.views)
    shown = source_rows.rows(call, every[:SOURCES_SHOWN_MAX])
    newest = audit.newest(call.views, lines.visible(call), EVENTS_SHOWN)
    needing = _needing(call, every)
    news = changes.news(call) if call.as_of is None else None
    if call.caller.role is not None and call.as_of is None:
        visits.goes_on(call)
    return render.page(
        call,
        "overview.html",
        "Overview",
        refusal=sources.refusal(call.views) if call.caller.role is not None else None,
        sources=shown,
        more=len(every) - len(shown),
        counts=_counts(every),
        verdict=_verdict(every),
        rows=sum(health.row_count or 0 for health in every),
        latest=max((h.synced_at for h in every if h.synced_at is not None), default=None),
        failing=[row for row in shown if row.error is not None],
        needing=needing[:NEEDING_SHOWN],
        needing_more=max(0, len(needing) - NEEDING_SHOWN),
        coming=_coming(call),
        news=news,
        events=lines.lines(call, newest),
        now=call.views.now,
        may_sync=call.caller.may("source.sync") and call.as_of is None,
        may_add=call.caller.may("source.manage") and call.as_of is None,
        signed_in=call.caller.role is not None,
    )


def _needing(call: Call, every: Sequence[SourceHealth]) -> list[attention.Attention]:
    """What needs somebody, but for what failed: that is told at length."""
    if call.caller.role is None:
        return []
    failed = {health.config.name for health in every if health.status == "failed"}
    known = attention.every(call.views, every).values()
    return [each for each in known if each.source not in failed or len(each.reasons) > 1]


def _coming(call: Call) -> list[tuple[datetime, str]]:
    """What is done next by itself, and when."""
    if not call.caller.may("scheduler.view"):
        return []
    now = call.views.now
    found = [
        (at, line.config.name)
        for line in schedules.every(call.views)
        if line.config.enabled and (at := line.config.next_after(now)) is not None
    ]
    return sorted(found)[:COMING_SHOWN]


def _counts(every: Sequence[SourceHealth]) -> dict[str, int]:
    """How many sources are in which state, the commonest first."""
    found: dict[str, int] = {}
    for health in every:
        found[health.status] = found.get(health.status, 0) + 1
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _verdict(every: Sequence[SourceHealth]) -> str:
    """The state of everything in one sentence."""
    total = len(every)
    failed = [health.config.name for health in every if health.status == "failed"]
    fresh = [health for health in every if health.synced_at is not None]
    busy = [health.config.name for health in every if health.status in sources.BUSY]
    if failed:
        named = ", ".join(failed[:3]) + (f" and {len(failed) - 3} more" if failed[3:] else "")
        return f"{len(failed)} of {words.plural(total, 'source')} failed: {named}."
    if busy:
        return f"{words.plural(len(busy), 'source')} syncing now, {len(fresh)} of {total} loaded."
    if not fresh:
        return f"{words.plural(total, 'source')}, none of them synced yet."
    if len(fresh) < total:
        return f"{len(fresh)} of {words.plural(total, 'source')} are loaded."
    return "The source is in sync." if total == 1 else f"All {total} sources are in sync."
