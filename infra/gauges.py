"""How the machine, the disk and the workers are: looked at in a thread, a few seconds apart.

Who asks gets the last look at once and sets off the next one when it is too old, so that an answer
never waits for a disk, but for the first. Files are counted less often than the rest.
"""

import asyncio
import collections
import logging
import os
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from commands.kernel import Clock
from commands.machine import Machine, Sizes, Workers
from domain.kernel import Recorded
from infra.backups.manifest import BACKUP
from infra.project import Project
from infra.workers.pool import Pool

LOOK_S: Final = 5.0  # between two looks
SIZES_S: Final = 60.0  # between two counts of files
FILES_MAX: Final = 100_000  # that one count looks at
RATE_S: Final = 300  # that the rate of events is the mean of
TROUBLES_MAX: Final = 1_000
FORGET: Final = timedelta(minutes=5)  # a trouble that nobody asked for since then is over
_PROC: Final = Path("/proc")

_log = logging.getLogger("dango.gauges")


class MachineGauges:
    """The `Gauges` port."""

    def __init__(
        self,
        project: Project,
        pool: Pool,
        clock: Clock,
        *,
        dbt: Path,
        backups: Callable[[], Sequence[Path]] = tuple,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`backups` tells the folders in which there are some; it is asked on the event loop."""
        self._project, self._pool, self._clock, self._dbt = project, pool, clock, dbt
        self._backups, self._monotonic = backups, monotonic
        self._last: Machine | None = None
        self._next_at = 0.0
        self._sizes, self._sizes_at = Sizes(), float("-inf")
        self._ticks: tuple[int, int] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._written: collections.deque[tuple[int, int]] = collections.deque()
        self._begun = monotonic()
        self._troubles: dict[str, tuple[datetime, datetime]] = {}  # since when, asked last

    # the machine

    async def machine(self) -> Machine:
        """As the port says."""
        if self._looking is None and self._monotonic() >= self._next_at:
            self._looking = asyncio.create_task(self._look())
        if self._last is None and self._looking is not None:
            await asyncio.shield(self._looking)
        if self._last is None:
            raise RuntimeError("the machine could not be looked at")
        return self._last

    async def _look(self) -> None:
        try:
            self._last = await asyncio.to_thread(self._measure, self._backups())
        except Exception:  # noqa: BLE001 - of whatever kind, it is told
            # What was seen last is told no more: it would be taken for what is.
            self._last = None
            _log.exception("the machine could not be looked at")
        finally:
            self._next_at = self._monotonic() + LOOK_S
            self._looking = None

    def _measure(self, backups: Sequence[Path]) -> Machine:
        if self._monotonic() - self._sizes_at >= SIZES_S:
            self._sizes = sizes(self._project, self._dbt, backups)
            self._sizes_at = self._monotonic()
        disk = shutil.disk_usage(self._project.root)
        memory = _memory()
        return Machine(
            at=self._clock(),
            disk_free_bytes=disk.free,
            disk_total_bytes=disk.total,
            disk_used_bytes=disk.used,
            sizes=self._sizes,
            cpu_count=os.cpu_count() or 1,
            cpu_pct=self._cpu_pct(),
            memory_total_bytes=memory.get("MemTotal"),
            memory_available_bytes=memory.get("MemAvailable"),
            process_bytes=_resident(),
            load=os.getloadavg() if hasattr(os, "getloadavg") else None,
        )

    def _cpu_pct(self) -> float | None:
        """How busy the processors were since the look before; at first, since the machine's start.

        https://www.kernel.org/doc/html/latest/filesystems/proc.html, 1.7: user, nice, system, idle,
        iowait, irq, softirq, steal.
        """
        fields = _text(_PROC / "stat").partition("\n")[0].split()[1:9]
        if len(fields) < 5:  # noqa: PLR2004 - up to iowait
            return None
        ticks = [int(field) for field in fields]
        idle, total = ticks[3] + ticks[4], sum(ticks)
        before = self._ticks or (0, 0)
        self._ticks = idle, total
        passed = total - before[1]
        if passed <= 0:
            return None
        return round(100 * (1 - (idle - before[0]) / passed), 1)

    # workers, events

    def workers(self) -> tuple[Workers, ...]:
        """As the port says."""
        return tuple(
            Workers(
                kind=each.name,
                idle=each.idle,
                busy=each.busy,
                waiting=each.waiting,
                tasks=each.tasks,
                died=each.died,
                killed=each.killed,
                isolated=each.isolated,
            )
            for each in self._pool.status()
        )

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Count what was written; the writer's listener."""
        second = int(self._monotonic())
        if self._written and self._written[-1][0] == second:
            self._written[-1] = (second, self._written[-1][1] + len(recorded))
        else:
            self._written.append((second, len(recorded)))
        self._forget()

    def events_per_minute(self) -> float:
        """As the port says."""
        self._forget()
        passed_s = min(max(self._monotonic() - self._begun, 1.0), RATE_S)
        return round(60 * sum(count for _, count in self._written) / passed_s, 2)

    def _forget(self) -> None:
        since = self._monotonic() - RATE_S
        while self._written and self._written[0][0] < since:
            self._written.popleft()

    # troubles

    def since(self, trouble: str) -> datetime:
        """As the port says."""
        now = self._clock()
        known = self._troubles.get(trouble)
        begun = known[0] if known is not None and now - known[1] < FORGET else now
        if len(self._troubles) >= TROUBLES_MAX:
            self._troubles.clear()
        self._troubles[trouble] = begun, now
        return begun


def sizes(project: Project, dbt: Path, backups: Sequence[Path] = ()) -> Sizes:
    """Count what lies in the project's folders, and the backups that lie in others."""
    counter = _Counter()
    folder = project.folder
    uploads = project.uploads.iterdir() if project.uploads.is_dir() else ()
    return Sizes(
        warehouse=counter.below(project.data),
        catalog=counter.like(project.catalog.parent, f"{project.catalog.name}*"),
        events=counter.like(folder, f"{project.events.name}*"),
        views=counter.like(folder, "views-*"),
        uploads={each.name: counter.below(each) for each in sorted(uploads) if each.is_dir()},
        dbt=counter.below(dbt / "target") + counter.below(project.dbt_docs),
        logs=counter.below(project.logs),
        backups=sum(counter.below(folder) for place in backups for folder in _made(place)),
        complete=counter.left > 0,
    )


def _made(place: Path) -> list[Path]:
    """The backups at a place, which may hold other things."""
    try:
        found = [each for each in place.iterdir() if BACKUP.fullmatch(each.name)]
    except OSError:  # it is gone, or on a disk that is not there now
        return []
    return sorted(found)


class _Counter:
    """Adds up sizes until it has seen too many files."""

    def __init__(self) -> None:
        self.left = FILES_MAX

    def below(self, folder: Path) -> int:
        """All files below a folder; links are not followed."""
        total = 0
        for at, _, names in os.walk(folder):
            for name in names:
                if self.left <= 0:
                    return total
                total += self._size(Path(at, name))
        return total

    def like(self, folder: Path, pattern: str) -> int:
        """The files right in a folder whose names are like this."""
        return sum(self._size(path) for path in folder.glob(pattern)) if folder.is_dir() else 0

    def _size(self, path: Path) -> int:
        self.left -= 1
        try:
            return path.lstat().st_size
        except OSError:  # it has just gone
            return 0


def _memory() -> dict[str, int]:
    """Lines of /proc/meminfo in bytes."""
    found = {}
    for line in _text(_PROC / "meminfo").splitlines():
        name, _, value = line.partition(":")
        parts = value.split()
        if parts and parts[0].isdigit():
            found[name] = int(parts[0]) * 1024
    return found


def _resident() -> int | None:
    fields = _text(_PROC / "self" / "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # another system than Linux
        return ""
