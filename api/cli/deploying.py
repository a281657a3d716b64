"""`dango deploy-token` and `dango deployments`: putting a project on a server, and what was put."""

import argparse
from typing import Final

from api.cli.client import Api
from api.cli.command import Command, arg
from api.cli.output import Output, moment

PATH: Final = "/api/deployments"
COLUMNS: Final = ("when", "who", "result", "version", "commit", "branch", "seconds")
COMMIT_CHARS: Final = 12


async def token(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Make a token, and print it this once."""
    made = await api.post("/api/initial-sync/deploy-token")
    if given.json:
        out.json(made)
    else:
        out.line(made["token"])
        out.note(
            f"It is shown this once, and good for one initial sync, until {made['expires_at']}."
        )
    return 0


async def every(given: argparse.Namespace, api: Api, out: Output) -> int:
    """List what was put on the server."""
    found = await api.get(f"{PATH}/history", limit=given.limit)
    if given.json:
        out.json(found)
        return 0
    rows = [
        (
            moment(each["timestamp"]),
            each["deployer"],
            "done" if each["success"] else "failed",
            each["dango_version"] or "",
            (each["git_commit"] or "")[:COMMIT_CHARS],
            each["git_branch"] or "",
            "" if each["duration_seconds"] is None else f"{each['duration_seconds']:.1f}",
        )
        for each in found["deployments"]
    ]
    out.table(COLUMNS, rows)
    return 0


async def record(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Record what was put on the server."""
    optional = {
        "version": given.version,
        "git_commit": given.commit,
        "git_branch": given.branch,
        "git_clean": False if given.dirty else None,
        "files_synced": given.files,
        "duration_seconds": given.seconds,
    }
    body = {name: value for name, value in optional.items() if value is not None}
    answer = await api.post(PATH, {"success": not given.failed, **body})
    if given.json:
        out.json(answer)
    else:
        out.line("The deployment is recorded.")
    return 0


ROWS: Final[tuple[Command, ...]] = (
    Command(
        "deploy-token",
        "make a token with which a deployment begins its first sync; it is shown once",
        "dango deploy-token",
        token,
    ),
    Command(
        "deployments list",
        "list what was put on this server, newest first",
        "dango deployments list --limit 5",
        every,
        (arg("--limit", metavar="N", type=int, help="at most so many (20)"),),
    ),
    Command(
        "deployments record",
        "record that a version of the project was put here",
        "dango deployments record --commit 3f2a91c --branch main --seconds 33.1",
        record,
        (
            arg("--version", metavar="V", help="of the project (that of the program)"),
            arg("--commit", metavar="HASH", help="what was brought"),
            arg("--branch", metavar="B", help="where it comes from"),
            arg("--dirty", action="store_true", help="something was changed since the commit"),
            arg("--files", metavar="N", type=int, help="how many files were brought"),
            arg("--seconds", metavar="S", type=float, help="how long it took"),
            arg("--failed", action="store_true", help="it did not go well"),
        ),
    ),
)
