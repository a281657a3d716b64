"""`dango status`: how the server and the sources are."""

import argparse
from typing import Any, Final

from api.cli.client import Api, segment
from api.cli.command import Command
from api.cli.output import Output, age, number

COLUMNS: Final = ("source", "type", "state", "rows", "synced", "last error")


async def status(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Tell how server and sources are."""
    config = await api.get("/api/config")
    service = await api.get("/api/status")
    ready = await api.get("/api/health/ready")
    sources = await api.get("/api/sources")
    for source in sources:
        source["error"] = await _error(api, source)
    if given.json:
        server = {"running": api.served, "url": config["web_url"] if api.served else None}
        project = config["project_name"]
        body = {"project": project, "server": server, "service": service, "ready": ready}
        out.json(body | {"sources": sources})
        return 0
    up = f"running on {config['web_url']}, up {service['uptime']}" if api.served else "not running"
    out.line(f"project  {config['project_name']}")
    out.line(f"server   {up}")
    out.line(f"state    {'; '.join(ready['problems']) or service['status']}")
    if service["configuration"]:
        out.line(f"config   {service['configuration']}")
    out.line()
    if not sources:
        out.line("No source yet: write one into .dango/sources.yml")
        return 0
    out.table(COLUMNS, [_row(source) for source in sources], right=("rows",))
    return 0


async def _error(api: Api, source: dict[str, Any]) -> str | None:
    """The last error, of those alone that have one: each costs a request."""
    if source["freshness"]["last_sync_status"] in (None, "success"):
        return None
    details = await api.get(f"/api/sources/{segment(source['name'])}/details")
    error: str | None = details["error"]
    return error


def _row(source: dict[str, Any]) -> tuple[str, ...]:
    state = source["status"] if source["enabled"] else f"{source['status']} (disabled)"
    fresh = age(source["freshness"]["hours_since_sync"])
    rows = number(source["row_count"])
    return (source["name"], source["type"], state, rows, fresh, source["error"] or "")


ROWS: Final[tuple[Command, ...]] = (
    Command(
        "status",
        "tell how server and sources are",
        "dango status",
        status,
    ),
)
