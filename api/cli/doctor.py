"""`dango doctor`: what is wrong with a project, and what to do about it."""

import argparse
from collections.abc import Awaitable, Callable
from typing import Final

from api.cli.client import Api
from api.cli.command import Command
from api.cli.output import Output, moment, number
from api.cli.world import Finding, Level, Refusal, World

COLUMNS: Final = ("check", "result", "found", "what to do")


async def doctor(given: argparse.Namespace, world: World, out: Output) -> int:
    """Check files first, then, when they allow to open the project, what is made of them."""
    root = world.find(given.project)
    findings = list(world.inspect(root))
    if any(finding.level is Level.FAIL for finding in findings):
        detail = "not looked at, since the files are not in order"
        findings.append(Finding("project", Level.WARN, detail, "mend the files, then ask again"))
    else:
        try:
            async with world.connect(root, policies=False) as connection:
                findings.extend(await _inside(Api(connection)))
        except Refusal as refusal:
            findings.append(Finding("project", Level.FAIL, str(refusal)))
    if given.json:
        out.json([finding._asdict() for finding in findings])
    else:
        out.table(COLUMNS, findings)
    failed = [finding.name for finding in findings if finding.level is Level.FAIL]
    if failed:
        out.problem(f"Not in order: {', '.join(failed)}.")
    return 1 if failed else 0


async def _inside(api: Api) -> list[Finding]:
    checks: tuple[tuple[str, Callable[[Api], Awaitable[Finding]]], ...] = (
        ("readiness", _ready),
        ("proxy", _proxy),
        ("log", _log),
        ("vault", _vault),
        ("views", _views),
        ("warehouse", _warehouse),
        ("workers", _workers),
        ("health", _health),
    )
    where = "running" if api.served else "not running; looked at by this process"
    findings = [Finding("server", Level.OK, where)]
    for name, check in checks:
        try:
            findings.append(await check(api))
        except Refusal as refusal:
            findings.append(Finding(name, Level.FAIL, str(refusal), "look at the server's log"))
    return findings


async def _ready(api: Api) -> Finding:
    problems = (await api.get("/api/health/ready"))["problems"]
    if problems:
        return Finding("readiness", Level.FAIL, "; ".join(problems), "restart the server")
    return Finding("readiness", Level.OK, "everything runs")


async def _proxy(api: Api) -> Finding:
    if warnings := (await api.get("/api/status"))["warnings"]:
        remedy = "name the proxy's address in platform.trusted_proxies of project.yml"
        return Finding("proxy", Level.WARN, " ".join(warnings), remedy)
    return Finding("proxy", Level.OK, "none that is not in the settings was seen")


async def _log(api: Api) -> Finding:
    found = await api.get("/api/events/verify")
    if found["ok"]:
        return Finding("log", Level.OK, f"{number(found['events'])} events, as they were written")
    detail = f"position {found['position']}: {found['problem']}"
    return Finding("log", Level.FAIL, detail, "stop the server and restore a backup")


async def _vault(api: Api) -> Finding:
    found = await api.get("/api/vault")
    lost = sum(each["rows"] for each in found["keys"] if not each["known"])
    if lost:
        detail = f"{number(lost)} of {number(found['rows'])} values have a key that is not there"
        return Finding("vault", Level.FAIL, detail, "restore a backup")
    if found["older_rows"] and not found["running"]:
        detail = f"{number(found['older_rows'])} values are sealed with an older key"
        return Finding("vault", Level.WARN, detail, "dango vault rotate")
    return Finding("vault", Level.OK, f"{number(found['rows'])} values, key {found['key_id']}")


async def _views(api: Api) -> Finding:
    rows = (await api.get("/api/projections"))["projections"]
    broken = [f"{row['name']}: {row['error']}" for row in rows if row["error"]]
    lag = max((row["lag"] for row in rows), default=0)
    if broken:
        return Finding("views", Level.FAIL, "; ".join(broken), "dango projections rebuild")
    if lag:
        return Finding("views", Level.WARN, f"{lag} events behind the log", "ask again in a moment")
    return Finding("views", Level.OK, "where the log is")


async def _warehouse(api: Api) -> Finding:
    answer = await api.post("/api/query", {"sql": "select 1"})
    return Finding("warehouse", Level.OK, f"answers in {answer['duration_ms']} ms")


async def _workers(api: Api) -> Finding:
    """Whether those that had work are held to what they may do."""
    every = (await api.get("/api/health/platform"))["workers"]
    exposed = [each["kind"] for each in every if each["isolated"] is False]
    ended = sum(each["died"] for each in every)
    if exposed:
        detail = f"{', '.join(exposed)} can reach the network, which they need not"
        remedy = "allow user namespaces, or run the server where they are"
        return Finding("workers", Level.WARN, detail, remedy)
    if ended:
        remedy = "look at the server's log; a limit of memory is the usual reason"
        return Finding("workers", Level.WARN, f"{ended} ended by themselves", remedy)
    return Finding("workers", Level.OK, "shut off, and none of them died")


async def _health(api: Api) -> Finding:
    """What fails at its work, with what helps."""
    issues = (await api.get("/api/health/platform"))["issues"]
    if not issues:
        return Finding("health", Level.OK, "nothing fails")
    found = "; ".join(f"{each['message']} (since {moment(each['since'])})" for each in issues)
    remedy = " ".join(dict.fromkeys(each["action"] for each in issues))
    return Finding("health", Level.WARN, found, remedy)


ROWS: Final[tuple[Command, ...]] = (
    Command(
        "doctor",
        "check files, key, log, read models and warehouse, and say what to do",
        "dango doctor",
        doctor,
        local=True,
    ),
)
