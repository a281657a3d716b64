"""`dango monitor`: the numbers that are watched, and what is thought of them."""

import argparse
from typing import Any, Final

from api.cli.client import Api, segment
from api.cli.command import Command, arg
from api.cli.output import Output, moment

PATH: Final = "/api/monitors"
READINGS: Final = "/api/monitoring"
COMPARISONS: Final = (
    *("seasonal", "week_over_week", "rolling_7day_avg", "rolling_30day_avg", "prior_period"),
    "none",
)
COLUMNS: Final = ("name", "table", "status", "value", "expected", "change %", "when", "error")
HISTORY: Final = ("when", "metric", "value")


async def every(given: argparse.Namespace, api: Api, out: Output) -> int:
    """List the monitors with what was seen last."""
    return _metrics(given, out, await api.get(READINGS))


async def run(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Measure now."""
    path = READINGS + "/run"
    if given.source is not None:
        path += f"?source={segment(given.source)}"
    found = await api.post(path)
    _metrics(given, out, found)
    return 0


async def history(given: argparse.Namespace, api: Api, out: Output) -> int:
    """List the values of a monitor, or of all."""
    found = await api.get(f"{READINGS}/history", metric=given.name, days=given.days)
    if given.json:
        out.json(found)
        return 0
    rows = [
        (moment(each["recorded_at"]), each["metric"], f"{each['value']:g}")
        for each in found["data_points"]
    ]
    out.table(HISTORY, rows)
    return 0


async def add(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Write a new monitor into monitors.yml."""
    optional = {
        "value_expression": given.value,
        "filter": given.filter,
        "compare": given.compare,
        "alert_threshold": given.threshold,
        "drill_down": given.drill_down,
    }
    body: dict[str, Any] = {"name": given.name, "source_table": given.table}
    body |= {key: value for key, value in optional.items() if value is not None}
    return _said(given, out, await api.post(PATH, body))


async def remove(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Take a monitor out of monitors.yml."""
    return _said(given, out, await api.delete(f"{PATH}/{segment(given.name)}"))


def _metrics(given: argparse.Namespace, out: Output, found: dict[str, Any]) -> int:
    if given.json:
        out.json(found)
        return 0
    out.table(COLUMNS, [_row(metric) for metric in found["metrics"]])
    if found["flagged"]:
        out.note(f"Alerts: {found['flagged']}")
    return 0


def _row(metric: dict[str, Any]) -> tuple[str, ...]:
    return (
        metric["name"],
        f"{metric['source']}.{metric['table_name']}",
        metric["status"],
        _number(metric["value"]),
        _number(metric["baseline_value"]),
        "" if metric["change_pct"] is None else f"{metric['change_pct']:+.1f}",
        moment(metric["evaluated_at"]),
        metric["error"] or "",
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _said(given: argparse.Namespace, out: Output, answer: dict[str, Any]) -> int:
    if given.json:
        out.json(answer)
    else:
        out.line(answer["message"])
    return 0


NAME: Final = arg("name", metavar="NAME", help="of the monitor")
ROWS: Final[tuple[Command, ...]] = (
    Command(
        "monitor list",
        "list the monitors with what was seen last",
        "dango monitor list",
        every,
    ),
    Command(
        "monitor run",
        "measure now, and tell what came of it",
        "dango monitor run orders",
        run,
        (arg("source", metavar="SOURCE", nargs="?", help="the tables of this source alone"),),
        policies=True,
    ),
    Command(
        "monitor history",
        "list the values of a monitor; of all, when none is named",
        "dango monitor history turnover --days 7",
        history,
        (
            arg("name", metavar="NAME", nargs="?", help="of the monitor"),
            arg("--days", metavar="N", type=int, help="of so many days (30)"),
        ),
    ),
    Command(
        "monitor add",
        "write a new monitor into monitors.yml",
        "dango monitor add turnover raw_orders.orders --value 'sum(amount)' --drill-down region",
        add,
        (
            NAME,
            arg("table", metavar="SCHEMA.TABLE", help="what is watched"),
            arg("--value", metavar="SQL", help="an expression that makes one number (count(*))"),
            arg("--filter", metavar="SQL", help="which rows count"),
            arg("--compare", choices=COMPARISONS, help="with what (seasonal)"),
            arg("--threshold", metavar="PCT", type=float, help="alert beyond so many percent"),
            arg("--drill-down", metavar="COLUMN", action="append", help="tell which part changed"),
        ),
    ),
    Command(
        "monitor remove",
        "take a monitor out of monitors.yml; its values stay",
        "dango monitor remove turnover",
        remove,
        (NAME,),
    ),
)
