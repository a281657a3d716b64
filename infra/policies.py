"""Telling policies what happened, in order, each from where it stands.

The position of a policy is kept in the log's file, behind the events that it was told. It moves
when the policy has acted, so that after a crash nothing is skipped. What was committed just now is
told from memory; a policy that is further behind reads the log. A policy may ask the views of
what it is told: it is told when they know it too, and not a moment earlier.
"""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Sequence
from typing import Final

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

from commands.policies import Policy
from domain.kernel import Event, Recorded
from infra.log.envelope import Codec
from infra.log.port import Log
from infra.writer import Writer

PAGE_EVENTS: Final = 200
NEWS_EVENTS_MAX: Final = 1_000  # that wait for one policy in memory; the log has them all
RETRY_S: Final = 5.0
SHOWN_S_MAX: Final = (
    5.0  # until the views have what is committed; then the policy says that it waits
)

_log = logging.getLogger("dango.policies")


class Unshown(Exception):
    """The views do not have what is committed: they have stopped, or are very late."""


class _News:
    """Events for one policy in memory: all of its types behind the position `since`."""

    def __init__(self, types: Sequence[type[Event]], since: int) -> None:
        self.types, self.since = frozenset(types), since
        self.wake = asyncio.Event()
        self._events: deque[Recorded] = deque()

    def add(self, recorded: Sequence[Recorded]) -> None:
        """Take what is for this policy of what was committed."""
        found = [each for each in recorded if type(each.event) in self.types]
        if not found:
            return
        self._events.extend(found)
        if len(self._events) > NEWS_EVENTS_MAX:
            self._events.clear()
            self.since = recorded[-1].position
        self.wake.set()

    def after(self, position: int) -> list[Recorded] | None:
        """The next page behind a position; None when some of it is in the log alone."""
        if position < self.since:
            return None
        while self._events and self._events[0].position <= position:
            self._events.popleft()
        return list(itertools.islice(self._events, PAGE_EVENTS))


class Runner:
    """Runs every policy in a task of its own, woken by the writer."""

    def __init__(self, log: Log, codec: Codec, writer: Writer, policies: Sequence[Policy]) -> None:
        self._log, self._codec, self._writer = log, codec, writer
        self.policies = tuple(policies)
        head = log.head()
        self._news = {policy.name: _News(policy.types, head) for policy in policies}
        self._tasks: list[asyncio.Task[None]] = []
        self.positions: dict[str, int] = {}
        self.failed: dict[str, str] = {}
        writer.listeners.append(self._committed)

    @property
    def running(self) -> bool:
        """Whether it follows the log."""
        return bool(self._tasks)

    async def start(self) -> None:
        """Recover, then follow the log."""
        for policy in self.policies:
            await self._register(policy)
            await policy.recover()
            self._tasks.append(asyncio.create_task(self._follow(policy)))

    async def _register(self, policy: Policy) -> None:
        """Where it stands; a new policy begins where it says, and that is noted at once."""
        position = self._log.policy_position(policy.name)
        if position is None:
            position = self._log.head() if policy.begins_at_head else 0
            self.positions[policy.name] = position
            await self._store(policy.name)
        self.positions[policy.name] = position

    def problem(self) -> str | None:
        """The first thing that an operator should know; None when all goes well."""
        for name, error in self.failed.items():
            return f"Policy {name} stands at {self.positions[name]}: {error}"
        told = (f"Policy {each.name}: {each.problem}" for each in self.policies if each.problem)
        return next(told, None)

    async def stop(self) -> None:
        """Stop following, then let each policy end its long work."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for policy in self.policies:
            await policy.stop()

    def _committed(self, recorded: Sequence[Recorded]) -> None:
        for news in self._news.values():
            news.add(recorded)

    async def _follow(self, policy: Policy) -> None:
        wake = self._news[policy.name].wake
        while True:
            wake.clear()
            try:
                while await self._page(policy):
                    pass
                self.failed.pop(policy.name, None)
            except Exception as error:  # noqa: BLE001 - told again: a policy never goes past it
                _log.exception("policy %s stands at %s", policy.name, self.positions[policy.name])
                self.failed[policy.name] = f"{type(error).__name__}: {error}"
                await asyncio.sleep(RETRY_S)
                continue
            await wake.wait()

    async def _page(self, policy: Policy) -> bool:
        before = self.positions[policy.name]
        page = self._news[policy.name].after(before)
        if page is None:
            page = await asyncio.to_thread(self._read, policy, before)
        if page and not await self._writer.shown(page[-1].position, SHOWN_S_MAX):
            raise Unshown(f"the views have not got to event {page[-1].position}")
        try:
            for recorded in page:
                await policy.react(recorded)
                self.positions[policy.name] = recorded.position
        finally:
            if self.positions[policy.name] != before:
                await asyncio.shield(self._store(policy.name))
        return len(page) == PAGE_EVENTS

    def _read(self, policy: Policy, after: int) -> list[Recorded]:
        query = DCBQuery([DCBQueryItem(types=[kind.type_name() for kind in policy.types])])
        rows = self._log.fetch(query, after=after, limit=PAGE_EVENTS)
        return [self._codec.open(position, kind, data) for position, kind, _, data in rows]

    async def _store(self, name: str) -> None:
        position = self.positions[name]
        await self._writer.transact(lambda: self._log.move_policy(name, position))
