"""The command line."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


async def main(arguments: Sequence[str], world: Any) -> int:
    if arguments[0] == "init":
        print(await world.create(Path(arguments[1]), None, "admin@localhost", None))
    else:
        await world.serve(
            world.find(arguments[1]), None, None, lambda url: print(url, file=sys.stderr)
        )
    return 0
