"""What the activity log says of an event: its level, and one line."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from domain import (
    backups,
    disks,
    drift,
    freshness,
    grants,
    initial_syncs,
    inputs,
    model_runs,
    models,
    monitor_runs,
    notifications,
    pii,
    pii_overrides,
    schedule_runs,
    schedules,
    secrets,
    sources,
    syncs,
    upkeep,
    uploads,
    vault,
)
from domain.datasets import Drift
from domain.kernel import Event

CHANGES_TOLD_MAX: Final = 5  # in one line

Words = Callable[[Any], tuple[str, str]]  # event -> level, message


def _asked(e: model_runs.ModelsRunRequested) -> str:
    if e.model is not None:
        return f"{e.model} and what reads it" if e.cascade else e.model
    if e.sources:
        return f"what comes from {', '.join(e.sources)}"
    return " ".join(e.select) or "all"


def _model(e: model_runs.ModelCompleted) -> tuple[str, str]:
    if e.status == "success":
        rows = "" if e.rows is None else f": {e.rows:,} rows"
        return "success", f"Model {e.model} was built{rows}{_took(e.duration_s)}"
    if e.status == "skipped":
        return "warning", f"Model {e.model} was left out: what it reads could not be built"
    return "error", f"Model {e.model} could not be built: {e.message}"


def _tested(e: model_runs.ModelTested) -> tuple[str, str]:
    bad = [test.test for test in e.tests if test.status not in ("pass", "skipped")]
    if bad:
        return "error", f"Tests of {e.model} failed: {', '.join(bad)}"
    return "success", f"Tests of {e.model} passed: {len(e.tests)}"


def _scheduled(e: schedule_runs.ScheduleRunFinished) -> tuple[str, str]:
    if e.status == "success":
        return "success", f"Schedule {e.schedule} ended well{_took(e.duration_s)}"
    level = "error" if e.status == "failed" else "warning"
    return level, f"Schedule {e.schedule} ended as {e.status}{': ' + e.error if e.error else ''}"


WORDS: Final[Mapping[type[Event], Words]] = {
    sources.SourceRegistered: lambda e: ("info", f"Source {e.source} was added"),
    sources.SourceReconfigured: lambda e: (
        "info",
        f"Source {e.source} was changed: {', '.join(e.changed)}",
    ),
    sources.SourceRemoved: lambda e: ("info", f"Source {e.source} was removed"),
    sources.ConfigurationRefused: lambda e: (
        "error",
        f"{e.file} cannot be read{_place(e.line, e.column)}: {e.reason}",
    ),
    sources.ConfigurationAccepted: lambda e: ("info", f"{e.file} reads well again"),
    secrets.SecretSet: lambda e: ("info", f"Secret {e.variable} was set"),
    secrets.SecretRemoved: lambda e: ("warning", f"Secret {e.variable} was removed"),
    secrets.SecretsImported: lambda e: (
        "info",
        f"{len(e.variables)} secrets were taken over from {e.file}",
    ),
    syncs.SyncRequested: lambda e: ("info", _sync_asked(e)),
    syncs.SyncStarted: lambda e: ("info", f"Starting sync for {e.source}"),
    syncs.SyncCompleted: lambda e: (
        "warning" if e.refused_count else "success",
        f"Sync of {e.source} completed: {e.rows:,} rows{_took(e.duration_s)}"
        + (f", {e.refused_count} files refused" if e.refused_count else ""),
    ),
    inputs.ColumnsDrifted: lambda e: ("warning", _drifted(e.source, e.drift)),
    drift.DriftDetected: lambda e: (
        "warning" if e.pending else "info",
        f"Schema of {e.source} drifted: {_changes(e.changes)}",
    ),
    drift.DriftAccepted: lambda e: (
        "info",
        f"Schema drift of {e.source} was accepted: {_changes(e.changes)}",
    ),
    pii.PiiScanRequested: lambda e: ("info", f"{e.source} is to be scanned for personal data"),
    pii.PiiScanned: lambda e: (
        "info",
        f"{e.source} was scanned for personal data: {len(e.findings)} columns found",
    ),
    pii.PiiScanFailed: lambda e: ("error", f"PII scan of {e.source} failed: {e.reason}"),
    pii_overrides.PiiOverridden: lambda e: (
        "info",
        f"Column {e.column} of {e.source} was declared {e.status.replace('_', ' ')}",
    ),
    pii_overrides.PiiOverrideRemoved: lambda e: (
        "info",
        f"Column {e.column} of {e.source} is judged by scans again",
    ),
    monitor_runs.MonitorRunCompleted: lambda e: (
        "warning" if e.alerts or e.failed else "info",
        f"Monitors were run: {e.evaluated} evaluated, {e.alerts} alerting, {e.failed} failed",
    ),
    monitor_runs.MonitorRunFailed: lambda e: ("error", f"Monitors were not run: {e.reason}"),
    freshness.SourceTurnedStale: lambda e: (
        "warning",
        f"The data of {e.source} is older than {e.after_hours:g} hours",
    ),
    syncs.SourceRolledBack: lambda e: (
        "warning",
        f"{e.source} was rolled back to before job {e.undone}",
    ),
    syncs.SyncFailed: lambda e: ("error", f"Sync of {e.source} failed: {e.reason}"),
    syncs.SyncCancelRequested: lambda e: ("info", f"Cancelling sync of {e.source}"),
    syncs.SyncCancelled: lambda e: ("warning", f"Sync of {e.source} was cancelled"),
    syncs.SyncInterrupted: lambda e: (
        "warning",
        f"Sync of {e.source} was interrupted: the server stopped",
    ),
    inputs.FileFormatFound: lambda e: ("info", f"How the files of {e.table} are written was found"),
    initial_syncs.DeployTokenIssued: lambda _: ("info", "A deploy token was made"),
    initial_syncs.InitialSyncStarted: lambda e: (
        "info",
        f"Initial sync of {len(e.sources)} sources",
    ),
    initial_syncs.InitialSyncCancelled: lambda _: ("warning", "Initial sync was cancelled"),
    initial_syncs.InitialSourceSkipped: lambda e: ("warning", f"Source {e.source} was skipped"),
    uploads.CsvUploaded: lambda e: (
        "info",
        f"File {e.file} was uploaded for {e.source}: {e.size_bytes} bytes",
    ),
    uploads.CsvDeleted: lambda e: ("info", f"File {e.file} of {e.source} was deleted"),
    schedules.ScheduleCreated: lambda e: ("info", f"Schedule {e.schedule} was added"),
    schedules.ScheduleChanged: lambda e: (
        "info",
        f"Schedule {e.schedule} was changed: {', '.join(e.changed)}",
    ),
    schedules.ScheduleEnabled: lambda e: ("info", f"Schedule {e.schedule} was switched on"),
    schedules.ScheduleDisabled: lambda e: ("info", f"Schedule {e.schedule} was switched off"),
    schedules.ScheduleRemoved: lambda e: ("info", f"Schedule {e.schedule} was removed"),
    schedule_runs.ScheduleDue: lambda e: (
        "info",
        f"Schedule {e.schedule} was triggered" if e.manual else f"Schedule {e.schedule} came due",
    ),
    schedule_runs.ScheduleRunSkipped: lambda e: (
        "warning",
        f"Schedule {e.schedule} was passed over: job {e.job} was still running",
    ),
    schedule_runs.ScheduleRunMissed: lambda e: (
        "warning",
        f"Schedule {e.schedule} was missed while no server ran: {e.count} times",
    ),
    schedule_runs.ScheduleRunStarted: lambda e: ("info", f"Schedule {e.schedule} began"),
    schedule_runs.ScheduleRunRetried: lambda e: (
        "warning",
        f"Schedule {e.schedule} is tried again in {e.wait_s} s, try {e.attempt}",
    ),
    schedule_runs.ScheduleCancelRequested: lambda e: (
        "info",
        f"Cancelling job {e.job} of schedule {e.schedule}",
    ),
    schedule_runs.ScheduleRunFinished: _scheduled,
    notifications.NotificationsConfigured: lambda _: ("info", "Notifications were configured"),
    notifications.NoticeQueued: lambda e: ("info", f"Notice of {e.about.value} for {e.place}"),
    notifications.NoticeDelivered: lambda e: ("success", f"Notice was delivered to {e.place}"),
    notifications.NoticeFailed: lambda e: (
        "warning",
        f"Notice to {e.place} failed, try {e.attempt}: {e.reason}",
    ),
    notifications.NoticeDead: lambda e: ("error", f"Notice to {e.place} was given up: {e.reason}"),
    notifications.NoticeResent: lambda e: ("info", f"Notice to {e.place} is sent once more"),
    grants.GrantGiven: lambda e: ("info", f"An account was connected for {e.source_type}"),
    grants.GrantLapsed: lambda e: ("error", f"{e.source_type}: {e.reason}"),
    grants.GrantTakenBack: lambda e: ("info", f"The account of {e.source_type} was disconnected"),
    backups.BackupStarted: lambda _: ("info", "Making a backup"),
    backups.BackupMade: lambda e: (
        "success",
        f"Backup {e.backup} was made, up to event {e.upto}{_took(e.duration_s)}",
    ),
    backups.BackupFailed: lambda e: ("error", f"The backup failed: {e.reason}"),
    backups.BackupRestored: lambda e: (
        "info",
        _restored(e),
    ),
    vault.VaultRotationRequested: lambda e: (
        "info",
        f"New keys for the vault{', and a new master key' if e.master else ''}",
    ),
    vault.VaultRotated: lambda e: (
        "success",
        f"The vault is sealed with a new key: {e.rows} values sealed anew{_took(e.duration_s)}",
    ),
    vault.VaultRotationFailed: lambda e: ("error", f"New keys for the vault failed: {e.reason}"),
    upkeep.MaintenanceStarted: lambda _: ("info", "Maintaining the warehouse"),
    upkeep.MaintenanceCompleted: lambda e: (
        "success",
        f"Warehouse maintained: {e.files_merged} files merged, {e.files_removed} removed",
    ),
    disks.DiskMeasured: lambda e: (
        "info",
        f"The disk was measured: {_share(e.total_bytes - e.free_bytes, e.total_bytes)} full",
    ),
    upkeep.MaintenanceFailed: lambda e: ("error", f"Warehouse maintenance failed: {e.reason}"),
    models.ModelRegistered: lambda e: ("info", f"Model {e.model} was added"),
    models.ModelReconfigured: lambda e: (
        "info",
        f"Model {e.model} was changed: {', '.join(e.changed)}",
    ),
    models.ExposuresDeclared: lambda e: (
        "info",
        f"The dbt project names {len(e.exposures)} exposures of its models",
    ),
    models.SourceTableDescribed: lambda e: (
        "info",
        f"The dbt project describes {e.table.schema}.{e.table.relation}",
    ),
    models.SourceTableUndescribed: lambda e: (
        "info",
        f"The dbt project describes {e.unique_id} no more",
    ),
    models.ModelRemoved: lambda e: ("info", f"Model {e.model} was removed"),
    model_runs.ModelsRunRequested: lambda e: ("info", f"Models to be built: {_asked(e)}"),
    model_runs.ModelsRunExtended: lambda e: (
        "info",
        f"Models to be built too: what comes from {e.source}",
    ),
    model_runs.ModelStarted: lambda e: ("info", f"Building model {e.model}"),
    model_runs.ModelsRunStarted: lambda _: ("info", "Building models"),
    model_runs.ModelCompleted: _model,
    model_runs.ModelTested: _tested,
    model_runs.ModelsBuilt: lambda e: (
        "success",
        f"Models built: {e.models}, tests passed: {e.tests}{_took(e.duration_s)}",
    ),
    model_runs.ModelsRunFailed: lambda e: ("error", f"Building models failed: {e.reason}"),
    model_runs.ModelsRunCancelRequested: lambda _: ("info", "Cancelling the run of models"),
    model_runs.ModelsRunCancelled: lambda _: ("warning", "The run of models was cancelled"),
    model_runs.ModelsRunInterrupted: lambda _: (
        "warning",
        "The run of models was interrupted: the server stopped",
    ),
}


def _drifted(source: str, drift: Drift) -> str:
    parts = (
        ("new", tuple(column.name for column in drift.added)),
        ("missing", drift.missing),
        ("of another type", tuple(column.name for column in drift.retyped)),
    )
    told = "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names)
    return f"Columns of {source} ({drift.table}) drifted: {told}"


def _changes(changes: Sequence[drift.Change]) -> str:
    told = [
        f"{each.kind.replace('_', ' ')}: {each.column or each.table}"
        for each in changes[:CHANGES_TOLD_MAX]
    ]
    more = len(changes) - len(told)
    return "; ".join(told) + (f" and {more} more" if more else "")


def _sync_asked(e: syncs.SyncRequested) -> str:
    names = ", ".join(e.sources)
    if e.retry_of is not None:
        return f"Sync of {names} is tried again, after job {e.retry_of}"
    return f"Sync requested for {names}"


def _restored(e: backups.BackupRestored) -> str:
    ended = "sessions, links and keys" if e.keys_ended else "sessions and links"
    return f"This project was restored from backup {e.backup}, up to event {e.upto}; {ended} ended"


def _took(duration_s: float | None) -> str:
    return "" if duration_s is None else f" in {duration_s:.1f} s"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.1f} %"


def _place(line: int | None, column: int | None) -> str:
    return "" if line is None else f", line {line}, column {column}"
