"""The pool of child processes: one way to have work done outside of the server process.

`run` gives a task to a warm worker or starts one. When its deadline passes or the awaiting task is
cancelled, the worker and all that it started are killed, and another one takes its place.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from commands import ports
from infra.workers import process
from infra.workers.kinds import KINDS, Kind

T = TypeVar("T")

log = logging.getLogger("infra.workers")


class KindStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of worker is doing; counts are since the start of the server."""

    name: str
    idle: int
    busy: int
    waiting: int
    tasks: int
    died: int  # ended by themselves
    killed: int  # by a deadline or a cancellation
    isolated: bool | None  # no network; None before the first worker was ready


class Lane:
    """The workers of one kind."""

    def __init__(self, kind: Kind, config: msgspec.Raw, lease: asyncio.Lock | None) -> None:
        self.kind = kind
        self.idle: list[process.Process] = []
        self.all: set[process.Process] = set()
        self.slots = asyncio.Semaphore(kind.concurrency_max)
        self.busy = self.waiting = self.tasks = self.died = self.killed = 0
        self.isolated: bool | None = None
        self.closed = False
        self._config = config
        self._lease = lease
        self._warming: asyncio.Task[None] | None = None

    async def take(self) -> process.Process:
        """Give an idle worker, or a new one."""
        while self.idle:
            worker = self.idle.pop()
            if worker.alive:
                return worker
            worker.kill()
        return await self._start()

    def put_back(self, worker: process.Process) -> None:
        """Keep the worker for the next task, or end it when nobody waits or it has done enough."""
        wanted = len(self.idle) < max(self.kind.spares, self.waiting)
        keep = wanted and worker.tasks_done < self.kind.tasks_max
        if keep and worker.alive and not self.closed:
            self.idle.append(worker)
        else:
            worker.kill()

    def warm(self, spares: int) -> None:
        """Start what is missing of so many spares, in the background."""
        if self.closed or (self._warming is not None and not self._warming.done()):
            return
        if len(self.idle) < spares:
            self._warming = asyncio.create_task(self._warm(spares))

    async def close(self) -> None:
        """Kill all workers and wait until they are gone."""
        self.closed = True
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait([self._warming])
        self.idle.clear()
        workers = list(self.all)
        for worker in workers:
            worker.kill("The server is stopping.")
        await asyncio.gather(*(worker.buried for worker in workers))

    async def _warm(self, spares: int) -> None:
        while not self.closed and len(self.idle) < spares:
            try:
                worker = await self._start()
            except ports.WorkFailed as failed:
                log.warning("no spare %s worker: %s", self.kind.name, failed.reason)
                return
            self.idle.append(worker)

    async def _start(self) -> process.Process:
        if self.closed:
            raise ports.WorkFailed("The server is stopping.")
        # Not to be cancelled half-way: a process that nobody knows of could not be buried.
        spawning = asyncio.create_task(self._spawn())
        try:
            worker = await asyncio.shield(spawning)
        except asyncio.CancelledError:
            (await spawning).kill()
            raise
        try:
            await worker.ready()
        except BaseException:
            worker.kill()
            raise
        self.isolated = worker.isolated
        return worker

    async def _spawn(self) -> process.Process:
        worker = await process.spawn(self.kind, self._config, self._lease)
        self.all.add(worker)
        worker.buried.add_done_callback(lambda _: self.all.discard(worker))
        return worker


class Pool:
    """All kinds of workers, and the write lease that they share."""

    def __init__(
        self,
        configs: Mapping[str, msgspec.Raw],
        *,
        kinds: Iterable[Kind] = KINDS,
        lease: asyncio.Lock | None = None,
        spares: bool = True,
    ) -> None:
        """`configs`: the start message of each kind that is to be there, encoded as JSON.

        Without `spares` none is started before there is work for it.
        """
        self._spares = spares
        self._lanes = {
            kind.name: Lane(kind, configs[kind.name], lease)
            for kind in kinds
            if kind.name in configs
        }

    def start(self) -> None:
        """Begin to warm up a spare of each kind, not waited for; the others come with the work."""
        for lane in self._lanes.values():
            if self._spares and not lane.kind.lazy:
                lane.warm(min(lane.kind.spares, 1))

    async def close(self) -> None:
        """Kill every worker; running tasks end with WorkDied."""
        await asyncio.gather(*(lane.close() for lane in self._lanes.values()))

    def status(self) -> tuple[KindStatus, ...]:
        """Tell how the workers are doing, for health pages."""
        return tuple(
            KindStatus(
                name=lane.kind.name,
                idle=len(lane.idle),
                busy=lane.busy,
                waiting=lane.waiting,
                tasks=lane.tasks,
                died=lane.died,
                killed=lane.killed,
                isolated=lane.isolated,
            )
            for lane in self._lanes.values()
        )

    async def run(
        self,
        kind: str,
        task: msgspec.Struct,
        *,
        deadline_s: float,
        result_type: type[T],
        on_progress: ports.OnProgress | None = None,
        on_report: process.OnReport | None = None,
    ) -> T:
        """Have the task done. The deadline counts from now: waiting for a worker is part of it."""
        lane = self._lanes[kind]
        encoded = msgspec.json.encode(task)
        working = False
        limit = asyncio.timeout(deadline_s)
        try:
            async with limit:
                await self._wait(lane)
                working = True
                try:
                    payload = await self._perform(lane, encoded, on_progress, on_report)
                finally:
                    lane.slots.release()
                    if self._spares:
                        lane.warm(lane.kind.spares)
        except TimeoutError:
            if not limit.expired():
                raise
            if not working:
                raise ports.Busy(f"No {kind} worker was free within {deadline_s:g} s.") from None
            reason = f"The work took longer than {deadline_s:g} s and was stopped."
            raise ports.WorkTimedOut(reason, deadline_s=deadline_s) from None
        return msgspec.json.decode(payload, type=result_type)

    @staticmethod
    async def _wait(lane: Lane) -> None:
        if lane.slots.locked() and lane.waiting >= lane.kind.waiting_max:
            waiting = lane.waiting
            raise ports.Busy(f"{waiting} {lane.kind.name} tasks are waiting already.")
        lane.waiting += 1
        try:
            await lane.slots.acquire()
        finally:
            lane.waiting -= 1

    @staticmethod
    async def _perform(
        lane: Lane,
        task: bytes,
        on_progress: ports.OnProgress | None,
        on_report: process.OnReport | None,
    ) -> bytes:
        worker = await lane.take()
        lane.busy += 1
        lane.tasks += 1
        try:
            payload = await worker.perform(task, on_progress, on_report)
        except ports.WorkDied:
            lane.died += 1
            raise
        except ports.WorkFailed:
            lane.put_back(worker)
            raise
        except BaseException:
            lane.killed += 1
            worker.kill()
            raise
        finally:
            lane.busy -= 1
        lane.put_back(worker)
        return payload
