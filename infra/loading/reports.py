"""Rows of Google's reports, which hold values without names: the names that were asked for.

https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/Row: values stand in
the order in which they were asked for, and all of them are texts.
"""

import re
from typing import Any, Final

from commands import ports
from domain.source_types.rest import Report

COMPACT_DAY: Final = re.compile(r"\d{8}")


def reported(report: Report, row: Any) -> dict[str, Any]:
    """A row by its names: metrics are numbers, days are spelled as days. Raises WorkRefused."""
    try:
        dimensions = [str(one["value"]) for one in row.get("dimensionValues", ())]
        metrics = [_number(one["value"]) for one in row.get("metricValues", ())]
        found: dict[str, Any] = dict(zip(report.dimensions, dimensions, strict=True))
        measured = dict(zip(report.metrics, metrics, strict=True))
    except (AttributeError, KeyError, TypeError, ValueError):
        reason = "The report has other columns than it was asked for."
        raise ports.WorkRefused(reason) from None
    if COMPACT_DAY.fullmatch(day := found.get("date", "")):
        found["date"] = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    return found | measured


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
