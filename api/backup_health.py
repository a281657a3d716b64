"""Whether the platform could come back: the newest backup, against when one was due."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from api.platform import HttpSettings, Platform
from api.troubles import Trouble
from domain import cron
from domain import machine as rules
from projections import backups
from projections.backups import Standing
from projections.engine import Reader

HOUR: Final = timedelta(hours=1)


class BackupHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How backups stand; the error is for callers who are signed in."""

    status: str = "none"  # none, ok, running, overdue, failed
    last_backup: datetime | None = None
    age_hours: float | None = None
    upto: int | None = None
    size_bytes: int | None = None
    encrypted: bool | None = None
    running: bool = False
    failures: int = 0  # since the newest one that was made
    last_error: str | None = None
    every: str | None = None
    next_due: datetime | None = None
    missed: int = 0  # moments that have passed without one; no more than BACKUPS_MISSED_MAX


def section(platform: Platform, reader: Reader | None, *, tell: bool) -> BackupHealth:
    """What health says of backups; reasons only when these may be told."""
    standing = Standing() if reader is None else backups.standing(reader)
    due, now = _due(platform, standing), platform.clock()
    missed = _missed(platform.settings, due, now)
    at = standing.made_at
    return BackupHealth(
        status=_status(standing, missed),
        last_backup=at,
        age_hours=None if at is None else round((now - at) / HOUR, 2),
        upto=standing.upto,
        size_bytes=standing.size_bytes,
        encrypted=standing.encrypted,
        running=standing.running,
        failures=standing.failures,
        last_error=standing.error if tell else None,
        every=platform.settings.backups_every,
        next_due=due,
        missed=missed,
    )


def troubles(platform: Platform, reader: Reader) -> Iterator[Trouble]:
    """Backups that fail, or that nobody makes any more."""
    standing = backups.standing(reader)
    if standing.failures:
        last = standing.failures == 1
        times = "The last backup" if last else f"The last {standing.failures} backups"
        yield Trouble(
            severity=rules.failing(standing.failures).value,
            subject="backups",
            message=f"{times} failed",
            action="`dango backup list` says why; put it right, then: dango backup create.",
            since=standing.failing_since or platform.clock(),
        )
        return
    due = _due(platform, standing)
    missed = 0 if standing.running else _missed(platform.settings, due, platform.clock())
    if due is not None and missed:
        known = standing.made_at
        since = "yet" if known is None else f"since {known:%Y-%m-%d %H:%M} UTC"
        yield Trouble(
            severity=rules.unmade(missed).value,
            subject="backups",
            message=f"No backup was made {since}, and one was due",
            action="Look at the server's log, then: dango backup create.",
            since=due,
        )


def _due(platform: Platform, standing: Standing) -> datetime | None:
    """When the next one should begin, or should have."""
    every = platform.settings.backups_every
    if every is None:
        return None
    after = standing.asked_at or platform.started_at
    return cron.next_after(every, platform.settings.backups_timezone, after)


def _missed(settings: HttpSettings, due: datetime | None, now: datetime) -> int:
    if due is None or settings.backups_every is None:
        return 0
    return rules.missed(settings.backups_every, settings.backups_timezone, due, now)


def _status(standing: Standing, missed: int) -> str:
    if standing.failures:
        return "failed"
    if standing.running:
        return "running"
    if missed:
        return "overdue"
    return "none" if standing.made_at is None else "ok"
