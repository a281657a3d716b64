"""Whether the platform lives, is ready, and how it is set up."""

from typing import Any, Final

import msgspec
from litestar import Response

from api import dashboards, dbt_docs
from api.call import Call
from projections import sources

MINUTE_S: Final = 60


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The short answer."""

    status: str
    dango_version: str
    services: dict[str, str]
    uptime: str
    configuration: str | None  # what is refused, for callers who are signed in
    warnings: list[str]  # what an admin should put right, for the same


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are."""

    web_port: int
    web_url: str
    metabase_url: str
    dbt_docs_url: str
    api_url: str
    project_name: str
    organization: str | None


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What answers here."""

    message: str
    version: str
    docs: str
    websocket: str


async def status(call: Call) -> Status:
    """Tell whether the service is healthy."""
    platform = call.platform
    broken = [problem for check in platform.checks if (problem := check()) is not None]
    return Status(
        status="degraded" if broken else "healthy",
        dango_version=platform.version,
        services={
            "api": "running",
            "duckdb": "healthy",
            "metabase": await dashboards.status(platform),
            "dbt_docs": "healthy" if dbt_docs.there(platform) else "not_found",
        },
        uptime=_uptime(int((platform.clock() - platform.started_at).total_seconds())),
        warnings=[] if call.caller.role is None else platform.limits.warnings(),
        configuration=None if broken or call.caller.role is None else _refusal(call),
    )


def _refusal(call: Call) -> str | None:
    return sources.refusal(call.platform.views.current)


async def live(call: Call) -> dict[str, str]:
    """Answer, as long as the process lives."""
    del call
    return {"status": "alive"}


async def ready(call: Call) -> Response[Any]:
    """Answer 200 when requests are served rightly, 503 with the reasons when not."""
    problems = [problem for check in call.platform.checks if (problem := check()) is not None]
    body = {
        "status": "unready" if problems else "ready",
        "position": call.platform.history.head(),
        "problems": problems,
    }
    if problems:
        body["detail"] = problems[0]
    return Response(body, status_code=503 if problems else 200)


async def config(call: Call) -> Config:
    """Tell the project's name and where its services are."""
    settings = call.platform.settings
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    return Config(
        web_port=settings.port,
        web_url=base,
        metabase_url=settings.metabase_url,
        dbt_docs_url=settings.dbt_docs_url or f"{base}/dbt-docs",
        api_url=f"{base}/api",
        project_name=settings.project_name,
        organization=settings.organization,
    )


async def about(call: Call) -> About:
    """Tell what answers here."""
    return About(
        message="Dango API",
        version=call.platform.version,
        docs="/api/docs",
        websocket="/ws",
    )


def _uptime(seconds: int) -> str:
    minutes, seconds = divmod(seconds, MINUTE_S)
    hours, minutes = divmod(minutes, MINUTE_S)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")]
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return " ".join(f"{number}{unit}" for number, unit in parts[:2])
