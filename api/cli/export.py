"""`dango events export` and `import`: the log as a file of CloudEvents, and back."""

import argparse
import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

from api.cli.client import Api
from api.cli.command import Command, arg
from api.cli.output import Output, number
from api.cli.world import Refusal, World

FORMATS: Final = ("cloudevents",)
PATH: Final = "/api/events/export"
PAGE_EVENTS: Final = 1_000  # in one answer: without a server an answer is held whole


async def export(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Write the events from the first to the last of now, one in a line."""
    head: int = (await api.get("/api/events", limit=1))["head"]
    with _target(given.file, out) as file:
        for after in range(0, head, PAGE_EVENTS):
            upto = min(after + PAGE_EVENTS, head)
            file.write(await api.text(PATH, after=after, upto=upto))
        file.flush()
    if given.file is not None:
        out.line(f"{number(head)} events written to {given.file}")
    return 0


async def load(given: argparse.Namespace, world: World, out: Output) -> int:
    """Append to the log what it has not yet of an export."""
    root = world.find(given.project)
    found = await asyncio.to_thread(world.load, root, Path(given.file))
    if given.json:
        out.json(found._asdict())
        return 0
    out.line(f"{number(found.events)} events are new; the log has {number(found.head)}.")
    out.line(f"  hash of the chain  {found.hash}")
    if found.events:
        out.note("An export holds no addresses, passwords or SQL texts: they are in a backup.")
    return 0


@contextlib.contextmanager
def _target(name: str | None, out: Output) -> Iterator[TextIO]:
    """Standard output, or a file that has its name only when it is whole."""
    if name is None:
        yield out.out
        return
    part = Path(f"{name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(name)
    except OSError as error:
        raise Refusal(f"{name}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


ROWS: Final[tuple[Command, ...]] = (
    Command(
        "events export",
        "write the log as CloudEvents, one in a line",
        "dango events export events.ndjson",
        export,
        (
            arg("file", metavar="FILE", nargs="?", help="where to (standard output)"),
            arg("--format", choices=FORMATS, default=FORMATS[0], help="of a line"),
        ),
        json=False,
    ),
    Command(
        "events import",
        "append to the log what it has not yet of an export; the server must be stopped",
        "dango events import events.ndjson",
        load,
        (arg("file", metavar="FILE", help="what `dango events export` wrote"),),
        local=True,
    ),
)
