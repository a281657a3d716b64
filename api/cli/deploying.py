"""`dango deploy-token`: what a deployment begins the first sync with."""

import argparse

from api.cli.client import Api
from api.cli.output import Output


async def token(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Make a token, and print it this once."""
    made = await api.post("/api/initial-sync/deploy-token")
    if given.json:
        out.json(made)
    else:
        out.line(made["token"])
        out.note("It is shown this once, and good for one initial sync.")
    return 0
