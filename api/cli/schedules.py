"""`dango schedule`: what is done when, as schedules.yml says."""

import argparse
from typing import Any, Final

from api.cli.client import Api, segment
from api.cli.command import Command, arg
from api.cli.output import Output, moment

PATH: Final = "/api/schedules"
TYPES: Final = ("sync", "sync_only", "dbt", "script")
COLUMNS: Final = ("name", "type", "cron", "enabled", "next run", "last run", "status")
HISTORY: Final = ("job", "schedule", "due", "status", "seconds", "rows", "error")


async def every(given: argparse.Namespace, api: Api, out: Output) -> int:
    """List the schedules."""
    found = await api.get(PATH)
    if given.json:
        out.json(found)
        return 0
    out.table(COLUMNS, [_row(schedule) for schedule in found])
    return 0


async def add(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Write a new schedule into schedules.yml."""
    body: dict[str, Any] = {"name": given.name, "type": given.type, "cron": given.cron}
    optional = {
        "sources": given.source,
        "timezone": given.timezone,
        "script_path": given.script,
        "script_args": given.arg,
        "dbt_command": given.command_of_dbt,
    }
    body |= {key: value for key, value in optional.items() if value is not None}
    return _said(given, out, await api.post(PATH, body))


async def remove(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Take a schedule out of schedules.yml."""
    return _said(given, out, await api.delete(f"{PATH}/{segment(given.name)}"))


async def run(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Run a schedule now."""
    answer = await api.post(f"{PATH}/{segment(given.name)}/trigger", {})
    if given.json:
        out.json(answer)
    else:
        out.line(f"Schedule '{given.name}' runs as job {answer['job_id']}.")
    return 0


async def history(given: argparse.Namespace, api: Api, out: Output) -> int:
    """List runs, newest first: of one schedule, or of all."""
    limit = given.limit or 20
    if given.name is None:
        found = await api.get(f"{PATH}/history/recent", limit=limit)
    else:
        page = await api.get(f"{PATH}/{segment(given.name)}/history", limit=limit)
        found = page["items"]
    if given.json:
        out.json(found)
        return 0
    out.table(HISTORY, [_run(entry) for entry in found])
    return 0


async def reload(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Take schedules.yml anew."""
    answer = await api.post(f"{PATH}/reload", {})
    if given.json:
        out.json(answer)
        return 0
    for what in ("added", "updated", "removed"):
        if answer[what]:
            out.line(f"{what}: {', '.join(answer[what])}")
    out.line(f"unchanged: {len(answer['unchanged'])}")
    return 0


def _said(given: argparse.Namespace, out: Output, answer: dict[str, Any]) -> int:
    if given.json:
        out.json(answer)
    else:
        out.line(answer["message"])
    return 0


def _row(schedule: dict[str, Any]) -> tuple[str, ...]:
    last = schedule["last_run"]
    return (
        schedule["name"],
        schedule["type"],
        schedule["cron"],
        "yes" if schedule["enabled"] else "no",
        moment(schedule["next_run_time"]),
        moment(last["started_at"]) if last else "",
        last["status"] if last else "",
    )


def _run(entry: dict[str, Any]) -> tuple[str, ...]:
    took, rows = entry["duration_seconds"], entry["rows_processed"]
    return (
        str(entry["id"]),
        entry["schedule_name"],
        moment(entry["due_at"]),
        entry["status"],
        "" if took is None else f"{took:.1f}",
        "" if rows is None else str(rows),
        entry["error"] or "",
    )


NAME: Final = arg("name", metavar="NAME", help="of the schedule")
ROWS: Final[tuple[Command, ...]] = (
    Command(
        "schedule list",
        "list the schedules with their next and last runs",
        "dango schedule list",
        every,
    ),
    Command(
        "schedule add",
        "write a new schedule into schedules.yml",
        "dango schedule add nightly --cron '0 6 * * *' --source orders --timezone Europe/Zurich",
        add,
        (
            NAME,
            arg("--cron", metavar="C", required=True, help="five fields, or a name like @daily"),
            arg("--type", choices=TYPES, default=TYPES[0], help="what it does (sync)"),
            arg("--source", metavar="S", action="append", help="a source to sync"),
            arg("--timezone", metavar="Z", help="such as Europe/Zurich (UTC)"),
            arg("--script", metavar="FILE", help="a Python file in scripts/"),
            arg("--arg", metavar="A", action="append", help="an argument of the script"),
            arg("--dbt", metavar="C", dest="command_of_dbt", help="a command of dbt (run)"),
        ),
    ),
    Command(
        "schedule remove",
        "take a schedule out of schedules.yml; its history stays",
        "dango schedule remove nightly",
        remove,
        (NAME,),
    ),
    Command(
        "schedule run",
        "run a schedule now; the server does it",
        "dango schedule run nightly",
        run,
        (NAME,),
    ),
    Command(
        "schedule history",
        "list runs, newest first; of all schedules, when none is named",
        "dango schedule history nightly --limit 5",
        history,
        (
            arg("name", metavar="NAME", nargs="?", help="of the schedule"),
            arg("--limit", metavar="N", type=int, help="at most so many (20)"),
        ),
    ),
    Command(
        "schedule reload",
        "take schedules.yml anew, and tell what is otherwise",
        "dango schedule reload",
        reload,
    ),
)
