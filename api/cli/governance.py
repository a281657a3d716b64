"""`dango governance`: what changed in columns, which tell of persons, what needs somebody."""

import argparse
from typing import Final

from api.cli.arguments import SOURCE
from api.cli.client import Api, segment
from api.cli.command import Command, arg
from api.cli.output import Output, moment

PATH: Final = "/api/governance"
DRIFT_COLUMNS: Final = ("when", "source", "table", "column", "change", "severity", "detail")
PII_COLUMNS: Final = ("source", "table", "column", "kind", "confidence", "masked")
ATTENTION_COLUMNS: Final = ("source", "since", "reason")


async def drift(given: argparse.Namespace, api: Api, out: Output) -> int:
    """List how columns changed."""
    found = await api.get(f"{PATH}/schema-drift", source=given.source)
    if given.json:
        out.json(found)
        return 0
    rows = [
        (
            moment(each["detected_at"]),
            each["source"],
            each["table_name"],
            each["column_name"],
            each["event_type"].replace("_", " "),
            each["severity"],
            each["detail"],
        )
        for each in found["events"]
    ]
    out.table(DRIFT_COLUMNS, rows)
    if found["held"]:
        out.note(f"To be accepted: {', '.join(found['held'])}")
    return 0


async def accept(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Accept what changed."""
    answer = await api.post(f"{PATH}/drift/{segment(given.source)}/accept")
    if given.json:
        out.json(answer)
    else:
        out.line(answer["message"])
    return 0


async def pii(given: argparse.Namespace, api: Api, out: Output) -> int:
    """List the columns that tell of persons."""
    found = await api.get(f"{PATH}/pii", source=given.source)
    if given.json:
        out.json(found)
        return 0
    rows = [
        (
            each["source"],
            each["table_name"],
            each["column_name"],
            each["entity_type"],
            f"{each['confidence']:.2f}",
            "yes" if each["masked"] else "no",
        )
        for each in found["findings"]
    ]
    out.table(PII_COLUMNS, rows, right=("confidence",))
    return 0


async def attention(given: argparse.Namespace, api: Api, out: Output) -> int:
    """List the sources that need somebody."""
    found = await api.get(f"{PATH}/attention")
    if given.json:
        out.json(found)
        return 0
    rows = [
        (each["source"], moment(reason["since"]), reason["message"])
        for each in found
        for reason in each["reasons"]
    ]
    out.table(ATTENTION_COLUMNS, rows)
    return 0


ANY_SOURCE: Final = arg("source", metavar="SOURCE", nargs="?", help="of this source alone")
ROWS: Final[tuple[Command, ...]] = (
    Command(
        "governance attention",
        "list the sources that need somebody, why, and since when",
        "dango governance attention",
        attention,
    ),
    Command(
        "governance drift",
        "list how the columns of sources changed, newest first",
        "dango governance drift orders",
        drift,
        (ANY_SOURCE,),
    ),
    Command(
        "governance accept",
        "accept the changed columns of a source, so that its models are built again",
        "dango governance accept orders",
        accept,
        (SOURCE,),
    ),
    Command(
        "governance pii",
        "list the columns that seem to tell of persons; never a value",
        "dango governance pii",
        pii,
        (ANY_SOURCE,),
    ),
)
