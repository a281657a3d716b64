"""GET /api/health/platform: how the platform is, cheap enough to be asked every few seconds."""

from datetime import datetime
from typing import Any, Final

import msgspec

from api import backup_health, disk_health, grant_health, troubles
from api.backup_health import BackupHealth
from api.call import Call
from api.disk_health import DiskForecast
from api.errors import Denied
from api.grant_health import GrantHealth
from api.platform import Platform
from api.troubles import CRITICAL, WARNING, Trouble
from commands.machine import Machine, Workers
from domain import machine as rules
from projections import health
from projections.engine import Reader, ViewsBroken
from projections.health import Failing, Summary, Timetable

MB: Final = 1024**2
GB: Final = 1024**3
# From these sizes on, in GB, the warehouse is called so.
SIZES: Final = ((100.0, "very large"), (20.0, "large"), (2.0, "medium"))


class SyncFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A source whose last syncs failed; the error is for callers who are signed in."""

    source: str
    count: int
    last_error: str | None
    since: datetime


class ModelFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A model that failed, or tests of it."""

    model: str
    count: int
    last_error: str | None
    since: datetime


class PlatformHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the platform is. Sizes of folders are up to a minute old, the rest a few seconds."""

    status: str  # healthy, warning, critical
    timestamp: datetime
    database: dict[str, Any]
    disk: dict[str, Any]
    disk_breakdown: dict[str, Any]
    disk_forecast: DiskForecast
    duckdb_capacity: dict[str, Any]
    sync_failures: list[SyncFailure]
    dbt_failures: list[ModelFailure]
    total_sources: int
    enabled_sources: int
    critical_issues: list[str]
    warnings: list[str]
    issues: list[Trouble]  # all of them, with what helps and since when
    scheduler: dict[str, Any]
    oauth_health: list[GrantHealth]
    credential_health: dict[str, Any]
    backup_health: BackupHealth
    resources: dict[str, Any]
    workers: tuple[Workers, ...]
    projections: dict[str, Any]
    events: dict[str, Any]


async def platform_health(call: Call) -> PlatformHealth:
    """Tell how the platform is: data, disk, failures, machine, workers, and what is wrong."""
    platform = call.platform
    gauges = platform.gauges
    if gauges is None:
        raise Denied(503, "This process does not look at its machine.", retry_after=10)
    machine = await gauges.machine()
    known = call.caller.role is not None
    reader = reader_now(platform)
    summary = Summary() if reader is None else health.summary(reader)
    found = _troubles(platform, machine, reader, summary)
    if known:
        found += _seen_by_the_way(platform)
    position, head = (0 if reader is None else reader.position), platform.history.head()
    return PlatformHealth(
        status=_status(found),
        timestamp=platform.clock(),
        database=_database(machine, summary),
        disk=_disk(machine),
        disk_breakdown=_breakdown(machine, summary),
        disk_forecast=disk_health.section(reader),
        duckdb_capacity=_capacity(machine),
        sync_failures=[
            SyncFailure(source=each.name, **_failure(each, tell=known))
            for each in summary.failing_sources
        ],
        dbt_failures=[
            ModelFailure(model=each.name, **_failure(each, tell=known))
            for each in summary.failing_models
        ],
        total_sources=summary.sources,
        enabled_sources=summary.enabled,
        critical_issues=[each.message for each in found if each.severity == CRITICAL],
        warnings=[each.message for each in found if each.severity == WARNING],
        issues=found,
        scheduler=_scheduler(platform, reader),
        oauth_health=[]
        if reader is None
        else grant_health.section(reader, summary.granted, tell=known),
        credential_health=_credentials(summary),
        backup_health=backup_health.section(platform, reader, tell=known),
        resources=_resources(machine),
        workers=gauges.workers(),
        projections={"position": position, "head": head, "lag": max(head - position, 0)},
        events={"head": head, "per_minute": gauges.events_per_minute()},
    )


def reader_now(platform: Platform) -> Reader | None:
    """The rows of now; None while the views have stopped, which is told among the troubles."""
    try:
        return platform.views.current
    except ViewsBroken:
        return None


def _troubles(
    platform: Platform, machine: Machine, reader: Reader | None, summary: Summary
) -> list[Trouble]:
    since = platform.since
    problems = [problem for check in platform.checks if (problem := check()) is not None]
    lag = 0 if reader is None else platform.history.head() - reader.position
    found = [
        *troubles.of_machine(machine, since),
        *troubles.of_process(problems, lag, since),
        *troubles.of_clocks(platform.clocks(), since),
        *troubles.of_data(summary, since),
    ]
    if reader is not None:
        found += [*troubles.of_monitors(reader, since), *of_keeping(platform, reader, summary)]
    return sorted(found, key=_worst_first)


def of_keeping(platform: Platform, reader: Reader, summary: Summary) -> list[Trouble]:
    """Backups, and the accounts that sources are read with."""
    lost = grant_health.troubles(reader, summary.granted, platform.since)
    return sorted([*backup_health.troubles(platform, reader), *lost], key=_worst_first)


def _worst_first(each: Trouble) -> tuple[bool, datetime, str]:
    return (each.severity != CRITICAL, each.since, each.subject)


def _seen_by_the_way(platform: Platform) -> list[Trouble]:
    """What an admin should put right in the settings."""
    return [
        Trouble(
            severity=WARNING,
            subject="proxy",
            message=message,
            action="Name the proxy's address in platform.trusted_proxies of project.yml.",
            since=platform.since("proxy"),
        )
        for message in platform.limits.warnings()
    ]


def _status(found: list[Trouble]) -> str:
    severities = {each.severity for each in found}
    if CRITICAL in severities:
        return CRITICAL
    return WARNING if severities else "healthy"


def _failure(each: Failing, *, tell: bool) -> dict[str, Any]:
    error = each.error if tell else None
    return {"count": each.count, "last_error": error, "since": each.since}


def _database(machine: Machine, summary: Summary) -> dict[str, Any]:
    size = machine.sizes.warehouse + machine.sizes.catalog
    name = next((name for bound, name in SIZES if size / GB >= bound), "small")
    tables = summary.raw_tables + summary.staging_tables + summary.marts_tables
    return {
        "size_mb": round(size / MB, 2),
        "size_gb": round(size / GB, 2),
        "tables": tables,
        "status": name,
        "raw_tables": summary.raw_tables,
        "staging_tables": summary.staging_tables,
        "marts_tables": summary.marts_tables,
    }


def _disk(machine: Machine) -> dict[str, Any]:
    used, total = machine.disk_used_bytes, machine.disk_total_bytes
    return {
        "status": troubles.disk_level(machine).value,
        "free_gb": round(machine.disk_free_bytes / GB, 2),
        "total_gb": round(total / GB, 2),
        "used_gb": round(used / GB, 2),
        "used_pct": round(100 * used / max(total, 1), 1),
    }


def _breakdown(machine: Machine, summary: Summary) -> dict[str, Any]:
    sizes = machine.sizes
    uploads = sum(sizes.uploads.values())
    warehouse = sizes.warehouse + sizes.catalog
    total = warehouse + uploads + sizes.dbt + sizes.events + sizes.views + sizes.logs
    total += sizes.backups
    return {
        "duckdb": {
            "file_size_mb": round(warehouse / MB, 2),
            "schema_sizes": dict(summary.rows_by_schema),  # rows, as the existing product has it
        },
        "metabase": {"size_mb": None},
        "csv_uploads": {
            "total_mb": round(uploads / MB, 2),
            "by_source": {name: round(size / MB, 2) for name, size in sizes.uploads.items()},
        },
        "dbt_artifacts": {"size_mb": round(sizes.dbt / MB, 2)},
        "dlt_pipelines": {"size_mb": 0.0},
        "backups": {"size_mb": round(sizes.backups / MB, 2)},
        "event_log": {"size_mb": round(sizes.events / MB, 2)},
        "read_models": {"size_mb": round(sizes.views / MB, 2)},
        "logs": {"size_mb": round(sizes.logs / MB, 2)},
        "total_mb": round(total / MB, 2),
        "complete": sizes.complete,
    }


def _capacity(machine: Machine) -> dict[str, Any]:
    """How much of what the disk could hold of it the warehouse is."""
    found = rules.warehouse(
        size_bytes=machine.sizes.warehouse + machine.sizes.catalog,
        free_bytes=machine.disk_free_bytes,
    )
    high = found.level is not rules.Level.OK
    return {
        "duckdb_size_bytes": found.size_bytes,
        "duckdb_capacity_pct": found.pct,
        "recommended_max_db_size_bytes": found.most_bytes,
        "duckdb_capacity_status": WARNING if high else "healthy",
        "duckdb_capacity_warning": high,
    }


def _scheduler(platform: Platform, reader: Reader | None) -> dict[str, Any]:
    known = Timetable() if reader is None else health.timetable(reader)
    return {
        "running": platform.scheduling is not None and platform.scheduling(),
        "job_count": known.count,
        "next_run_time": known.next_at,
    }


def _credentials(summary: Summary) -> dict[str, Any]:
    issues = [
        {"source": source, "missing": list(names)}
        for source, names in summary.missing_secrets.items()
    ]
    return {
        "status": WARNING if issues else "ok",
        "issues": issues,
        "total_sources": summary.sources,
    }


def _resources(machine: Machine) -> dict[str, Any]:
    total, free = machine.memory_total_bytes, machine.memory_available_bytes
    used_pct = None if not total or free is None else round(100 * (1 - free / total), 1)
    one, five, fifteen = machine.load or (None, None, None)
    return {
        "cpu_pct": machine.cpu_pct,
        "cpu_count": machine.cpu_count,
        "memory_total_mb": None if total is None else round(total / MB),
        "memory_available_mb": None if free is None else round(free / MB),
        "memory_used_pct": used_pct,
        "server_memory_mb": None
        if machine.process_bytes is None
        else round(machine.process_bytes / MB),
        "load_1m": one,
        "load_5m": five,
        "load_15m": fifteen,
        "measured_at": machine.at,
    }
