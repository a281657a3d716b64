"""Paying attention to the folders of sources: listened to where that can be, looked at elsewhere.

The set of folders is made anew when one comes or goes, and from time to time. Nothing is missed
meanwhile: the new listener has begun before the old one ends, the folders are walked once more when
it has, and what lies in folders that are new is told of as if it had just come.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from watchfiles import Change

from infra.watcher.folders import Plan, Reader, State, Wanted, files
from infra.watcher.listening import MOVED, NO_LISTENING, Changes, Listen, Listening

TICK_S: Final = 0.25  # between two looks whether the set of folders is still right
WALK_EVERY_S: Final = 10.0  # at least; for what nobody hears of, like a disk that is mounted
LOOKED_EVERY_S: Final = 10.0  # at least, at the sources that are not listened to
SHARE: Final = 20  # of the time, at most 1 in so many goes to walking, and to looking
MISSES_MAX: Final = 5  # of new sets in a row; when folders go that fast, sources are looked at
CHANGES_MAX: Final = 10_000  # of one burst; some of more may be lost, so all sources are told of
CLOCK_S: Final = 0.1  # that the times of files may lag behind the clock

_log = logging.getLogger("dango.watcher")


class Attention:
    """From `begin` to `end`; calls `noticed` with a source and its files, or () if not known."""

    def __init__(
        self,
        plan: Callable[[Sequence[Wanted]], Plan],
        wanted: Callable[[], tuple[Wanted, ...]],
        state: Callable[[Wanted], State],
        noticed: Callable[[str, Sequence[str]], None],
        listen: Listen,
    ) -> None:
        self._planned, self._wanted, self._state = plan, wanted, state
        self._refused = False  # by the system, to listen
        self._misses = 0  # of folders that were gone before they were listened to, in a row
        self._noticed, self._listen = noticed, listen
        self._walked = self._plan = Plan()
        self._ears: Listening | None = None
        self._stale = asyncio.Event()
        self._moved: set[str] = set()  # folders that came or went since the last walk
        self._states: dict[str, State] = {}  # of the sources that are looked at
        self._checked_at = math.inf  # a source that is new has files that are newer than this
        self._walk_at = self._look_at = 0.0

    @property
    def folders(self) -> int:
        """How many are listened to."""
        return len(self._plan.listened)

    @property
    def looked_at(self) -> tuple[dict[str, str], ...]:
        """The sources that are not listened to, and why."""
        looked = sorted(self._plan.looked.items())
        return tuple({"source": source, "reason": reason} for source, reason in looked)

    async def begin(self) -> None:
        """Return when what comes from now on will be noticed."""
        await self._renew(self._wanted())
        self._checked_at = time.time()

    async def go_on(self) -> None:
        """Notice, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._stale.wait()
            wanted = self._wanted()
            deaf = self._ears is not None and self._ears.failure is not None
            due = time.monotonic() >= self._walk_at
            if deaf or due or self._stale.is_set() or wanted != self._walked.wanted:
                await self._renew(wanted)
                await asyncio.sleep(TICK_S)  # folders that come and go without end are no load
            self._checked_at = time.time()
            if self._plan.looked and time.monotonic() >= self._look_at:
                await self._look()

    async def end(self) -> None:
        """Listen no more."""
        if self._ears is not None:
            await self._ears.close()
            self._ears = None
        self._plan = Plan()

    # the set of folders

    async def _renew(self, wanted: tuple[Wanted, ...]) -> None:
        since = self._checked_at - CLOCK_S
        self._stale.clear()
        moved, self._moved = self._moved, set()
        before, old = self._plan, self._ears
        begun = time.monotonic()
        plan = await asyncio.to_thread(self._planned, wanted)
        now = time.monotonic()
        self._walk_at = now + max(WALK_EVERY_S, (now - begun) * SHARE)
        listens = not plan.listened if old is None else old.failure is None
        if plan == self._walked and listens and not moved:
            return
        walked, self._walked = self._walked, plan
        self._plan = plan
        try:
            self._ears = await self._ears_for(plan)
        except MOVED:  # once more, with what is there by now; the old one goes on
            self._walked, self._plan = walked, before
            self._moved |= moved
            self._stale.set()
            return
        if old is not None:
            await old.end()
            if old.failure is not None:
                _log.warning("the listener ended (%s); all sources look", _said(old.failure))
                self._anyone()
        # A folder that came before the new listener had begun is found now, or heard of.
        if await asyncio.to_thread(self._planned, wanted) != plan:
            self._stale.set()
        if self._plan.looked != before.looked:
            self._tell()
        await self._catch_up(before, moved, since)

    async def _ears_for(self, plan: Plan) -> Listening | None:
        if not plan.listened:
            return None
        ears = Listening(sorted(plan.listened), self._heard, self._listen)
        try:
            await ears.begin()
        except NO_LISTENING as error:
            if isinstance(error, MOVED) and self._misses < MISSES_MAX:
                self._misses += 1
                raise
            if not self._refused:
                _log.warning("the folders cannot be listened to: %s", error)
            self._refused, self._plan = True, plan.without_listener()
            return None
        except ExceptionGroup:
            return ears  # a name that is no UTF-8 was heard already: made anew at the next tick
        self._refused, self._misses = False, 0
        return ears

    async def _catch_up(self, before: Plan, moved: set[str], since: float) -> None:
        """Tell of what came where nobody listened yet, and of what went with its folder."""
        plan, known = self._plan, set(before.wanted)
        was, is_ = before.by_source(), plan.by_source()
        self._states = {name: at for name, at in self._states.items() if name in plan.looked}
        for wanted in plan.wanted:
            name = wanted.name
            if name in plan.looked:
                if name not in self._states:
                    state = await asyncio.to_thread(self._state, wanted)
                    self._states[name] = state
                    if wanted in known or state.newest >= since:
                        self._noticed(name, ())
                continue
            old, new = was.get(name, {}), is_.get(name, {})
            fresh = [path for path in new if old.get(path) != new[path] or _below(path, moved)]
            after = None if wanted in known else since
            readers = list(_readers(plan, name, fresh))
            found = await asyncio.to_thread(_lying, readers, after)
            gone = wanted in known and not old.keys() <= new.keys()
            if found or gone:
                self._noticed(name, found)

    def _anyone(self) -> None:
        for each in self._plan.wanted:
            self._noticed(each.name, ())

    def _tell(self) -> None:
        for name, reason in self._plan.looked.items():
            _log.warning("%s is looked at every %.0f s: %s", name, LOOKED_EVERY_S, reason)

    # what is noticed

    async def _heard(self, changes: Changes) -> None:
        changes = list(changes)
        moved, hit = await asyncio.to_thread(_sorted, self._plan, changes)
        for name, paths in hit.items():
            self._noticed(name, paths)
        if len(changes) > CHANGES_MAX:
            self._anyone()
        if moved:
            self._moved |= moved
            self._stale.set()

    async def _look(self) -> None:
        begun = time.monotonic()
        for wanted in self._plan.wanted:
            if wanted.name in self._plan.looked:
                found = await asyncio.to_thread(self._state, wanted)
                if self._states.get(wanted.name, found) != found:
                    self._noticed(wanted.name, ())
                self._states[wanted.name] = found
        now = time.monotonic()
        self._look_at = now + max(LOOKED_EVERY_S, (now - begun) * SHARE)


def _sorted(plan: Plan, changes: Changes) -> tuple[set[str], dict[str, list[str]]]:
    """The folders that came or went, and the files that sources read."""
    moved: set[str] = set()
    hit: dict[str, list[str]] = {}
    for change, path in changes:
        if path in plan.names or (change is Change.added and Path(path).is_dir()):
            moved.add(path)
        folder, _, name = path.rpartition("/")
        for reader in plan.readers.get(folder, ()):
            if reader.reads(name):
                hit.setdefault(reader.wanted.name, []).append(path)
    return moved, hit


def _below(path: str, moved: set[str]) -> bool:
    """Whether a folder is one that came or went under its name, or lies in one."""
    return path in moved or any(str(each) in moved for each in Path(path).parents)


def _readers(plan: Plan, name: str, paths: Sequence[str]) -> Iterator[tuple[str, Reader]]:
    for path in paths:
        for reader in plan.readers[path]:
            if reader.wanted.name == name:
                yield path, reader


def _lying(readers: Sequence[tuple[str, Reader]], after: float | None) -> list[str]:
    """The files in folders that are new; of a source that is new, what is newer than that."""
    found = []
    for folder, reader in readers:
        for path in files(folder, reader):
            with contextlib.suppress(OSError):
                if after is None or Path(path).stat().st_ctime >= after:
                    found.append(path)
    return found


def _said(failure: BaseException) -> BaseException:
    """The cause, which the listener's library wraps."""
    return failure.exceptions[0] if isinstance(failure, BaseExceptionGroup) else failure
