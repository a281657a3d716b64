"""The table of commands as a parser of arguments."""

import argparse
from typing import Any

from api.cli.command import Command
from api.cli.table import COMMANDS, GROUPS


def parser() -> argparse.ArgumentParser:
    """The table as a parser."""
    top = argparse.ArgumentParser(
        prog="dango",
        description="A self-hosted data platform whose every change is an event.",
        epilog="Exit codes: 0 done, 1 refused or failed, 2 wrong usage.",
        allow_abbrev=False,
    )
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    groups: dict[str, Any] = {}
    for command in COMMANDS:
        group, _, name = command.name.rpartition(" ")
        if group and group not in groups:
            about = GROUPS[group]
            found = commands.add_parser(group, help=about, description=about, allow_abbrev=False)
            groups[group] = found.add_subparsers(metavar="COMMAND", required=True)
        _add(groups[group] if group else commands, name, command)
    return top


def _add(where: Any, name: str, command: Command) -> None:
    parser = where.add_parser(
        name,
        help=command.help,
        description=f"{command.help[0].upper()}{command.help[1:]}.",
        epilog=f"example:\n  {command.example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for argument in command.arguments:
        parser.add_argument(*argument.names, **argument.more)
    if command.project:
        where = "the project (DANGO_PROJECT, else the nearest folder above with one)"
        parser.add_argument("--project", metavar="DIR", help=where)
    if command.json:
        parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=command)
