"""`dango events`: the log of everything that happened."""

import argparse
import json
from typing import Final

from api.cli.client import Api
from api.cli.output import Output, moment, number

COLUMNS: Final = ("position", "time", "type", "stream", "actor")
FILTERS: Final = ("type", "stream", "actor", "correlation", "since", "until", "limit", "after")
PATH: Final = "/api/events"


async def every(given: argparse.Namespace, api: Api, out: Output) -> int:
    """List events."""
    page = await api.get(PATH, **{name: getattr(given, name) for name in FILTERS})
    if given.json:
        out.json(page)
        return 0
    rows = [
        (e["position"], moment(e["timestamp"]), e["type"], e["stream"], e["actor"])
        for e in page["events"]
    ]
    out.table(COLUMNS, rows, right=("position",))
    if page["more"]:
        out.note("There are more: --limit asks for more at once, --after goes on upwards.")
    return 0


async def show(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Tell all about one event."""
    event = await api.get(f"{PATH}/{given.position}")
    if given.json:
        out.json(event)
        return 0
    data = event.pop("data")
    width = max(map(len, event))
    for name, value in event.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        out.line(f"{name:{width}}  {'' if shown is None else shown}")
    for line in json.dumps(data, ensure_ascii=False, indent=2).splitlines():
        out.line(line)
    return 0


async def verify(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Walk the chain of hashes from the first event to the last."""
    found = await api.get(f"{PATH}/verify")
    if given.json:
        out.json(found)
    elif found["ok"]:
        out.line(f"All {number(found['events'])} events are as they were written.")
        out.line(f"  hash of the chain  {found['hash']}")
    if not found["ok"]:
        out.problem(f"The log is damaged at position {found['position']}: {found['problem']}")
        return 1
    return 0
