"""Sources as lines of lists: what state each is in, how far its sync is, what failed."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from api.call import Call
from api.pages import strips, words
from commands.ports import Progress
from projections import sources, syncs
from projections.engine import Reader
from projections.sources import BUSY, SourceHealth


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
    strip: strips.Strip | None  # its newest runs; None where it has not run
    more: int | None  # rows than after the run before; None where that is not known
    progress: str
    share: float | None  # of the work that is done, 0 to 1
    error: str | None
    place: str  # file and line of the error


def rows(call: Call, every: Sequence[SourceHealth]) -> list[Row]:
    """Sources as lines of a list."""
    known = call.views.kept(sources.READ, _known) or {}
    return [_row(call, health, known[health.config.name]) for health in every]


def row(call: Call, health: SourceHealth) -> Row:
    """One source, as a line of a list."""
    return _row(call, health, _past(call.views, health.config.name))


def _row(call: Call, health: SourceHealth, past: "Past") -> Row:
    config, known = health.config, call.caller.role is not None
    failed = health.status == "failed" and known
    now = progress(call, health)
    return Row(
        name=config.name,
        type=config.type,
        description=config.description,
        enabled=config.enabled,
        status=health.status if config.enabled else "disabled",
        busy=health.status in BUSY,
        rows=health.row_count,
        tables=len(health.tables),
        synced_at=health.synced_at,
        last_at=health.last_at,
        last_s=health.last_duration_s,
        strip=past.strip,
        more=past.more,
        progress="" if now is None else told(now),
        share=None if now is None or not now.total else now.done / now.total,
        error=(health.error or "The last sync failed.") if failed else None,
        place=place(past.failed if failed else None),
    )


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What the newest runs of a source tell."""

    strip: strips.Strip | None
    failed: syncs.Run | None  # the newest that did
    more: int | None


def _known(reader: Reader) -> dict[str, Past]:
    """The newest runs of every source, which are asked for at every look at a list."""
    names = [health.config.name for health in sources.every(reader)]
    return {name: _past(reader, name) for name in names}


def _past(reader: Reader, name: str) -> Past:
    runs = syncs.of_source(reader, name, strips.RUNS_SHOWN)
    totals = [run.total_rows for run in runs if run.total_rows is not None]
    return Past(
        strip=strips.strip([(run.status, _took_s(run)) for run in reversed(runs)]),
        failed=next((run for run in runs if run.status == "failed"), None),
        more=totals[0] - totals[1] if len(totals) > 1 else None,
    )


def _took_s(run: syncs.Run) -> float | None:
    if run.started_at is None or run.ended_at is None:
        return None
    return (run.ended_at - run.started_at).total_seconds()


def progress(call: Call, health: SourceHealth) -> Progress | None:
    """How far the sync is that runs now."""
    if call.as_of is not None or health.job is None or health.status != "syncing":
        return None
    return call.platform.progress.get((health.job, health.config.name))


def told(progress: Progress) -> str:
    """The same in words."""
    if progress.total and progress.unit == "rows":
        return f"{progress.phase}, {words.number(progress.done)} of {words.number(progress.total)}"
    return progress.phase


def place(run: syncs.Run | None) -> str:
    """File and line of what a run failed at."""
    if run is None or run.error_file is None:
        return ""
    line = "" if run.error_line is None else f", line {run.error_line}"
    return f"{run.error_file}{line}"
