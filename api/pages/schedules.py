"""/schedules: what is done when, what became of it, who is told; one schedule with its history."""

from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import msgspec
from litestar import Response

from api import notifications, schedules
from api.call import Call
from api.pages import charts, lines
from api.pages.forms import form_page
from domain.schedules import Kind, Schedule, ScheduleMissing
from projections import schedules as known
from projections import sources

AROUND: Final = timedelta(hours=24)  # that the picture shows of the past, and of what is to come
CHART_W: Final = 960.0
ROWS_MAX: Final = 60  # of the picture
SPANS_MAX: Final = 200
DUE_MAX: Final = 48  # moments to come that are marked in one row
NEXT_SHOWN: Final = 5
RUNS_SHOWN: Final = 20
HISTORY_SHOWN: Final = 50
DELIVERIES_SHOWN: Final = 20


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """One run in the picture."""

    job: int
    status: str
    x: float
    w: float


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One schedule in the picture: its runs, and the moments at which it is due."""

    name: str
    spans: list[Span]
    due: list[float]


async def list_schedules(call: Call) -> Response[str]:
    """Show all schedules, what ran, and who is told."""
    return await show_all(call)


async def show_all(
    call: Call,
    refused: Exception | None = None,
    tested: notifications.TestAnswer | None = None,
) -> Response[str]:
    """The schedules' page; with what was wrong with a form, or how a test of the places went."""
    _renew(call)
    found = await schedules.list_schedules(call)
    words = {line.config.name: line.config.display() for line in known.every(call.views)}
    return form_page(
        call,
        "schedules.html",
        "Schedules",
        refused,
        at="/schedules",
        schedules=[(each, words[each.name]) for each in found],
        unscheduled=(await schedules.unscheduled_sources(call)).sources,
        picture=_picture(call),
        width=CHART_W,
        recent=await schedules.recent_history(call, limit=RUNS_SHOWN),
        told=await notifications.config(call),
        deliveries=await notifications.list_deliveries(call, limit=DELIVERIES_SHOWN),
        tested=tested,
        now=call.views.now,
        **rights(call),
    )


async def one_schedule(call: Call, name: str) -> Response[str]:
    """Show one schedule."""
    return await show(call, name)


async def show(call: Call, name: str, refused: Exception | None = None) -> Response[str]:
    """A schedule's page; with what was wrong with a form."""
    _renew(call)
    config = known.one(call.views, name)
    if config is None:
        raise ScheduleMissing(name)
    history = await schedules.schedule_history(call, name, limit=HISTORY_SHOWN)
    oldest = history.items[::-1]
    times = [run.duration_seconds for run in oldest]
    return form_page(
        call,
        "schedule.html",
        name,
        refused,
        at=path(name),
        schedule=await schedules.schedule_details(call, name),
        words=config.display(),
        coming=_coming(config, call.views.now, NEXT_SHOWN),
        history=history,
        bars=list(zip(oldest, charts.bars(times, 480, 64, HISTORY_SHOWN), strict=True)),
        known={health.config.name for health in sources.every(call.views)},
        events=lines.about(call, f"schedule:{name}"),
        now=call.views.now,
        **rights(call),
    )


def rights(call: Call) -> dict[str, Any]:
    """What the caller may do with schedules; nothing, in the past."""
    now = call.as_of is None
    return {
        "may_trigger": now and call.caller.may("source.sync"),
        "may_manage": now and call.caller.may("scheduler.manage"),
        "kinds": [kind.value for kind in Kind],
    }


def path(name: str) -> str:
    """The page of a schedule."""
    return f"/schedules/{quote(name, safe='')}"


def _renew(call: Call) -> None:
    if call.changes:
        call.views = call.platform.views.current  # what was just done shows


def _coming(config: Schedule, now: datetime, most: int) -> list[datetime]:
    """The next moments at which a schedule is due."""
    found: list[datetime] = []
    moment: datetime | None = now
    while config.enabled and moment is not None and len(found) < most:
        moment = config.next_after(moment)
        if moment is not None:
            found.append(moment)
    return found


def _picture(call: Call) -> list[Row]:
    now = call.views.now
    start, end = now - AROUND, now + AROUND
    ran, _ = known.history(call.views, None, since=start, limit=SPANS_MAX)
    by_name: dict[str, list[known.Run]] = {}
    for run in ran:
        by_name.setdefault(run.schedule, []).append(run)
    found = []
    for line in known.every(call.views)[:ROWS_MAX]:
        runs = by_name.get(line.config.name, [])
        spans = charts.spans(
            [(run.started_at, run.ended_at or now) for run in runs], start, end, CHART_W
        )
        due = [each for each in _coming(line.config, now, DUE_MAX) if each <= end]
        found.append(
            Row(
                name=line.config.name,
                spans=[
                    Span(
                        job=run.job,
                        status="running" if run.ended_at is None else run.status,
                        x=x,
                        w=w,
                    )
                    for run, (x, w) in zip(runs, spans, strict=True)
                ],
                due=[x for x, _ in charts.spans([(at, at) for at in due], start, end, CHART_W)],
            )
        )
    return found
