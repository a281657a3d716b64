"""GET /api/health/diagnostics: what one sends along when one asks for help, as a file.

It holds how the platform is and what it is made of: counts, sizes, states, versions. It holds no
secret, no value of the data, no name of a person; errors may quote any of these, and are left out.
"""

import asyncio
import functools
import platform as machine
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import msgspec
from litestar import Response

from api import health, platform_health
from api.call import Call
from api.errors import Denied

PACKAGES: Final = (
    *("duckdb", "dbt-core", "dbt-duckdb", "dlt", "eventsourcing", "litestar", "minijinja"),
    *("msgspec", "sqlglot", "uvicorn", "websockets"),
)
# What may quote a statement, a file, a value; troubles are told by their subjects.
LEFT_OUT: Final = frozenset(
    {
        *("last_error", "error", "message", "critical_issues", "warnings", "configuration"),
        "credential_health",
    }
)


async def bundle(call: Call) -> Response[bytes]:
    """Give how the platform is as a file, without secrets, values and names of people."""
    at = call.platform.clock()
    body = {
        "made_at": at,
        "project": call.platform.settings.project_name,
        "versions": await asyncio.to_thread(_versions, call.platform.version),
        "status": _plain(await health.status(call)),
        "health": await _health(call),
        "problems": len([1 for check in call.platform.checks if check() is not None]),
        "clocks": len(call.platform.clocks()),
        "projections": _plain(call.platform.upkeep.status()),
        "workers": _plain(call.platform.workers() if call.platform.workers is not None else []),
        "settings": _settings(call),
    }
    return Response(
        msgspec.json.format(msgspec.json.encode(body), indent=2),
        media_type="application/json",
        headers={"content-disposition": f'attachment; filename="dango-{at:%Y%m%d-%H%M%S}.json"'},
    )


async def _health(call: Call) -> Any:
    """The platform's health; None where this process does not look at its machine."""
    try:
        return _plain(await platform_health.platform_health(call))
    except Denied:
        return None


def _settings(call: Call) -> dict[str, Any]:
    """How the server is set up, as far as it is no secret where."""
    settings = call.platform.settings
    return {
        "auth_enabled": settings.auth_enabled,
        "anonymous_reads": settings.anonymous_reads,
        "auto_dbt": settings.auto_dbt,
        "metabase": settings.metabase,
        "public_url": settings.public_url is not None,
        "trusted_proxies": len(settings.trusted_proxies),
        "query_rows_max": settings.query_rows_max,
        "query_timeout_s": settings.query_timeout_s,
        "upload_bytes_max": settings.upload_bytes_max,
    }


def _plain(value: Any) -> Any:
    """As JSON has it, without what may quote something."""
    return _without(msgspec.to_builtins(value))


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(each) for key, each in value.items() if key not in LEFT_OUT}
    if isinstance(value, list | tuple):
        return [_without(each) for each in value]
    return value


@functools.cache
def _versions(own: str) -> dict[str, str]:
    """Of what does the work. The files of a package do not change under a process."""
    found = {"dango": own, "python": machine.python_version(), "system": machine.platform()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
