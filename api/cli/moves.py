"""`dango events move`: the log to another database, and back."""

import argparse
import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Final

from api.cli.command import Command, arg
from api.cli.output import Output, number
from api.cli.world import World


async def move(given: argparse.Namespace, world: World, out: Output) -> int:
    """Move the log to the database of project.yml, or back to its file."""
    root = world.find(given.project)
    with _progress(out) as told:
        found = await asyncio.to_thread(world.move, root, back=given.back, told=told)
    if given.json:
        out.json(found._asdict())
        return 0
    if found.aside is None:
        out.line(f"The log was moved before: {found.target}, up to {number(found.head)}.")
    else:
        events = f"{number(found.events)} events, {number(found.sealed)} sealed values"
        out.line(f"The log has moved to {found.target}: {events}.")
        out.line(f"  the old log        {found.aside}")
    out.line(f"  hash of the chain  {found.hash}")
    if given.back:
        out.note("Take storage.events out of project.yml before the next start.")
    return 0


@contextlib.contextmanager
def _progress(out: Output) -> Iterator[Callable[[int, int], None]]:
    """A bar for who looks at it."""
    if not out.lively:
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=out.err)) as bars:
        task = bars.add_task("events", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


ROWS: Final[tuple[Command, ...]] = (
    Command(
        "events move",
        "move the log to the database that project.yml names; the server must be stopped",
        "dango events move",
        move,
        (arg("--back", action="store_true", help="from that database back to .dango/events.db"),),
        local=True,
    ),
)
