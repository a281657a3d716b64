"""`dango secrets`: values behind `${NAME}`; they come in by a prompt or by standard input."""

import argparse
import getpass
import sys
from typing import Final

from api.cli.client import Api, segment
from api.cli.command import Command, arg
from api.cli.output import Output, moment
from api.cli.world import Refusal

PATH: Final = "/api/secrets"
COLUMNS: Final = ("name", "value", "set", "by", "used by")
VALUE_CHARS_MAX: Final = 64 * 1024  # what is longer is refused without being sent


async def every(given: argparse.Namespace, api: Api, out: Output) -> int:
    """List the secrets, masked."""
    found = await api.get(PATH)
    if given.json:
        out.json(found)
        return 0
    rows = [
        (s["key"], s["masked_value"], moment(s["set_at"]), s["set_by"], ", ".join(s["used_by"]))
        for s in found["env_vars"]
    ]
    rows += [(m["key"], "not set", "", "", ", ".join(m["used_by"])) for m in found["missing"]]
    out.table(COLUMNS, rows)
    return 0


async def put(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Give a secret a value, which is never an argument: other programs can read those."""
    answer = await api.post(PATH, {"key": given.name, "value": _value(given.name)})
    return out.message(answer, as_json=given.json)


async def remove(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Remove a secret."""
    answer = await api.delete(f"{PATH}/{segment(given.name)}")
    return out.message(answer, as_json=given.json)


def _value(name: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"Value of {name}: ")
    try:
        value = sys.stdin.read(VALUE_CHARS_MAX + 1)
    except UnicodeDecodeError:
        raise Refusal("The value is not UTF-8.") from None
    if len(value) > VALUE_CHARS_MAX:
        raise Refusal(f"The value is longer than {VALUE_CHARS_MAX} characters.")
    return value.removesuffix("\n").removesuffix("\r")


SECRET: Final = arg("name", metavar="NAME", help="of the secret, as sources.yml names it")
ROWS: Final[tuple[Command, ...]] = (
    Command("secrets list", "list the secrets, masked", "dango secrets list", every),
    Command(
        "secrets set",
        "give a secret a value, asked for at a terminal, else read from standard input",
        "dango secrets set STRIPE_KEY < key.txt",
        put,
        (SECRET,),
    ),
    Command(
        "secrets remove",
        "remove a secret; sources that name it fail until it is set again",
        "dango secrets remove STRIPE_KEY",
        remove,
        (SECRET,),
    ),
)
