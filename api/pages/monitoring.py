"""/monitoring: the numbers that are watched, what is thought of them, and the past of one."""

from datetime import timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Response

from api import errors, monitors
from api import monitoring as api
from api.call import Call
from api.errors import invalid
from api.pages import bands, forms, render, words
from domain.anomalies import PAST, Compare
from domain.monitors import ROW_COUNT, Monitor, MonitorMissing
from projections import monitors as known

PAGE: Final = "/monitoring"
SPANS: Final = (7, 30, 90)  # days that links offer
FIELDS: Final = ("source_table", "value_expression", "filter", "compare", "alert_threshold")


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """One number that is looked at: its values, the newest first, and their picture."""

    name: str
    config: Monitor | None  # None: it is watched no more
    days: int
    values: list[bands.Seen]
    band: bands.Band | None
    links: list[tuple[int, str]]


async def monitoring_page(call: Call) -> Response[str]:
    """Show what is watched; with `metric`, the past of one number."""
    return await _page(call)


async def run(call: Call) -> Response[str]:
    """Measure all that is watched now."""
    await forms.read(call)
    return await _done(call, api.run(call))


async def add(call: Call) -> Response[str]:
    """Add a monitor."""
    given = await forms.filled(call)
    try:
        await monitors.add_monitor(call, forms.convert(_body(given), monitors.NewMonitor))
    except errors.TOLD as refused:
        return await _page(call, refused, given)
    return render.see_other(path(given["name"]))


async def change(call: Call, name: str) -> Response[str]:
    """Change a monitor."""
    given = await forms.filled(call)
    body = forms.convert(_body(given), monitors.MonitorChange)
    return await _done(call, monitors.change_monitor(call, name, body), path(name))


async def remove(call: Call, name: str) -> Response[str]:
    """Remove a monitor."""
    await forms.read(call)
    return await _done(call, monitors.remove_monitor(call, name))


def path(name: str) -> str:
    """The page with one number looked at."""
    return f"{PAGE}?{urlencode({'metric': name})}#history"


async def _done(call: Call, doing: Any, back: str = PAGE) -> Response[str]:
    return await forms.done(doing, back, partial(_page, call), MonitorMissing)


def _body(given: dict[str, str]) -> dict[str, Any]:
    """The body that the API takes."""
    columns = [line.strip() for line in given.get("drill_down", "").splitlines()]
    body: dict[str, Any] = {name: text for name, text in given.items() if name != "drill_down"}
    return {**body, "drill_down": [each for each in columns if each]} if any(columns) else body


async def _page(
    call: Call, refused: Exception | None = None, given: dict[str, str] | None = None
) -> Response[str]:
    if call.changes:
        call.views = call.platform.views.current
    found = await api.list_metrics(call)
    looked = None if call.changes else _looked(call)
    return forms.form_page(
        call,
        "monitoring.html",
        "Monitoring",
        refused,
        at=PAGE,
        metrics=sorted(found.metrics, key=lambda metric: metric.status != "alert"),
        total=found.total,
        verdict=_verdict(found),
        looked=looked,
        picture=(bands.WIDTH, bands.HEIGHT),
        own={name: (given or {}).get(name, "") for name in ("name", *FIELDS)},
        compares=[each.value for each in Compare],
        row_count=ROW_COUNT,
        number=_number,
        path=path,
        may_run=call.as_of is None,
        may_manage=call.as_of is None and call.caller.may("governance.manage"),
        now=call.views.now,
    )


def _looked(call: Call) -> Looked | None:
    """The number that the query names. Raises Denied, MonitorMissing."""
    query = call.request.query_params
    name = query.get("metric", "")
    if not name:
        return None
    days = _days(query.get("days", ""))
    config = next((w.config for w in known.every(call.views) if w.config.name == name), None)
    if config is None and not known.names_ever(call.views, name):
        raise MonitorMissing(name)
    now, span = call.views.now, timedelta(days=days)
    points = known.past(call.views, name, now, PAST + span)
    compare = Compare.SEASONAL if config is None else config.compare
    threshold = None if config is None else config.alert_threshold
    values = bands.seen(points, now - span, compare, threshold)
    return Looked(
        name=name,
        config=config,
        days=days,
        values=values[::-1],
        band=bands.band(values),
        links=[(each, f"{PAGE}?{urlencode({'metric': name, 'days': each})}") for each in SPANS],
    )


def _days(text: str) -> int:
    """Of how many days values are shown. Raises Denied."""
    if not text:
        return api.DAYS
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(api.DAYS_MAX))
    if not digits or not 1 <= int(text) <= api.DAYS_MAX:
        raise invalid("days", f"must be from 1 to {api.DAYS_MAX}")
    return int(text)


def _verdict(found: api.Monitoring) -> tuple[str, str]:
    """The mark and the sentence above all numbers."""
    total = words.plural(found.total, "number")
    if found.flagged:
        return "bad", f"{found.flagged} of {total} not as expected."
    broken = sum(metric.status == "error" for metric in found.metrics)
    if broken:
        return "warn", f"{broken} of {total} could not be measured."
    return ("good", f"{total}, none of them odd.") if found.total else ("none", "Nothing yet.")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.10g}"
