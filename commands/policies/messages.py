"""What is told of, and what a message says: a table from event to subject and words.

The fields of a message are those of the existing product's webhooks; where it has none for
something, they are null. A capability whose events are to be told of adds a row.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from domain import (
    backups,
    drift,
    freshness,
    grants,
    model_runs,
    monitor_runs,
    pii,
    schedule_runs,
    syncs,
    vault,
)
from domain.kernel import Event, Recorded
from domain.notifications import Subject

_BAD: Final = frozenset({"failed", "timeout", "interrupted"})
TEST: Final = "test"
TOLD_MAX: Final = 50  # changes or findings in one message


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What an event is to those who are told of it."""

    subject: Subject
    event: str  # the name that messages give it
    fields: dict[str, Any] = {}
    schedule: str | None = None
    sync: int | None = None  # a sync that a schedule led to is told of by the schedule's run


def _run(e: schedule_runs.ScheduleRunFinished) -> Told | None:
    if e.status != "success" and e.status not in _BAD:
        return None
    good = e.status == "success"
    return Told(
        subject=Subject.SUCCESS if good else Subject.FAILURE,
        event="sync_completed" if good else "sync_failed",
        schedule=e.schedule,
        fields={
            "schedule": e.schedule,
            "sources": list(e.sources),
            "error": e.error,
            "duration_seconds": e.duration_s,
            "rows_loaded": e.rows,
            "metadata": {"job_id": e.job, "status": e.status},
        },
    )


def _missed(e: schedule_runs.ScheduleRunMissed) -> Told:
    error = f"{e.count} runs were missed" if e.count > 1 else "a run was missed"
    fields = {"schedule": e.schedule, "error": error, "metadata": {"due_at": e.due_at}}
    return Told(
        subject=Subject.FAILURE, event="schedule_missed", schedule=e.schedule, fields=fields
    )


def _completed(e: syncs.SyncCompleted) -> Told:
    fields = {
        "sources": [e.source],
        "duration_seconds": e.duration_s,
        "rows_loaded": e.rows,
        "metadata": {"job_id": e.job},
    }
    return Told(subject=Subject.SUCCESS, event="sync_completed", sync=e.job, fields=fields)


def _failed(e: syncs.SyncFailed) -> Told | None:
    if syncs.pause_s(e) is not None:
        return None  # it is tried again; how that ends is told
    fields = {
        "sources": [e.source],
        "error": e.reason,
        "duration_seconds": e.duration_s,
        "metadata": {"job_id": e.job},
    }
    return Told(subject=Subject.FAILURE, event="sync_failed", sync=e.job, fields=fields)


def _models_failed(e: model_runs.ModelsRunFailed) -> Told:
    fields = {
        "error": e.reason,
        "duration_seconds": e.duration_s,
        "metadata": {"job_id": e.job, "models": list(e.failed), "file": e.file, "line": e.line},
    }
    return Told(subject=Subject.FAILURE, event="dbt_run_failed", fields=fields)


def _drifted(e: drift.DriftDetected) -> Told:
    changes = [
        {"table": each.table, "column": each.column, "kind": each.kind, "breaking": each.breaking}
        for each in e.changes[:TOLD_MAX]
    ]
    found = {"changes": changes, "count": len(e.changes), "models_held_back": bool(e.pending)}
    fields = {"sources": [e.source], "metadata": {"job_id": e.job, **found}}
    return Told(subject=Subject.GOVERNANCE, event="schema_drift_detected", fields=fields)


def _backup_failed(e: backups.BackupFailed) -> Told:
    fields = {"error": e.reason, "metadata": {"job_id": e.job}}
    return Told(subject=Subject.FAILURE, event="backup_failed", fields=fields)


def _rotation_failed(e: vault.VaultRotationFailed) -> Told:
    fields = {"error": e.reason, "metadata": {"job_id": e.job}}
    return Told(subject=Subject.FAILURE, event="vault_rotation_failed", fields=fields)


def _lapsed(e: grants.GrantLapsed) -> Told:
    fields = {"error": e.reason, "metadata": {"source_type": e.source_type}}
    return Told(subject=Subject.FAILURE, event="oauth_expired", fields=fields)


def _personal(e: pii.PiiScanned) -> Told | None:
    """Told when a scan finds what none before it found."""
    if not e.fresh:
        return None
    columns = [
        {"table": each.table, "column": each.column, "kind": each.kind}
        for each in e.findings
        if each.counts
    ]
    metadata = {"job_id": e.job, "new": e.fresh, "columns": columns[:TOLD_MAX]}
    fields = {"sources": [e.source], "metadata": metadata}
    return Told(subject=Subject.GOVERNANCE, event="pii_detected", fields=fields)


def _alerted(e: monitor_runs.MonitorEvaluated) -> Told | None:
    """Told once, when a number becomes an alert; parts of the data are not sent along."""
    if not e.raised:
        return None
    metadata = {
        "metric": e.monitor,
        "table": e.source_table,
        "value": e.value,
        "expected": e.expected,
        "change_pct": e.change_pct,
        "deviation": e.deviation,
    }
    return Told(subject=Subject.ANALYSIS, event="metric_alert", fields={"metadata": metadata})


def _stale(e: freshness.SourceTurnedStale) -> Told:
    metadata = {"synced_at": e.synced_at}
    fields = {"sources": [e.source], "stale_hours": e.after_hours, "metadata": metadata}
    return Told(subject=Subject.STALE, event="sync_stale", fields=fields)


ROWS: Final[Mapping[type[Event], Callable[[Any], Told | None]]] = {
    schedule_runs.ScheduleRunFinished: _run,
    schedule_runs.ScheduleRunMissed: _missed,
    syncs.SyncCompleted: _completed,
    syncs.SyncFailed: _failed,
    model_runs.ModelsRunFailed: _models_failed,
    drift.DriftDetected: _drifted,
    pii.PiiScanned: _personal,
    backups.BackupFailed: _backup_failed,
    vault.VaultRotationFailed: _rotation_failed,
    freshness.SourceTurnedStale: _stale,
    monitor_runs.MonitorEvaluated: _alerted,
    grants.GrantLapsed: _lapsed,
}
_FIELDS: Final = (
    "schedule",
    "sources",
    "error",
    "duration_seconds",
    "rows_loaded",
    "stale_hours",
    "attempt_number",
    "next_retry_at",
    "metadata",
)


def told(event: Event) -> Told | None:
    """What an event is to be told as; None when nobody is to hear of it."""
    row = ROWS.get(type(event))
    return None if row is None else row(event)


def message(cause: Recorded | None, subject: Subject, base_url: str) -> dict[str, Any]:
    """The message about an event; a test is about nothing."""
    found = None if cause is None or subject is Subject.TEST else told(cause.event)
    fields = {} if found is None else found.fields
    return {
        "event": TEST if found is None else found.event,
        "timestamp": None if cause is None else cause.at,
        "dashboard_url": f"{base_url}/",
        **{name: fields.get(name) for name in _FIELDS},
    }
