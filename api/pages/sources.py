"""/sources: all sources with state, schedule and what needs somebody; one source with its runs."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from litestar import Response

from api import sources as api
from api.call import Call
from api.pages import calendar, charts, lines, people, sorts, source_rows
from api.pages.forms import form_page
from api.uploads import stored
from domain.source_types.table import TYPES
from domain.sources import SourceMissing
from projections import attention, drift, schedules, sources, syncs
from projections.sources import SourceHealth

RUNS: Final = 30
DRIFT_SHOWN: Final = 20
# What the list can be sorted by.
COLUMNS: Final[Mapping[str, Callable[[source_rows.Row], Any]]] = {
    "name": lambda row: row.name,
    "state": lambda row: row.status,
    "rows": lambda row: row.rows,
    "age": lambda row: row.synced_at,
    "took": lambda row: row.last_s,
}
CHART: Final = (480.0, 64.0)  # width and height of the picture of runs


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a source; the boxes are its bars in the picture."""

    job: int
    status: str
    at: datetime
    took_s: float | None
    rows: int | None
    total: int | None
    full_refresh: bool
    error: str | None
    place: str
    who: str
    undoable: bool
    bar: charts.Box
    time_bar: charts.Box


async def list_sources(call: Call) -> Response[str]:
    """Show all sources."""
    every = sources.every(call.views)
    known, words = call.caller.role is not None, call.request.query_params.get("q", "").strip()
    order = sorts.order(call, COLUMNS)
    needing = attention.every(call.views, every) if known else {}
    shown = [health for health in every if words.casefold() in health.config.name.casefold()]
    scheduled = schedules.by_source(call.views)
    return form_page(
        call,
        "sources.html",
        "Sources",
        sources=[
            (row, needing.get(row.name), scheduled.get(row.name))
            for row in sorts.arranged(source_rows.rows(call, shown), order, COLUMNS)
        ],
        total=len(every),
        q=words,
        order=order,
        refusal=sources.refusal(call.views) if known else None,
        now=call.views.now,
        **rights(call),
    )


async def one_source(call: Call, source_name: str) -> Response[str]:
    """Show one source."""
    return await show(call, source_name)


async def show(
    call: Call, source_name: str, refused: Exception | None = None, sample: Any = None
) -> Response[str]:
    """A source's page; with what was wrong with a form, or the first rows that it would bring."""
    if call.changes:
        call.views = call.platform.views.current  # what was just done shows
    health = sources.one(call.views, source_name)
    if health is None:
        raise SourceMissing(source_name)
    known = call.caller.role is not None
    governs = call.caller.may("governance.view")
    runs = _runs(call, source_name)
    return form_page(
        call,
        "source.html",
        source_name,
        refused,
        at=f"/sources/{source_name}",
        row=source_rows.row(call, health),
        health=health,
        kind=TYPES.get(health.config.type),
        options=_options(health) if known else [],
        note=health.error if known and health.status == "partial" else None,
        attention=_attention(call, health) if known else None,
        pending=drift.pending(call.views).get(source_name) if governs else None,
        changes=drift.newest(call.views, DRIFT_SHOWN, source=source_name) if governs else [],
        runs=runs,
        chart=CHART,
        calendar=_calendar(call, source_name),
        schedule=schedules.by_source(call.views).get(source_name),
        events=lines.about(call, f"source:{source_name}") if known else [],
        ranged=health.config.type in TYPES and TYPES[health.config.type].kind != "files",
        sample=sample,
        now=call.views.now,
        **rights(call),
    )


async def files(call: Call, source_name: str) -> Response[str]:
    """Show the files of a source: on the disk, and loaded."""
    return await show_files(call, source_name)


async def show_files(
    call: Call, source_name: str, refused: Exception | None = None
) -> Response[str]:
    """The page of a source's files; with what was wrong with a form."""
    return form_page(
        call,
        "files.html",
        f"Files of {source_name}",
        refused,
        at=f"/sources/{source_name}/files",
        name=source_name,
        found=await stored.list_files(call, source_name),
        now=call.views.now,
        upload_bytes_max=call.platform.settings.upload_bytes_max,
        may_upload=call.caller.may("csv.upload"),
        may_delete=call.caller.may("csv.delete"),
        **rights(call),
    )


def rights(call: Call) -> dict[str, Any]:
    """What the caller may do with sources; nothing, in the past."""
    now = call.as_of is None
    return {
        "may_sync": now and call.caller.may("source.sync"),
        "may_manage": now and call.caller.may("source.manage"),
        "may_govern": now and call.caller.may("governance.manage"),
        "signed_in": call.caller.role is not None,
    }


def _attention(call: Call, health: SourceHealth) -> attention.Attention | None:
    return attention.every(call.views, [health]).get(health.config.name)


def _calendar(call: Call, name: str) -> calendar.Calendar:
    today = call.views.now.astimezone(UTC).date()
    return calendar.calendar(syncs.days(call.views, name, calendar.first(today)), today)


def _options(health: SourceHealth) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in health.config.options.items() if value is not None]


def _runs(call: Call, name: str) -> list[RunLine]:
    """The newest runs, the newest first."""
    known = call.caller.role is not None
    newest = syncs.of_source(call.views, name, RUNS)
    found = [(run, api.entry(run, tell_errors=known)) for run in newest]
    width, height = CHART
    oldest = found[::-1]
    rows = charts.bars([run.rows for run, _ in oldest], width, height, RUNS)
    times = charts.bars([entry.duration_seconds for _, entry in oldest], width, height, RUNS)
    lined = [
        RunLine(
            job=run.job,
            status=run.status,
            at=entry.timestamp,
            took_s=entry.duration_seconds,
            rows=run.rows,
            total=run.total_rows,
            full_refresh=run.full_refresh,
            error=entry.error_message,
            place=source_rows.place(run) if known else "",
            who=people.label(call, run.requested_by) if known else "",
            undoable=run.status == "success" and bool(run.schema_name),
            bar=bar,
            time_bar=time_bar,
        )
        for (run, entry), bar, time_bar in zip(oldest, rows, times, strict=True)
    ]
    return lined[::-1]
