"""The clock of the disk: looks once a day how full it is, and with what."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from commands.disks import MeasureDisk
from commands.kernel import Bus, Clock, Origin
from domain.disks import DiskMeasured
from infra.clocks import Sleep, Ticking
from infra.configuration.project import Settings
from infra.gauges import sizes
from infra.log.places import remote
from infra.log.port import Log
from infra.project import Project
from infra.views.views import Views
from projections import disks
from projections.engine import Reader

LOOK_S_MAX: Final = 3600.0  # between two looks at the day
SETTLED: Final = timedelta(minutes=10)  # after a start, which has other things to do
ORIGIN: Final = Origin(actor="system:disk", via="scheduler", correlation="disk")


class DiskClock(Ticking):
    """Measures once a day; what was measured is in the log, so that a restart adds nothing."""

    what = "The disk"

    def __init__(
        self,
        bus: Bus,
        reader: Callable[[], Reader],
        measure: Callable[[Sequence[Path]], DiskMeasured],
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        *,
        backups: Callable[[], Sequence[Path]],
        settled: timedelta = SETTLED,
    ) -> None:
        """`measure` looks at files: it is called in a thread, with the folders of `backups`."""
        super().__init__(clock, sleep)
        self._bus, self._reader = bus, reader
        self._measure, self._backups = measure, backups
        self._begins = clock() + settled

    async def look(self) -> datetime:
        """Measure what is not measured yet today; answers when to look again."""
        now = self._clock()
        if now < self._begins:
            return self._begins
        last = disks.last(self._reader())
        if last is None or last < now.astimezone(UTC).date():
            measured = await asyncio.to_thread(self._measure, self._backups())
            await self._bus.send(MeasureDisk(measured=measured), ORIGIN)
        return now + timedelta(seconds=LOOK_S_MAX)


def clock(
    bus: Bus,
    views: Views,
    project: Project,
    given: Settings,
    log: Log,
    *,
    backups: Callable[[], Sequence[Path]],
    now: Clock,
) -> DiskClock:
    """The clock over a project's disk; `backups` tells the folders in which there are some."""
    dbt = project.root / given.platform.dbt_project_dir

    def measure(kept: Sequence[Path]) -> DiskMeasured:
        return look(project, dbt, kept, log, at=now())

    return DiskClock(bus, lambda: views.current, measure, now, backups=backups)


def look(
    project: Project, dbt: Path, kept: Sequence[Path], log: Log, *, at: datetime
) -> DiskMeasured:
    """Look at a project's disk; `kept` are the folders in which there are backups."""
    found, disk = sizes(project, dbt, kept), shutil.disk_usage(project.root)
    vault = 0 if remote(log.place) else log.vault_bytes()
    return DiskMeasured(
        measured_at=at,
        log_bytes=max(found.events - vault, 0),
        vault_bytes=vault,
        views_bytes=found.views,
        warehouse_bytes=found.warehouse + found.catalog,
        uploads_bytes=sum(found.uploads.values()),
        backups_bytes=found.backups,
        free_bytes=disk.free,
        total_bytes=disk.total,
    )
