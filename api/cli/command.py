"""What a row of the table of commands is."""

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

Run = Callable[..., Coroutine[Any, Any, int]]


class Argument(NamedTuple):
    """One argument, in the words of argparse."""

    names: tuple[str, ...]
    more: dict[str, Any]


class Command(NamedTuple):
    """One command. `run` takes (arguments, api, out), or (arguments, world, out) when `local`."""

    name: str
    help: str
    example: str
    run: Run
    arguments: tuple[Argument, ...] = ()
    local: bool = False  # does without the API of a project
    json: bool = True  # prints data
    policies: bool = False  # its work is done by policies, also without a server
    project: bool = True  # works on a project that is there


def arg(*names: str, **more: Any) -> Argument:
    """A cell of the table."""
    return Argument(names, more)
