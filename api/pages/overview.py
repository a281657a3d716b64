"""/: what state the sources are in, what failed, what just happened."""

from datetime import datetime
from typing import Final

import msgspec
from litestar import Response

from api.call import Call
from api.pages import lines, render, words
from commands.ports import Progress
from projections import audit, sources, syncs
from projections.sources import SourceHealth

EVENTS_SHOWN: Final = 30
SOURCES_SHOWN_MAX: Final = 500
RUNS_SHOWN: Final = 12
OPEN: Final = frozenset({"queued", "syncing"})


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One source."""

    name: str
    type: str
    description: str
    enabled: bool
    status: str
    busy: bool
    rows: int | None
    tables: int
    synced_at: datetime | None
    last_at: datetime | None
    last_s: float | None
    runs: list[syncs.Run]  # the oldest first
    progress: str
    share: float | None  # of the work that is done, 0 to 1
    error: str | None
    place: str  # file and line of the error


async def overview(call: Call) -> Response[str]:
    """Show all sources with their state, and the newest events."""
    every = sources.every(call.views)
    shown = [_row(call, health) for health in every[:SOURCES_SHOWN_MAX]]
    newest = audit.newest(call.views, lines.visible(call), EVENTS_SHOWN)
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
        events=lines.lines(call, newest),
        now=call.views.now,
        may_sync=call.caller.may("source.sync") and call.as_of is None,
        signed_in=call.caller.role is not None,
    )


def _row(call: Call, health: SourceHealth) -> Row:
    config, known = health.config, call.caller.role is not None
    runs = syncs.of_source(call.views, config.name, RUNS_SHOWN)
    failed = health.status == "failed" and known
    last = next((run for run in runs if run.status == "failed"), None) if failed else None
    progress = _progress(call, health)
    return Row(
        name=config.name,
        type=config.type,
        description=config.description,
        enabled=config.enabled,
        status=health.status if config.enabled else "disabled",
        busy=health.status in OPEN,
        rows=health.row_count,
        tables=len(health.tables),
        synced_at=health.synced_at,
        last_at=health.last_at,
        last_s=health.last_duration_s,
        runs=runs[::-1],
        progress="" if progress is None else _told(progress),
        share=None if progress is None or not progress.total else progress.done / progress.total,
        error=(health.error or "The last sync failed.") if failed else None,
        place=_place(last),
    )


def _progress(call: Call, health: SourceHealth) -> Progress | None:
    if call.as_of is not None or health.job is None or health.status != "syncing":
        return None
    return call.platform.progress.get((health.job, health.config.name))


def _told(progress: Progress) -> str:
    if progress.total and progress.unit == "rows":
        return f"{progress.phase}, {words.number(progress.done)} of {words.number(progress.total)}"
    return progress.phase


def _place(run: syncs.Run | None) -> str:
    if run is None or run.error_file is None:
        return ""
    line = "" if run.error_line is None else f", line {run.error_line}"
    return f"{run.error_file}{line}"


def _counts(every: list[SourceHealth]) -> dict[str, int]:
    """How many sources are in which state, the commonest first."""
    found: dict[str, int] = {}
    for health in every:
        found[health.status] = found.get(health.status, 0) + 1
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _verdict(every: list[SourceHealth]) -> str:
    """The state of everything in one sentence."""
    total = len(every)
    failed = [health.config.name for health in every if health.status == "failed"]
    fresh = [health for health in every if health.synced_at is not None]
    busy = [health.config.name for health in every if health.status in OPEN]
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
