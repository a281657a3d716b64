"""The backups: asked for, made or failed, and whether they are still at their place."""

from datetime import datetime
from typing import Any, Final

import msgspec

from domain import backups
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table, stamp

BACKUPS: Final = Table(
    name="backups",
    columns={
        "job": "INTEGER NOT NULL",
        "status": "TEXT NOT NULL",  # queued, running, made, failed, removed
        "place": "TEXT NOT NULL",
        "requested_at": "TEXT NOT NULL",
        "requested_by": "TEXT NOT NULL",
        "ended_at": "TEXT",
        "backup": "TEXT",
        "upto": "INTEGER",
        "files": "INTEGER",
        "size_bytes": "INTEGER",
        "encrypted": "INTEGER",
        "digest": "TEXT",
        "duration_s": "REAL",
        "error": "TEXT",
    },
    key=("job",),
    indexes=("status",),
)
NAMES: Final = Table(
    name="backup_names",
    columns={"backup": "TEXT NOT NULL", "job": "INTEGER NOT NULL"},
    key=("backup",),
)
FAILURES_MAX: Final = 100  # in a row, that are counted
FOLDERS_MAX: Final = 10  # that backups are looked for in
_LATER: Final = tuple(list(BACKUPS.columns)[5:])


def _requested(rows: Rows, e: backups.BackupRequested, r: Recorded) -> None:
    rows.put(
        BACKUPS,
        job=r.position,
        status="queued",
        place=e.to,
        requested_at=stamp(r.at),
        requested_by=r.actor,
        **dict.fromkeys(_LATER),
    )


def _started(rows: Rows, e: backups.BackupStarted, _: Recorded) -> None:
    rows.change(BACKUPS, e.job, status="running")


def _made(rows: Rows, e: backups.BackupMade, r: Recorded) -> None:
    _there(rows, e.job, e, r.at)
    rows.change(BACKUPS, e.job, duration_s=e.duration_s)
    for name in e.removed:
        known = rows.get(NAMES, name)
        if known is not None:
            rows.change(BACKUPS, known["job"], status="removed")


def _restored(rows: Rows, e: backups.BackupRestored, _: Recorded) -> None:
    if e.job is not None:
        _there(rows, e.job, e, e.made_at)


def _there(
    rows: Rows, job: int, e: backups.BackupMade | backups.BackupRestored, at: datetime
) -> None:
    rows.change(
        BACKUPS,
        job,
        status="made",
        ended_at=stamp(at),
        backup=e.backup,
        upto=e.upto,
        files=e.files,
        size_bytes=e.size_bytes,
        encrypted=int(e.encrypted),
        digest=e.digest,
    )
    rows.put(NAMES, backup=e.backup, job=job)


def _failed(rows: Rows, e: backups.BackupFailed, r: Recorded) -> None:
    rows.change(BACKUPS, e.job, status="failed", ended_at=stamp(r.at), error=e.reason)


PROJECTION: Final = Projection(
    name="backups",
    tables=(BACKUPS, NAMES),
    on={
        backups.BackupRequested: _requested,
        backups.BackupStarted: _started,
        backups.BackupMade: _made,
        backups.BackupFailed: _failed,
        backups.BackupRestored: _restored,
    },
)


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """One job, and the backup that it made."""

    job: int
    status: str
    place: str
    requested_at: datetime
    requested_by: str
    ended_at: datetime | None
    backup: str | None
    upto: int | None
    files: int | None
    size_bytes: int | None
    encrypted: bool | None
    digest: str | None
    duration_s: float | None
    error: str | None


_SELECT: Final = f"SELECT {', '.join(BACKUPS.columns)} FROM backups"  # noqa: S608 - constants


def newest(reader: Reader, limit: int) -> list[Backup]:
    """The newest jobs first."""
    return [_backup(row) for row in reader.rows(f"{_SELECT} ORDER BY job DESC LIMIT :n", n=limit)]


def one(reader: Reader, job: int) -> Backup | None:
    """One job, or None."""
    row = reader.row(f"{_SELECT} WHERE job = :job", job=job)
    return None if row is None else _backup(row)


def waiting(reader: Reader) -> int | None:
    """The job that nobody has taken, or None."""
    row = reader.row("SELECT job FROM backups WHERE status = 'queued'")
    return None if row is None else int(row[0])


def last_asked(reader: Reader) -> datetime | None:
    """When one was asked for last, whoever it was."""
    row = reader.row("SELECT max(requested_at) FROM backups")
    return None if row is None or row[0] is None else datetime.fromisoformat(row[0])


def folders(reader: Reader) -> list[str]:
    """The folders of this machine in which there are backups, the last one first."""
    return reader.kept((BACKUPS.name,), _folders) or []


def _folders(reader: Reader) -> list[str]:
    rows = reader.rows(
        "SELECT place FROM backups WHERE status = 'made' AND place NOT LIKE 's3://%'"
        " GROUP BY place ORDER BY max(job) DESC LIMIT :limit",
        limit=FOLDERS_MAX,
    )
    return [row[0] for row in rows]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The newest backup that is there, and what came of those that were asked for since."""

    asked_at: datetime | None = None
    made_at: datetime | None = None
    upto: int | None = None
    size_bytes: int | None = None
    encrypted: bool | None = None
    running: bool = False  # or asked for
    failures: int = 0  # since then, up to FAILURES_MAX
    failing_since: datetime | None = None
    error: str | None = None  # of the last one


def standing(reader: Reader) -> Standing:
    """How backups stand; kept until one is asked for or ends."""
    return reader.kept((BACKUPS.name,), _standing) or Standing()


def _standing(reader: Reader) -> Standing:
    row = reader.row(f"{_SELECT} WHERE status = 'made' ORDER BY job DESC LIMIT 1")
    made = None if row is None else _backup(row)
    failed = reader.rows(
        "SELECT ended_at, error FROM backups WHERE status = 'failed' AND job > :job"
        " ORDER BY job DESC LIMIT :limit",
        job=0 if made is None else made.job,
        limit=FAILURES_MAX,
    )
    open_ = reader.row("SELECT job FROM backups WHERE status IN ('queued', 'running')")
    return Standing(
        asked_at=None if made is None else made.requested_at,
        made_at=None if made is None else made.ended_at,
        upto=None if made is None else made.upto,
        size_bytes=None if made is None else made.size_bytes,
        encrypted=None if made is None else made.encrypted,
        running=open_ is not None,
        failures=len(failed),
        failing_since=datetime.fromisoformat(failed[-1][0]) if failed else None,
        error=failed[0][1] if failed else None,
    )


def _backup(row: tuple[Any, ...]) -> Backup:
    return msgspec.convert(dict(zip(BACKUPS.columns, row, strict=True)), Backup, strict=False)
