"""Changes of the vault's keys: asked for, made or failed."""

from datetime import datetime
from typing import Any, Final

import msgspec

from domain import vault
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table, stamp

ROTATIONS: Final = Table(
    name="vault_rotations",
    columns={
        "job": "INTEGER NOT NULL",
        "status": "TEXT NOT NULL",  # running, rotated, failed
        "master": "INTEGER NOT NULL",
        "requested_at": "TEXT NOT NULL",
        "requested_by": "TEXT NOT NULL",
        "ended_at": "TEXT",
        "key_id": "TEXT",
        "rows": "INTEGER",
        "duration_s": "REAL",
        "error": "TEXT",
    },
    key=("job",),
    indexes=("status",),
)


def _requested(rows: Rows, e: vault.VaultRotationRequested, r: Recorded) -> None:
    rows.put(
        ROTATIONS,
        job=r.position,
        status="running",
        master=int(e.master),
        requested_at=stamp(r.at),
        requested_by=r.actor,
        **dict.fromkeys(("ended_at", "key_id", "rows", "duration_s", "error")),
    )


def _rotated(rows: Rows, e: vault.VaultRotated, r: Recorded) -> None:
    rows.change(
        ROTATIONS,
        e.job,
        status="rotated",
        ended_at=stamp(r.at),
        key_id=e.key_id,
        rows=e.rows,
        duration_s=e.duration_s,
    )


def _failed(rows: Rows, e: vault.VaultRotationFailed, r: Recorded) -> None:
    rows.change(ROTATIONS, e.job, status="failed", ended_at=stamp(r.at), error=e.reason)


PROJECTION: Final = Projection(
    name="vault",
    tables=(ROTATIONS,),
    on={
        vault.VaultRotationRequested: _requested,
        vault.VaultRotated: _rotated,
        vault.VaultRotationFailed: _failed,
    },
)


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """One change of keys; `master` tells whether it was to change the master key too."""

    job: int
    status: str
    master: bool
    requested_at: datetime
    requested_by: str
    ended_at: datetime | None
    key_id: str | None
    rows: int | None
    duration_s: float | None
    error: str | None


_SELECT: Final = f"SELECT {', '.join(ROTATIONS.columns)} FROM vault_rotations"  # noqa: S608


def newest(reader: Reader, limit: int) -> list[Rotation]:
    """The newest first."""
    return [_of(row) for row in reader.rows(f"{_SELECT} ORDER BY job DESC LIMIT :n", n=limit)]


def one(reader: Reader, job: int) -> Rotation | None:
    """One of them, or None."""
    row = reader.row(f"{_SELECT} WHERE job = :job", job=job)
    return None if row is None else _of(row)


def running(reader: Reader) -> Rotation | None:
    """The one that has not ended, or None."""
    row = reader.row(f"{_SELECT} WHERE status = 'running'")
    return None if row is None else _of(row)


def _of(row: tuple[Any, ...]) -> Rotation:
    return msgspec.convert(dict(zip(ROTATIONS.columns, row, strict=True)), Rotation, strict=False)
