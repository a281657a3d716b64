"""GET /api/sources and what is known of one."""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from api.call import Call
from api.errors import invalid
from domain.drafts import revision
from domain.source_types.reading import Reading, reading
from domain.sources import SourceMissing
from projections import activity, attention, schedules, sources, syncs
from projections.sources import SourceHealth

HISTORY_ROWS: Final = 20
LOG_ROWS: Final = 100
LOG_ROWS_MAX: Final = 10_000
SECONDS_PER_HOUR: Final = 3600


class TableView(msgspec.Struct, frozen=True, kw_only=True):
    """A table of a source."""

    name: str
    row_count: int
    schema: str


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """How old the data is."""

    last_update: datetime | None
    days_old: int | None
    status: str
    hours_since_sync: float | None
    last_sync_time: datetime | None
    last_sync_status: str | None


class SourceView(msgspec.Struct, frozen=True, kw_only=True):
    """A source in the list."""

    name: str
    type: str
    enabled: bool
    last_sync: datetime | None
    row_count: int | None
    status: str
    freshness: Freshness
    tables: list[TableView] | None
    supports_incremental: bool
    supports_date_range: bool
    sync_mode: str
    lookback_days: int | None
    write_disposition: str
    needs_attention: bool
    attention_reason: str | None
    has_schedule: bool
    schedule_display: str | None
    last_sync_duration_seconds: float | None


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a source."""

    job_id: int
    timestamp: datetime
    status: str
    duration_seconds: float | None
    rows_processed: int | None
    total_row_count: int | None
    full_refresh: bool
    error_message: str | None
    start_date: str | None


class SourceDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A source with its configuration and runs; `revision` is for changing it."""

    name: str
    revision: str | None
    config: dict[str, Any]
    history: list[HistoryEntry]
    row_count: int | None
    freshness: Freshness
    tables: list[TableView] | None
    sync_mode: str
    lookback_days: int | None
    status: str
    error: str | None


class LogLine(msgspec.Struct, frozen=True):
    """One line about a source."""

    timestamp: str
    level: str
    message: str


async def list_sources(call: Call) -> list[SourceView]:
    """List all sources with state, row counts and freshness."""
    found = sources.every(call.views)
    needing = attention.every(call.views, found)
    scheduled = schedules.by_source(call.views)
    now = call.views.now
    return [
        _view(each, now, needing.get(each.config.name), scheduled.get(each.config.name))
        for each in found
    ]


async def source_details(call: Call, source_name: str) -> SourceDetails:
    """Tell all about one source: configuration, history, freshness, tables."""
    health = sources.one(call.views, source_name)
    if health is None:
        raise SourceMissing(source_name)
    known = call.caller.role is not None
    return SourceDetails(
        name=source_name,
        revision=revision(health.config, call.platform.secrets.digest) if known else None,
        config=_config(health) if known else {},
        history=[
            entry(run, tell_errors=known)
            for run in syncs.of_source(call.views, source_name, HISTORY_ROWS)
        ],
        row_count=health.row_count,
        freshness=_freshness(health, call.views.now),
        tables=_tables(health),
        sync_mode=_mode(reading(health.config.type, health.config.options)),
        lookback_days=health.config.lookback_days,
        status=health.status,
        error=health.error if known else None,
    )


async def source_logs(
    call: Call,
    source_name: str,
    limit: int = LOG_ROWS,
    level: str | None = None,
    since: datetime | None = None,
) -> list[LogLine]:
    """Tell what happened to one source, newest first."""
    if sources.one(call.views, source_name) is None:
        raise SourceMissing(source_name)
    entries = activity.newest(
        call.views, clamp(limit), source_name, level=log_level(level), since=log_since(since)
    )
    known = call.caller.role is not None
    return [LogLine(e.timestamp, e.level, words(e, tell_errors=known)) for e in entries]


def words(entry: activity.Entry, *, tell_errors: bool) -> str:
    """Error texts can hold values of the data: anonymous callers see that there was one."""
    if tell_errors or entry.level != "error":
        return entry.message
    return entry.message.partition(":")[0]


def log_level(text: str | None) -> str | None:
    """A level of the log. Raises Denied, 422."""
    if text is not None and text not in activity.LEVELS:
        raise invalid("level", f"must be one of {', '.join(activity.LEVELS)}")
    return text


def log_since(moment: datetime | None) -> datetime | None:
    """A time with its zone. Raises Denied, 422."""
    if moment is not None and moment.tzinfo is None:
        raise invalid("since", "is a time without a zone")
    return moment


def clamp(limit: int) -> int:
    return max(1, min(limit, LOG_ROWS_MAX))


def _view(
    health: SourceHealth, now: datetime, needs: attention.Attention | None, display: str | None
) -> SourceView:
    config = health.config
    how = reading(config.type, config.options)
    return SourceView(
        name=config.name,
        type=config.type,
        enabled=config.enabled,
        last_sync=health.last_at,
        row_count=health.row_count,
        status=health.status,
        freshness=_freshness(health, now),
        tables=_tables(health),
        supports_incremental=how.incremental,
        supports_date_range=how.dated,
        sync_mode=_mode(how),
        lookback_days=config.lookback_days,
        write_disposition=how.write,
        needs_attention=needs is not None,
        attention_reason=None if needs is None else needs.message,
        has_schedule=display is not None,
        schedule_display=display,
        last_sync_duration_seconds=health.last_duration_s,
    )


def _mode(how: Reading) -> str:
    return "incremental" if how.incremental else "full_refresh"


def _tables(health: SourceHealth) -> list[TableView] | None:
    return [
        TableView(name=table.name, row_count=table.row_count, schema=table.schema)
        for table in health.tables
    ] or None


def _freshness(health: SourceHealth, now: datetime) -> Freshness:
    age: timedelta | None = now - health.synced_at if health.synced_at is not None else None
    return Freshness(
        last_update=health.synced_at,
        days_old=None if age is None else age.days,
        status=health.status,
        hours_since_sync=None if age is None else round(age.total_seconds() / SECONDS_PER_HOUR, 2),
        last_sync_time=health.last_at,
        last_sync_status=health.last_status,
    )


def _config(health: SourceHealth) -> dict[str, Any]:
    config = health.config
    return {
        "name": config.name,
        "type": config.type,
        "enabled": config.enabled,
        "description": config.description,
        "tags": list(config.labels),
        "schema": config.schema,
        "lookback_days": config.lookback_days,
        "empty_sync_policy": "allow" if config.allow_empty else "block",
        config.type: config.options,
    }


def entry(run: syncs.Run, *, tell_errors: bool) -> HistoryEntry:
    """One run as it is told."""
    duration = None
    if run.started_at is not None and run.ended_at is not None:
        duration = round((run.ended_at - run.started_at).total_seconds(), 3)
    return HistoryEntry(
        job_id=run.job,
        timestamp=run.started_at or run.requested_at,
        status=run.status,
        duration_seconds=duration,
        rows_processed=run.rows,
        total_row_count=run.total_rows,
        full_refresh=run.full_refresh,
        error_message=run.error if tell_errors else None,
        start_date=run.start_date,
    )
