"""`dango source`: where data comes from, without an editor."""

import argparse
import json
from typing import Any, Final

from api.cli.arguments import SOURCE
from api.cli.client import Api, segment
from api.cli.command import Command, arg
from api.cli.output import Output, age, number
from api.cli.world import Refusal

PATH: Final = "/api/sources"
COLUMNS: Final = ("source", "type", "enabled", "state", "rows", "synced")
TYPE_COLUMNS: Final = ("type", "what it is")


async def every(given: argparse.Namespace, api: Api, out: Output) -> int:
    """List the sources."""
    found = await api.get(PATH)
    if given.json:
        out.json(found)
        return 0
    rows = [
        (
            source["name"],
            source["type"],
            "yes" if source["enabled"] else "no",
            source["status"],
            number(source["row_count"]),
            age(source["freshness"]["hours_since_sync"]),
        )
        for source in found
    ]
    out.table(COLUMNS, rows, right=("rows",))
    return 0


async def types(given: argparse.Namespace, api: Api, out: Output) -> int:
    """List the types of source."""
    found = await api.get("/api/source-types")
    if given.type is not None:
        kind = next((each for each in found if each["name"] == given.type), None)
        if kind is None:
            raise Refusal(f"There is no type '{given.type}'; `dango source types` lists them.")
        out.json(kind if given.json else kind["schema"])
    elif given.json:
        out.json(found)
    else:
        out.table(TYPE_COLUMNS, [(each["name"], each["summary"]) for each in found])
    return 0


async def add(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Write a new source."""
    body = {"name": given.source, "type": given.type, "options": _options(given, {})}
    out.message(await api.post(PATH, body | _keys(given)), as_json=given.json)
    if not given.json:
        name = given.source
        out.note(f"See its first rows: dango source test {name}. Load it: dango sync {name}")
    return 0


async def edit(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Change a source."""
    path = f"{PATH}/{segment(given.source)}"
    body = _keys(given)
    if given.set or given.unset:
        details = await api.get(f"{path}/details")
        config, body["revision"] = details["config"], details["revision"]
        body["options"] = _options(given, config[config["type"]])
    if not body:
        raise Refusal("Nothing to change was named; --help tells what there is.")
    return out.message(await api.put(path, body), as_json=given.json)


async def test(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Show the first rows of a source."""
    found = await api.post(f"{PATH}/{segment(given.source)}/test")
    if given.json:
        out.json(found)
        return 0
    out.table([column["name"] for column in found["columns"]], found["rows"])
    for note in found["notes"]:
        out.note(note)
    return 0


async def remove(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Take a source out."""
    return out.message(await api.delete(f"{PATH}/{segment(given.source)}"), as_json=given.json)


def _keys(given: argparse.Namespace) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if given.description is not None:
        body["description"] = given.description
    if given.into is not None:
        body["schema"] = given.into
    if given.enabled is not None:
        body["enabled"] = given.enabled == "true"
    if given.lookback_days is not None:
        body["lookback_days"] = given.lookback_days
    return body


def _options(given: argparse.Namespace, before: dict[str, Any]) -> dict[str, Any]:
    """The options as they are to be. Raises Refusal."""
    options = dict(before)
    for key in given.unset or ():
        options.pop(key, None)
    for pair in given.set or ():
        key, between, value = pair.partition("=")
        if not key or not between:
            raise Refusal(f"--set takes KEY=VALUE, and '{pair}' is none.")
        options[key] = _value(value)
    return options


def _value(text: str) -> Any:
    """JSON where it is some; else the text as it stands."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


KEYS: Final = (
    arg("--set", metavar="KEY=VALUE", action="append", help="an option of its type; JSON or text"),
    arg("--unset", metavar="KEY", action="append", help="leave an option out"),
    arg("--description", metavar="TEXT", help="what it is"),
    arg("--into", metavar="SCHEMA", help="the schema that it is loaded into (raw_SOURCE)"),
    arg("--enabled", choices=("true", "false"), help="whether `dango sync` takes it"),
    arg("--lookback-days", metavar="N", type=int, help="how much before its cursor is read again"),
)
ROWS: Final[tuple[Command, ...]] = (
    Command("source list", "list the sources", "dango source list", every),
    Command(
        "source types",
        "list the types of source; of one, the JSON Schema of its options",
        "dango source types csv",
        types,
        (arg("type", metavar="TYPE", nargs="?", help="name of a type"),),
    ),
    Command(
        "source add",
        "write a new source into sources.yml",
        "dango source add orders --type csv --set directory=data/uploads/orders",
        add,
        (SOURCE, arg("--type", metavar="TYPE", required=True, help="its type"), *KEYS),
    ),
    Command(
        "source edit",
        "change a source in sources.yml; comments and order stay",
        "dango source edit orders --set file_pattern='*.csv.gz'",
        edit,
        (SOURCE, *KEYS),
    ),
    Command(
        "source test",
        "connect to a source and show its first rows; nothing is written",
        "dango source test orders",
        test,
        (SOURCE,),
    ),
    Command(
        "source remove",
        "take a source out of sources.yml; its tables stay in the warehouse",
        "dango source remove orders",
        remove,
        (SOURCE,),
    ),
)
