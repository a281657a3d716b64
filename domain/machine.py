"""When the platform is unwell, and how badly: the same answer wherever it is told.

A machine runs short of what the platform needs, read models stay behind the log, the same work
fails again and again, backups are not made.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from domain import cron

DISK_FREE_BYTES_MIN: Final = 200 * 1024**2  # below that it is critical: nothing can be written soon
DISK_FREE_BYTES_WARN_MIN: Final = 2 * 1024**3
DISK_USED_PCT_MAX: Final = 95.0
DISK_USED_PCT_WARN_MAX: Final = 85.0
MEMORY_FREE_PCT_MIN: Final = 3.0
MEMORY_FREE_PCT_WARN_MIN: Final = 10.0
WAREHOUSE_DISK_PCT_MAX: Final = 80.0  # of what is free or its own, that the warehouse may fill
WAREHOUSE_FULL_PCT_WARN: Final = 80.0  # of that
LAG_EVENTS_MAX: Final = 10_000  # that the read models may be behind the log
FAILURES_MAX: Final = 3  # of the same work in a row, then it is critical
BACKUP_LATE: Final = timedelta(hours=1)  # that one may take to be there, or to have begun
BACKUPS_MISSED_MAX: Final = 3  # moments of the time table without one, then it is critical


class Level(StrEnum):
    """How badly."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


def disk(*, free_bytes: int, used_bytes: int, total_bytes: int) -> Level:
    """How the disk is that the project lies on."""
    used_pct = 100 * used_bytes / max(total_bytes, 1)
    if free_bytes < DISK_FREE_BYTES_MIN or used_pct > DISK_USED_PCT_MAX:
        return Level.CRITICAL
    if free_bytes < DISK_FREE_BYTES_WARN_MIN or used_pct > DISK_USED_PCT_WARN_MAX:
        return Level.WARNING
    return Level.OK


def memory(*, free_bytes: int, total_bytes: int) -> Level:
    """How much room there is for further processes."""
    free_pct = 100 * free_bytes / max(total_bytes, 1)
    if free_pct < MEMORY_FREE_PCT_MIN:
        return Level.CRITICAL
    return Level.WARNING if free_pct < MEMORY_FREE_PCT_WARN_MIN else Level.OK


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """How large the warehouse is, against how large it may become."""

    size_bytes: int
    most_bytes: int
    pct: float
    level: Level


def warehouse(*, size_bytes: int, free_bytes: int) -> Capacity:
    """How much room is left to the warehouse; `free_bytes` is of its disk."""
    most = int((free_bytes + size_bytes) * WAREHOUSE_DISK_PCT_MAX / 100)
    pct = round(100 * size_bytes / max(most, 1), 1)
    level = Level.WARNING if pct >= WAREHOUSE_FULL_PCT_WARN else Level.OK
    return Capacity(size_bytes=size_bytes, most_bytes=most, pct=pct, level=level)


def behind(events: int) -> Level:
    """How the read models are that have not folded so many events yet."""
    return Level.WARNING if events > LAG_EVENTS_MAX else Level.OK


def failing(count: int) -> Level:
    """How bad it is that the same work failed so often in a row."""
    if count == 0:
        return Level.OK
    return Level.CRITICAL if count >= FAILURES_MAX else Level.WARNING


def unmade(missed: int) -> Level:
    """How bad it is that backups were due so often, and none was made."""
    if missed == 0:
        return Level.OK
    return Level.CRITICAL if missed >= BACKUPS_MISSED_MAX else Level.WARNING


def missed(every: str, timezone: str, due: datetime, now: datetime) -> int:
    """How often a backup was due and is late; no more than BACKUPS_MISSED_MAX are counted."""
    count = 0
    moment: datetime | None = due
    while moment is not None and moment + BACKUP_LATE < now and count < BACKUPS_MISSED_MAX:
        count += 1
        moment = cron.next_after(every, timezone, moment)
    return count
