"""`dango events`: the log of everything that happened."""

import argparse
import asyncio
import json
from typing import Any, Final

from api.cli.arguments import LIMIT, instant, point, position
from api.cli.client import Api, segment
from api.cli.command import Command, arg
from api.cli.output import Output, moment, number, text
from api.cli.world import Refusal

COLUMNS: Final = ("position", "time", "type", "stream", "actor")
FILTERS: Final = ("type", "stream", "actor", "correlation", "since", "until", "limit", "after")
PATH: Final = "/api/events"
POLL_S: Final = 0.5  # between two looks for what has come
TAIL_EVENTS: Final = 200  # at one look
# What can be seen as it was then, and what of it a table shows; without columns all, line by line.
VIEWS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "sources": ("/api/sources", ("name", "type", "status", "enabled", "row_count")),
    "source": ("/api/sources/{}/details", ()),
    "users": ("/api/admin/users", ("email", "role", "display_name", "status", "id")),
    "logs": ("/api/logs", ("position", "timestamp", "level", "source", "message")),
    "job": ("/api/sync/status/{}", ()),
}


async def every(given: argparse.Namespace, api: Api, out: Output) -> int:
    """List events."""
    page = await api.get(PATH, **{name: getattr(given, name) for name in FILTERS})
    if given.json:
        out.json(page)
        return 0
    out.table(COLUMNS, [_row(event) for event in page["events"]], right=("position",))
    if page["more"]:
        out.note("There are more: --limit asks for more at once, --after goes on upwards.")
    return 0


async def tail(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Show events as they come, until Ctrl-C."""
    if not api.served:
        raise Refusal("No server runs, so nothing comes; see `dango events list`.")
    after = given.after
    try:
        if after is None:
            after = (await api.get(PATH, limit=1))["head"]
        while True:
            page = await api.get(PATH, after=after, type=given.type, limit=TAIL_EVENTS)
            for event in page["events"]:
                out.json_line(event) if given.json else out.row(_row(event))
                after = event["position"]
            if not page["more"]:
                await asyncio.sleep(POLL_S)
    except asyncio.CancelledError:
        return 0


async def at(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Show what a view showed then."""
    path, columns = VIEWS[given.view]
    if ("{}" in path) != (given.name is not None):
        wants = "one NAME, or the ID of a job" if "{}" in path else "no NAME"
        raise Refusal(f"The view '{given.view}' takes {wants}.")
    found = await api.get(
        path if given.name is None else path.format(segment(given.name)), as_of=given.when
    )
    if given.json:
        out.json(found)
    elif columns:
        out.table(columns, [[row[name] for name in columns] for row in found])
    else:
        _fields(found, out)
    return 0


async def show(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Tell all about one event."""
    event = await api.get(f"{PATH}/{given.position}")
    if given.json:
        out.json(event)
        return 0
    data = event.pop("data")
    event["tags"] = ", ".join(event["tags"])
    _fields(event, out)
    for line in json.dumps(data, ensure_ascii=False, indent=2).splitlines():
        out.line(line)
    return 0


async def verify(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Walk the chain of hashes from the first event to the last."""
    found = await api.get(f"{PATH}/verify", noted=given.noted)
    if given.json:
        out.json(found)
    elif found["ok"]:
        out.line(f"All {number(found['events'])} events are as they were written.")
        out.line(f"  hash of the chain  {found['hash']}")
    if not found["ok"]:
        out.problem(f"The log is damaged at position {found['position']}: {found['problem']}")
        return 1
    return 0


def _row(event: dict[str, Any]) -> tuple[Any, ...]:
    stamp = moment(event["timestamp"])
    return (event["position"], stamp, event["type"], event["stream"], event["actor"])


def _fields(found: dict[str, Any], out: Output) -> None:
    width = max(map(len, found))
    for name, value in found.items():
        out.line(f"{name:{width}}  {text(value)}")


ROWS: Final[tuple[Command, ...]] = (
    Command(
        "events list",
        "list events, newest first; behind --after in their order",
        "dango events list --stream source:orders --since 2026-05-17 --limit 20",
        every,
        (
            arg("--type", metavar="T", help="such as sync_completed"),
            arg("--stream", metavar="S", help="what it is about, such as source:orders"),
            arg("--actor", metavar="A", help="who did it, such as user:<id>"),
            arg("--correlation", metavar="C", help="id of the request that it belongs to"),
            arg("--since", metavar="TIME", type=instant, help="not before this time or day"),
            arg("--until", metavar="TIME", type=instant, help="not after this time or day"),
            LIMIT,
            arg("--after", metavar="P", type=position, help="only behind this position"),
        ),
    ),
    Command(
        "events show",
        "tell all about one event",
        "dango events show 17",
        show,
        (arg("position", metavar="POSITION", type=position, help="where in the log"),),
    ),
    Command(
        "events tail",
        "show events as they come, until Ctrl-C",
        "dango events tail --type sync_completed",
        tail,
        (
            arg("--after", metavar="P", type=position, help="from behind this position (now)"),
            arg("--type", metavar="T", help="such as sync_completed"),
        ),
    ),
    Command(
        "events at",
        "show what a view showed at a position or time",
        "dango events at 2026-05-17 source orders",
        at,
        (
            arg("when", metavar="WHEN", type=point, help="a position, a time, or a day"),
            arg("view", metavar="VIEW", choices=tuple(VIEWS), help=", ".join(VIEWS)),
            arg("name", metavar="NAME", nargs="?", help="of the source, or id of the job"),
        ),
    ),
    Command(
        "events verify",
        "prove that no event was changed or taken away",
        "dango events verify",
        verify,
        (arg("--noted", metavar="P:HASH", help="a position and its hash, as noted elsewhere"),),
    ),
)
