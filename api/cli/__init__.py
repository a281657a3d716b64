"""The command line: a client of the API as the owner of a project, and what comes before one.

Without rules of its own: what is allowed the API knows, and its sentence is what a person reads.
Heavy modules are imported where they are needed, so that `dango status` is quick.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Final

from api.cli.client import Api
from api.cli.command import Command
from api.cli.output import Output
from api.cli.parsing import parser
from api.cli.world import Refusal, World

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2


async def main(arguments: Sequence[str], world: World, out: Output | None = None) -> int:
    """Carry out one command; answers the exit code."""
    out = out or Output()
    try:
        given = _parsed(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else USAGE
    try:
        return await _run(given, world, out)
    except Refusal as refusal:
        out.problem(str(refusal))
        return FAILED
    except BrokenPipeError:
        # Who read the output has seen enough. Python would complain again at its own end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


async def _run(given: argparse.Namespace, world: World, out: Output) -> int:
    command: Command = given.command
    if command.local:
        return await command.run(given, world, out)
    root = world.find(given.project)
    async with world.connect(root, policies=command.policies) as connection:
        return await command.run(given, Api(connection), out)


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    reader = parser()
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            reader.error("an argument is not UTF-8")
        if "\0" in argument:
            reader.error("an argument holds a zero byte")
    return reader.parse_args(arguments)
