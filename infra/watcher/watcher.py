"""Noticing files that are dropped into the folders of sources, and asking for a sync of those.

A source is due when nothing has changed in its folders for the debounce time, and its files have
stopped growing. All that are due at one look are one job. What was dropped while no server ran is
noticed at the start, by time: a file that is younger than its source's last sync.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from commands.kernel import Bus, Clock, Origin, OutcomeUnknown, Overloaded, StorageFull
from commands.syncs import RequestSync
from domain.kernel import Refused
from domain.sources import Source
from domain.syncs import SyncRunning
from domain.uploads import TYPES
from infra.clocks import Every
from infra.configuration.project import PlatformBlock
from infra.loading.find import matching
from infra.views.views import Views
from infra.watcher.attention import Attention
from infra.watcher.folders import Wanted, planned, state
from infra.watcher.listening import Listen, listen
from projections import sources

LOOK_EVERY_S: Final = 0.25  # at what is due
GROWING_S: Final = 1.0  # how long a file must stand still
GROWING_S_MAX: Final = 600.0  # how long one that grows is waited for, when all else is due
WAIT_FACTOR_MAX: Final = 10.0  # of the debounce time, when changes never stop
BUSY_S: Final = 5.0  # until a source that is being synced is asked for again
SIZES_MAX: Final = 10_000  # files of a source that are looked at whether they grow
ORIGIN: Final = Origin(actor="watcher", via="watcher", correlation="watcher")

_log = logging.getLogger("dango.watcher")

Known = Sequence[tuple[Source, datetime | None]]  # and when each was last synced


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched, and how."""

    auto_sync: bool = True
    auto_dbt: bool = True
    debounce_s: float = 600.0
    patterns: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    folders_max: int = 4_096

    @classmethod
    def of(cls, block: PlatformBlock) -> "Watched":
        """What project.yml says."""
        return cls(
            auto_sync=block.auto_sync,
            auto_dbt=block.auto_dbt,
            debounce_s=block.debounce_seconds,
            patterns=block.watch_patterns,
            directories=block.watch_directories,
            folders_max=block.watched_folders_max,
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
        sources: Callable[[], Known | None],
        clock: Clock,
        listen: Listen = listen,
    ) -> None:
        """`sources` answers None while nobody can tell: those that were known last are meant."""
        self.watched = watched
        self.requested_at: datetime | None = None
        self._root, self._bus, self._sources, self._clock = root, bus, sources, clock
        self._last: Known = ()
        self._pending: dict[str, _Pending] = {}
        self._listening: asyncio.Task[None] | None = None
        self._looks = Every("what was dropped", self._look, LOOK_EVERY_S)
        self._attention = Attention(
            lambda every: planned(root, watched.directories, every, watched.folders_max),
            self._wanted,
            lambda one: state(root, watched.directories, one),
            self._noticed,
            listen,
        )

    @property
    def running(self) -> bool:
        """Whether it watches."""
        listens = self._listening is not None and not self._listening.done()
        return listens and self._looks.running

    @property
    def problem(self) -> str | None:
        """Why the last look at what is due failed."""
        return self._looks.problem

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
            "watched_folders": self._attention.folders,
            "looked_at": self._attention.looked_at,
            "pending": tuple(self.pending),
            "last_request_at": self.requested_at,
        }

    async def start(self) -> None:
        """Begin, if files are to be synced by themselves."""
        if not self.watched.auto_sync:
            return
        self._listening = asyncio.create_task(self._attend())
        self._listening.add_done_callback(_ended)
        self._looks.start()

    async def stop(self) -> None:
        """End; what was pending is found again at the next start."""
        await self._looks.stop()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None

    async def _attend(self) -> None:
        try:
            await self._attention.begin()
            # Looked back when all is listened to: what comes meanwhile is heard.
            for name in await asyncio.to_thread(self._came_before):
                self._noticed(name, ())
            await self._attention.go_on()
        finally:
            await self._attention.end()

    def _wanted(self) -> tuple[Wanted, ...]:
        return tuple(
            Wanted(
                name=source.name,
                directory=str(source.options.get("directory", "")),
                pattern=_pattern(source),
                patterns=self.watched.patterns,
            )
            for source, _ in self._known()
            if _loadable(source)
        )

    def _known(self) -> Known:
        found = self._sources()
        if found is not None:
            self._last = found
        return self._last

    def _noticed(self, name: str, paths: Sequence[str]) -> None:
        """Something of a source changed: these files, or nobody knows what."""
        now = time.monotonic()
        pending = self._pending.setdefault(name, _Pending(first=now, last=now))
        pending.last = now
        if paths:
            pending.sizes = dict.fromkeys(paths[:SIZES_MAX], -1)

    def _came_before(self) -> list[str]:
        """The sources whose files came while nobody watched."""
        synced = {source.name: at for source, at in self._known()}
        found = []
        for wanted in self._wanted():
            at, folder = synced.get(wanted.name), self._root / wanted.directory
            if at is None:
                continue
            with contextlib.suppress(OSError, ValueError):
                for path in (folder / name for name in matching(str(folder), wanted.pattern)):
                    if wanted.reads(path.name) and path.stat().st_mtime > at.timestamp():
                        found.append(wanted.name)
                        break
        return found

    async def _look(self) -> None:
        """Ask for all that is due."""
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
        """Whether files are still coming; one that never stops does not hold up the others."""
        if now - pending.first >= self.watched.debounce_s * WAIT_FACTOR_MAX + GROWING_S_MAX:
            return False
        sizes = await asyncio.to_thread(_sizes, tuple(pending.sizes))
        if sizes == pending.sizes or not sizes:
            return False
        pending.sizes, pending.not_before = sizes, now + GROWING_S
        return True

    async def _request(self, due: list[str], now: float) -> None:
        """One job of all that are due; those that are being synced wait their turn."""
        known = {source.name for source, _ in self._known()}
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


def watching(root: Path, block: PlatformBlock, bus: Bus, views: Views, clock: Clock) -> Watcher:
    """The watcher of a project."""

    def every() -> Known | None:
        if views.broken is not None:
            return None
        return [(each.config, each.synced_at) for each in sources.every(views.current)]

    return Watcher(root, Watched.of(block), bus, sources=every, clock=clock)


def _ended(task: asyncio.Task[None]) -> None:
    """Say why a task is over, which nobody waits for."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("folders are watched no more", exc_info=error)


def _loadable(source: Source) -> bool:
    return source.enabled and source.type in TYPES


def _pattern(source: Source) -> str:
    return str(source.options.get("file_pattern") or "*")


def _sizes(paths: Iterable[str]) -> dict[str, int]:
    found = {}
    for path in paths:
        with contextlib.suppress(OSError):
            found[path] = Path(path).stat().st_size
    return found
