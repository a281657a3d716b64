"""`dango demo`: a project with data worth looking at, synced and served."""

import argparse
import asyncio
import json
import shlex
from pathlib import Path
from typing import Final

from api.cli import projects, syncs
from api.cli.arguments import PORT
from api.cli.client import Api
from api.cli.command import Command, arg
from api.cli.output import Output
from api.cli.world import Created, DemoData, Refusal, World

FOLDER: Final = "demo-project"
JSON: Final = "-H 'Content-Type: application/json'"


async def demo(given: argparse.Namespace, world: World, out: Output) -> int:
    """Make what is missing, sync, serve."""
    root, made = world.root(given.directory), None
    if not world.exists(root):
        made = await projects.make(world, root, None, projects.ADMIN)
        out.line(f"Made the project {root}")
        for line in projects.login(made):  # here, since it is lost if anything fails below
            out.line(line)
    data = world.furnish(root)
    out.line(f"Its data: {data.origin}")
    if given.no_serve:
        return await _sync(world, root, data, out)
    return await _serve(given, world, out, root=root, data=data, made=made)


async def _sync(world: World, root: Path, data: DemoData, out: Output) -> int:
    async with world.connect(root, policies=True) as connection:
        return await syncs.sync_all(Api(connection), out, data.sources)


async def _serve(
    given: argparse.Namespace,
    world: World,
    out: Output,
    *,
    root: Path,
    data: DemoData,
    made: Created | None,
) -> int:
    """Serve at once, and sync through what serves."""
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(world.serve(root, None, given.port, url.set_result, quiet=True))
    tasks: list[asyncio.Task[None]] = [serving]
    try:
        await asyncio.wait((serving, url), return_when=asyncio.FIRST_COMPLETED)
        if url.done():
            introduction = _introduce(world, out, root=root, data=data, made=made, url=url.result())
            tasks.append(asyncio.create_task(introduction))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await serving  # ends at a signal
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    return 0


async def _introduce(
    world: World,
    out: Output,
    *,
    root: Path,
    data: DemoData,
    made: Created | None,
    url: str,
) -> None:
    """Sync, and tell what there is to see. What fails here is told; the server goes on."""
    try:
        await _sync(world, root, data, out)
    except Refusal as refusal:
        out.problem(str(refusal))
    socket = shlex.quote(str(root / ".dango" / "control.sock"))
    body = shlex.quote(json.dumps({"sql": data.query}))
    out.line()
    out.line(f"Dango serves {root} on {url} (Ctrl-C stops it)")
    if made is not None:
        lines = projects.login(made)
    else:
        lines = [f"  login     {projects.ADMIN}", "  password  was shown when the demo was made"]
    for line in lines:
        out.line(line)
    out.line("Try in another terminal:")
    out.line(f"  curl --unix-socket {socket} {JSON} -d {body} http://dango/api/query")
    out.line(f"  dango events list --project {shlex.quote(str(root))}")


ROWS: Final[tuple[Command, ...]] = (
    Command(
        "demo",
        "make a project with real data, sync it, build its models, serve it",
        "dango demo demo-project --port 8800",
        demo,
        (
            arg("directory", metavar="DIR", nargs="?", default=FOLDER, help="its folder"),
            PORT,
            arg("--no-serve", action="store_true", help="stop before serving"),
        ),
        local=True,
        json=False,
        project=False,
    ),
)
