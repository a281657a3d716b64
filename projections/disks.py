"""How full the disk was, day by day."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec

from domain import disks
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table

PARTS: Final = ("log", "vault", "views", "warehouse", "uploads", "backups")
_BYTES: Final = tuple(f"{name}_bytes" for name in (*PARTS, "free", "total"))
DAYS: Final = Table(
    name="disk_days",
    columns={
        "position": "INTEGER NOT NULL",
        "day": "TEXT NOT NULL",
        **dict.fromkeys(_BYTES, "INTEGER NOT NULL"),
    },
    key=("position",),
    grows="position",
)
READ: Final = (DAYS.name,)


def _measured(rows: Rows, e: disks.DiskMeasured, r: Recorded) -> None:
    rows.put(
        DAYS,
        position=r.position,
        day=e.day.isoformat(),
        **{name: getattr(e, name) for name in _BYTES},
    )


PROJECTION: Final = Projection(name="disks", tables=(DAYS,), on={disks.DiskMeasured: _measured})


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement, in bytes; `parts` are the project's, by name."""

    day: date
    parts: dict[str, int]
    free_bytes: int
    total_bytes: int

    @property
    def used_bytes(self) -> int:
        """Of the whole disk, whoever fills it."""
        return self.total_bytes - self.free_bytes


def last(reader: Reader) -> date | None:
    """The day that was measured last."""
    row = reader.row("SELECT day FROM disk_days ORDER BY position DESC LIMIT 1")
    return None if row is None else date.fromisoformat(row[0])


def newest(reader: Reader) -> Sequence[Day]:
    """The days that a forecast looks back on, the oldest first."""
    rows = reader.rows(
        f"SELECT day, {', '.join(_BYTES)} FROM disk_days ORDER BY position DESC LIMIT :limit",  # noqa: S608 - constants
        limit=disks.DAYS_MAX,
    )
    return [_of(row) for row in reversed(rows)]


def forecast(reader: Reader) -> disks.Forecast:
    """When the disk will be full."""
    return reader.kept(READ, _forecast) or disks.forecast(())


def _forecast(reader: Reader) -> disks.Forecast:
    return disks.forecast(
        [
            disks.Point(day=each.day, used_bytes=each.used_bytes, free_bytes=each.free_bytes)
            for each in newest(reader)
        ]
    )


def _of(row: tuple[str | int, ...]) -> Day:
    day, *sizes = row
    *parts, free, total = (int(size) for size in sizes)
    return Day(
        day=date.fromisoformat(str(day)),
        parts=dict(zip(PARTS, parts, strict=True)),
        free_bytes=free,
        total_bytes=total,
    )
