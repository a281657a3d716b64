"""`dango init` and `dango serve`: how a project begins, and how it is served."""

import argparse
import os
import shlex
from pathlib import Path
from typing import Final

from api.cli.arguments import PORT
from api.cli.command import Command, arg
from api.cli.output import Output
from api.cli.world import Created, World

ADMIN: Final = "admin@localhost"
PASSWORD: Final = "DANGO_ADMIN_PASSWORD"  # noqa: S105 - the name of a variable


async def init(given: argparse.Namespace, world: World, out: Output) -> int:
    """Make a project, and show the password that was made up for its admin."""
    made = await make(world, Path(given.directory), given.name, given.admin_email)
    if given.json:
        out.json({"project": str(made.root), "email": made.email, "password": made.password})
        return 0
    out.line(f"Made the project {made.root}")
    for line in login(made):
        out.line(line)
    out.line(f"Start it: dango serve --project {shlex.quote(str(made.root))}")
    return 0


async def serve(given: argparse.Namespace, world: World, out: Output) -> int:
    """Serve until a signal."""
    root = world.find(given.project)

    def announce(url: str) -> None:
        out.note(f"Dango serves {root} on {url} (Ctrl-C stops it)")

    await world.serve(root, given.host, given.port, announce)
    return 0


async def make(world: World, root: Path, name: str | None, email: str) -> Created:
    """Make a project; its admin's password is the environment's, or a new one."""
    return await world.create(root, name, email, os.environ.get(PASSWORD) or None)


def login(made: Created) -> list[str]:
    """What to tell about the admin."""
    password = made.password or f"as {PASSWORD} says"
    once = "" if made.password is None else "   (shown this once)"
    return [f"  login     {made.email}", f"  password  {password}{once}"]


HOST: Final = arg("--host", metavar="H", help="address to listen on (project.yml, 127.0.0.1)")
ROWS: Final[tuple[Command, ...]] = (
    Command(
        "init",
        "make a project: folders, key, configuration, log, warehouse, first admin",
        "dango init shop --name 'Corner shop' --admin-email ada@example.org",
        init,
        (
            arg("directory", metavar="DIR", help="folder of the new project"),
            arg("--name", metavar="N", help="name of the project (that of the folder)"),
            arg("--admin-email", metavar="E", default=ADMIN, help="login of the admin"),
        ),
        local=True,
        project=False,
    ),
    Command(
        "serve",
        "serve a project until it is told to stop",
        "dango serve --port 8800",
        serve,
        (HOST, PORT),
        local=True,
        json=False,
    ),
)
