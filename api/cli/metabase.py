"""`dango metabase connect`: the warehouse as one of Metabase's databases."""

import argparse
from typing import Final

from api.cli.client import Api
from api.cli.command import Command
from api.cli.output import Output


async def connect(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Set Metabase up if nobody has, and have it know our warehouse."""
    found = await api.post("/api/metabase-config/connect")
    if given.json:
        out.json(found)
    else:
        out.line(f"The warehouse is database {found['database_id']} of Metabase.")
    return 0


ROWS: Final[tuple[Command, ...]] = (
    Command(
        "metabase connect",
        "have Metabase know the warehouse, for those who may see all of it; again changes nothing",
        "dango metabase connect",
        connect,
    ),
)
