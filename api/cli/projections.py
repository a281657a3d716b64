"""`dango projections`: the read models that are derived from the log."""

import argparse
from typing import Any, Final

from api.cli.client import Api, segment
from api.cli.command import Command, arg
from api.cli.output import Output, moment

COLUMNS: Final = ("name", "state", "position", "lag", "built", "tables")
PATH: Final = "/api/projections"


async def every(given: argparse.Namespace, api: Api, out: Output) -> int:
    """List the read models and where they stand."""
    found = (await api.get(PATH))["projections"]
    if given.json:
        out.json(found)
    else:
        out.table(COLUMNS, [_row(row) for row in found], right=("position", "lag"))
    return 0


async def rebuild(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Fold read models anew; a rebuild can take others along, which are not done twice."""
    answers: list[dict[str, Any]] = []
    for name in given.names or ["all"]:
        if not any(name in answer["projections"] for answer in answers):
            answers.append(await api.post(f"{PATH}/{segment(name)}/rebuild"))
    if given.json:
        out.json(answers)
        return 0
    for answer in answers:
        out.line(f"Rebuilt up to {answer['position']}: {', '.join(answer['projections'])}")
    return 0


async def check(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Compare what serves with a new fold."""
    answer = await api.post(f"{PATH}/check")
    if given.json:
        out.json(answer)
    elif answer["equal"]:
        out.line("The read models are what the log says.")
    if not answer["equal"]:
        differences = "; ".join(answer["differences"])
        out.problem(f"The read models differ from the log ({differences}): rebuild them.")
        return 1
    return 0


def _row(row: dict[str, Any]) -> tuple[Any, ...]:
    state = "rebuilding" if row["rebuilding"] else row["error"] or row["status"]
    built = moment(row["built_at"])
    return (row["name"], state, row["position"], row["lag"], built, ", ".join(row["tables"]))


ROWS: Final[tuple[Command, ...]] = (
    Command(
        "projections list",
        "list the read models and where they stand",
        "dango projections list",
        every,
    ),
    Command(
        "projections rebuild",
        "fold read models anew from the log; all, when none is named",
        "dango projections rebuild",
        rebuild,
        (arg("names", metavar="NAME", nargs="*", help="name of a read model"),),
    ),
    Command(
        "projections check",
        "fold all read models anew beside those that serve, and compare",
        "dango projections check",
        check,
    ),
)
