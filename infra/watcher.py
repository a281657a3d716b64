"""Noticing files that are dropped into the folders of sources, and asking for a sync of those.

A source is due when nothing has changed in its folder for the debounce time, and its files have
stopped growing. All that are due at one look are one job. What was dropped while no server ran is
noticed at the start, by time: a file that is younger than its source's last sync.
"""

import asyncio
import contextlib
import fnmatch
import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from watchfiles import Change, awatch

from commands.kernel import Bus, Clock, Origin, OutcomeUnknown, Overloaded, StorageFull
from commands.syncs import RequestSync
from domain.kernel import Refused
from domain.sources import Source
from domain.syncs import SyncRunning
from domain.uploads import TYPES
from infra.configuration.project import PlatformBlock
from infra.views.views import Views
from projections import sources

GATHER_MS: Final = 200  # that changes are gathered for, by the system's listener
LOOK_EVERY_S: Final = 0.25  # at what is due
GROWING_S: Final = 1.0  # how long a file must stand still
WAIT_FACTOR_MAX: Final = 10.0  # of the debounce time, when changes never stop
FOLDERS_EVERY_S: Final = 10.0  # how often folders that are not there yet are looked for
BUSY_S: Final = 5.0  # until a source that is being synced is asked for again
CHANGES_MAX: Final = 10_000  # of one burst that are looked at one by one; more are all sources
ORIGIN: Final = Origin(actor="watcher", via="watcher", correlation="watcher")
_TEMPORARY: Final = (".tmp", ".part", ".crdownload", ".swp", "~")

_log = logging.getLogger("dango.watcher")


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched, and how."""

    auto_sync: bool = True
    auto_dbt: bool = True
    debounce_s: float = 600.0
    patterns: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()

    @classmethod
    def of(cls, block: PlatformBlock) -> "Watched":
        """What project.yml says."""
        return cls(
            auto_sync=block.auto_sync,
            auto_dbt=block.auto_dbt,
            debounce_s=block.debounce_seconds,
            patterns=block.watch_patterns,
            directories=block.watch_directories,
        )


class _Pending(msgspec.Struct):
    first: float  # monotonic times
    last: float
    sizes: dict[str, int] = {}
    not_before: float = 0.0


class Watcher:
    """Runs beside the policies, and acts as `watcher`."""

    def __init__(
        self,
        root: Path,
        watched: Watched,
        bus: Bus,
        *,
        sources: Callable[[], Sequence[tuple[Source, datetime | None]]],
        clock: Clock,
    ) -> None:
        self.watched = watched
        self.requested_at: datetime | None = None
        self._root, self._bus, self._sources, self._clock = root, bus, sources, clock
        self._pending: dict[str, _Pending] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()

    @property
    def running(self) -> bool:
        """Whether it watches."""
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    @property
    def pending(self) -> list[str]:
        """The sources that will be synced when their folders are quiet."""
        return sorted(self._pending)

    def status(self) -> dict[str, Any]:
        """As GET /api/watcher/status has it."""
        watched = self.watched
        return {
            "running": self.running,
            "pid": os.getpid() if self.running else None,
            "auto_sync_enabled": watched.auto_sync,
            "auto_dbt_enabled": watched.auto_dbt,
            "debounce_seconds": watched.debounce_s,
            "watch_patterns": watched.patterns,
            "watch_directories": watched.directories,
            "pending": tuple(self.pending),
            "last_request_at": self.requested_at,
        }

    async def start(self) -> None:
        """Begin, if files are to be synced by themselves."""
        if not self.watched.auto_sync:
            return
        await asyncio.to_thread(self._look_back)
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._act())]

    async def stop(self) -> None:
        """End; what was pending is found again at the next start."""
        self._stop.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _listen(self) -> None:
        while True:
            wanted = [self._root / name for name in self.watched.directories]
            folders = await asyncio.to_thread(lambda all_: [f for f in all_ if f.is_dir()], wanted)
            whole = len(folders) == len(wanted)
            try:
                async with asyncio.timeout(None if whole else FOLDERS_EVERY_S):
                    if not folders:
                        await self._stop.wait()
                    async for changes in awatch(
                        *folders, stop_event=self._stop, debounce=GATHER_MS, step=50
                    ):
                        self._noticed(changes)
                    return
            except TimeoutError:
                continue  # a folder may be there by now
            except (OSError, RuntimeError) as error:
                _log.warning("the folders cannot be watched (%s); trying again", error)
                await asyncio.sleep(FOLDERS_EVERY_S)

    def _noticed(self, changes: Iterable[tuple[Change, str]]) -> None:
        now = time.monotonic()
        paths = {path for _, path in changes}
        for source, _ in self._sources():
            mine = [path for path in paths if self._belongs(source, Path(path))]
            if mine or (len(paths) > CHANGES_MAX and _loadable(source)):
                pending = self._pending.setdefault(source.name, _Pending(first=now, last=now))
                pending.last = now
                pending.sizes = dict.fromkeys(mine[:CHANGES_MAX], -1)

    def _belongs(self, source: Source, path: Path) -> bool:
        """Whether a source would read a file, or has read it until it went."""
        name = path.name
        if not _loadable(source) or name.startswith((".", "~$", "#")) or name.endswith(_TEMPORARY):
            return False
        folder = self._root / str(source.options.get("directory", ""))
        own = str(source.options.get("file_pattern") or "*").rpartition("/")[2]
        wanted = any(fnmatch.fnmatch(name, p) for p in self.watched.patterns)
        return (
            wanted
            and path.is_relative_to(folder)
            and any(fnmatch.fnmatchcase(name, each) for each in (own, f"{own}.gz"))
        )

    def _look_back(self) -> None:
        """What came while nobody watched."""
        now = time.monotonic()
        for source, synced_at in self._sources():
            if synced_at is None or not _loadable(source):
                continue
            folder = self._root / str(source.options.get("directory", ""))
            since = synced_at.timestamp()
            with contextlib.suppress(OSError, ValueError):
                for path in folder.glob(str(source.options.get("file_pattern") or "*")):
                    if self._belongs(source, path) and path.stat().st_mtime > since:
                        self._pending[source.name] = _Pending(first=now, last=now)
                        break

    async def _act(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now = time.monotonic()
            quiet = [
                name
                for name, pending in self._pending.items()
                if now >= pending.not_before and self._quiet(pending, now)
            ]
            due = [name for name in quiet if not await self._grows(self._pending[name], now)]
            if due:
                await self._request(due, now)

    def _quiet(self, pending: _Pending, now: float) -> bool:
        wait = self.watched.debounce_s
        return now - pending.last >= wait or now - pending.first >= wait * WAIT_FACTOR_MAX

    async def _grows(self, pending: _Pending, now: float) -> bool:
        sizes = await asyncio.to_thread(_sizes, tuple(pending.sizes))
        if sizes == pending.sizes or not sizes:
            return False
        pending.sizes, pending.not_before = sizes, now + GROWING_S
        return True

    async def _request(self, due: list[str], now: float) -> None:
        """One job of all that are due; those that are being synced wait their turn."""
        known = {source.name for source, _ in self._sources()}
        for name in set(due) - known:
            del self._pending[name]
        due = [name for name in due if name in known]
        while due:
            try:
                await self._bus.send(RequestSync(sources=tuple(due)), ORIGIN)
            except SyncRunning as running:
                busy = str(running.facts["source"])
                self._pending[busy].not_before = now + BUSY_S
                due = [name for name in due if name != busy]
                continue
            except (Refused, Overloaded, OutcomeUnknown, StorageFull) as error:
                _log.warning("no sync could be asked for: %s", error)
                for name in due:
                    self._pending[name].not_before = now + BUSY_S
                return
            _log.info("files changed: sync of %s requested", ", ".join(due))
            self.requested_at = self._clock()
            for name in due:
                self._pending.pop(name, None)
            return


def watching(root: Path, block: PlatformBlock, bus: Bus, views: Views) -> Watcher:
    """The watcher of a project."""

    def every() -> list[tuple[Source, datetime | None]]:
        if views.broken is not None:
            return []
        return [(each.config, each.synced_at) for each in sources.every(views.current)]

    def clock() -> datetime:
        return datetime.now(UTC)

    return Watcher(root, Watched.of(block), bus, sources=every, clock=clock)


def _loadable(source: Source) -> bool:
    return source.enabled and source.type in TYPES


def _sizes(paths: Iterable[str]) -> dict[str, int]:
    found = {}
    for path in paths:
        with contextlib.suppress(OSError):
            found[path] = Path(path).stat().st_size
    return found
