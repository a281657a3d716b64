"""The writer: one thread through which every command goes, many commands to one fsync.

Whatever waits in the queue is decided inside one write transaction, each command on what those
before it led to, and what lies beside the events is written there too; one COMMIT makes all of it
durable; then the views are brought up to date, and only then are the callers answered and the
events published. No timer: the fsync of one group is the time in which the next one gathers.

What a group has decided is written at its end, in few statements; what it needs to know of events
that are not written yet, or not long, is in memory (infra/recent.py). A command that is refused
leaves nothing, so commands of one group need no savepoints. When the
disk fails during a commit, its outcome is unknown: nothing is written any more until a restart
(PostgreSQL stops for the same reason since 2018, "fsyncgate").
"""

import asyncio
import functools
import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from commands.kernel import (
    Clock,
    Command,
    Forget,
    Keep,
    KeyReused,
    Once,
    Origin,
    Outcome,
    OutcomeUnknown,
    Overloaded,
    StorageFull,
)
from domain.kernel import Boundary, Clause, Decider, Recorded, Refused, tags
from infra.folds import Folds, query
from infra.log.envelope import Codec, Record, seal
from infra.log.port import Failure, Log, Sealed
from infra.log.vault import Vault
from infra.recent import Recent
from infra.views.views import Views

QUEUE_COMMANDS_MAX: Final = 2_048
GROUP_COMMANDS_MAX: Final = 256

_log = logging.getLogger("dango.writer")

Deciders = Mapping[type[Command], Decider[Any, Any]]
Committed = Callable[[Sequence[Recorded]], None]


class _Job(msgspec.Struct, eq=False):
    """One command on its way, a write beside the events, or a call that needs the thread alone."""

    future: asyncio.Future[Any]
    command: Command | None = None
    origin: Origin | None = None
    write: Callable[[], Any] | None = None
    call: Callable[[], Any] | None = None


class Writer:
    """The `Bus` port. `send` may be called from the event loop only."""

    def __init__(
        self,
        log: Log,
        vault: Vault,
        views: Views,
        *,
        codec: Codec,
        deciders: Deciders,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._log, self._vault, self._views = log, vault, views
        self._codec, self._deciders = codec, deciders
        self._told: tuple[type[Exception], ...] = (Refused, KeyReused, *log.errors)
        self._clock, self._new_id = clock, new_id
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._recent = Recent()
        self._folds = Folds(log, codec, self._recent)
        self._last_at: datetime | None = None
        self.failed: str | None = None
        self.listeners: list[Committed] = []  # called on the event loop, after the answer
        self._thread = threading.Thread(target=self._run, name="dango-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to take commands from the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Finish what waits, then end the thread; what comes from here on is turned away."""
        self._stopping = True
        if self._thread.is_alive():
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)

    async def send(self, command: Command, origin: Origin) -> Outcome:
        """As the port says. Raises Refused, Overloaded, OutcomeUnknown, StorageFull, KeyReused."""
        outcome: Outcome = await self._put(command=command, origin=origin)
        return outcome

    async def keep(self, *changes: Keep | Forget) -> None:
        """Change the vault alone, for what belongs to no event (answers under a key)."""
        write = functools.partial(self._vault.write, changes)
        await self.transact(write)

    async def transact(self, function: Callable[[], Any]) -> Any:
        """Write what lies beside the events, in the transaction of the group that it falls into.

        When it fails, it is tried once more alone: it must be fit for that. Answers what the
        function answers, once that is durable.
        """
        return await self._put(write=function)

    async def call(self, function: Callable[[], Any]) -> Any:
        """Run a function on the writer thread, between two groups."""
        return await self._put(call=function)

    async def shown(self, position: int, timeout_s: float) -> bool:
        """Wait until the views have a committed event too; False when the time runs out."""
        return await self._views.reached(position, timeout_s)

    async def _put(self, **fields: Any) -> Any:
        if self.failed is not None:
            raise OutcomeUnknown(self.failed)
        if self._loop is None:
            raise RuntimeError("the writer was not started")
        if self._stopping or self._queue.qsize() >= QUEUE_COMMANDS_MAX:
            raise Overloaded
        job = _Job(future=self._loop.create_future(), **fields)
        self._queue.put(job)
        # A caller that goes away cancels the future, and does not take its command with it.
        return await job.future

    # the thread

    def _run(self) -> None:
        try:
            while self._round():
                pass
        except BaseException as error:  # noqa: BLE001 - the edge of the thread
            # Nobody would answer what waits: say so, instead of letting it wait for ever.
            self._condemn(f"the writer has stopped ({type(error).__name__}: {error})")
            _log.critical("the writer has stopped", exc_info=error)
            while not self._queue.empty():
                if (job := self._queue.get()) is not None:
                    self._answer([(job, None, OutcomeUnknown(self.failed))], [])

    def _round(self) -> bool:
        """Take what waits as one group, or one call alone; False when told to end."""
        jobs: list[_Job] = []
        while len(jobs) < GROUP_COMMANDS_MAX and (not jobs or not self._queue.empty()):
            job = self._queue.get()
            if job is None:
                self._group(jobs)
                return False
            if job.call is not None:
                self._group(jobs)
                self._answer([(job, *self._attempt(job.call))], [])
                return True
            jobs.append(job)
        self._group(jobs)
        return True

    def _group(self, jobs: Sequence[_Job]) -> None:
        if not jobs:
            return
        if self.failed is not None:
            unknown = OutcomeUnknown(self.failed)
            self._answer([(job, None, unknown) for job in jobs], [])
            return
        if any(job.command for job in jobs) and not self._views.has_room():
            self._answer([(job, None, StorageFull()) for job in jobs if job.command], [])
            self._group([job for job in jobs if not job.command])
            return
        recorded: list[Recorded] = []
        try:
            answers = self._decide_all(jobs, recorded)
        except Exception as error:  # noqa: BLE001 - of whatever kind, no caller waits for ever
            disk = self._log.failure(error) not in (None, Failure.BUG)
            if not disk and len(jobs) > 1:  # one of them is at fault: not the others
                for job in jobs:
                    self._group([job])
                return
            failure = self._failure(error)
            self._answer([(job, None, failure) for job in jobs], [])
            return
        if recorded:
            self._views.apply(recorded, self._log.digest)
        self._answer(answers, recorded)

    def _decide_all(self, jobs: Sequence[_Job], recorded: list[Recorded]) -> "_Answers":
        answers: _Answers = []
        self._log.begin()
        try:
            group = _Group(self._log.last)
            self._recent.begin(group.last)
            self._folds.look_ahead([self._needs(job.command) for job in jobs if job.command])
            for job in jobs:
                if job.write is not None:
                    self._vault.put(group.sealed)  # in the order in which it was asked for
                    group.sealed.clear()
                    answers.append((job, job.write(), None))
                    continue
                result, error = self._attempt(functools.partial(self._decide, job, group))
                if error is not None and self._log.failure(error) is not None:
                    raise error
                if result is not None and not result.repeated:
                    recorded.extend(result.recorded)
                answers.append((job, result, error))
            self._vault.put(group.sealed)
            if group.records:
                self._log.insert(group.records)
            self._log.commit()
        except BaseException:
            self._folds.forget()
            self._recent.forget()
            self._log.rollback()
            raise
        return answers

    def _decide(self, job: _Job, group: "_Group") -> Outcome:
        command, origin = job.command, job.origin
        if command is None or origin is None:
            raise RuntimeError("a job without a command")
        once = origin.once
        if once is not None and (before := self._before(once, group)) is not None:
            return before
        decider, boundary = self._needs(command)
        events = decider.decide(self._folds.state(decider, boundary), command)
        if not events:
            return Outcome(position=group.last)
        at = self._now()
        recorded = tuple(
            Recorded(
                position=group.last + number,
                id=self._new_id(),
                at=at,
                event=event,
                actor=origin.actor,
                via=origin.via,
                command=type(command).__name__,
                correlation=origin.correlation,
                causation=origin.causation,
            )
            for number, event in enumerate(events, 1)
        )
        marks = () if once is None else tuple(filter(None, (once.family, once.tag)))
        request = None if once is None else once.request  # stands on the first event
        records = [
            seal(event, marks=marks, request=None if number else request)
            for number, event in enumerate(recorded)
        ]
        # The vault first: a value that cannot be sealed fails the command before it is recorded.
        group.sealed += self._vault.seal(command.vault())
        group.records += records
        group.last = recorded[-1].position
        for event in recorded:
            self._recent.add(event, (*tags(event.event), *marks))
        if once is not None:
            group.requests[once.tag] = once.request
        return Outcome(position=group.last, recorded=recorded)

    def _needs(self, command: Command) -> tuple[Decider[Any, Any], Boundary]:
        decider = self._deciders[type(command)]
        return decider, decider.boundary(command)

    def _before(self, once: Once, group: "_Group") -> Outcome | None:
        """What the same request led to when it came first, if it did within the key's time."""
        request = group.requests.get(once.tag)
        if request is not None:
            recorded = self._recent.matching((Clause(tags=(once.tag,)),), group.first)
        else:
            recorded = []
            for position, kind, _, data in self._log.select(query((Clause(tags=(once.tag,)),))):
                envelope = self._codec.envelope(data)
                if envelope.at >= once.since:
                    request = envelope.request or request
                    recorded.append(self._codec.open(position, kind, data))
        if not recorded:
            return None
        if request != once.request:
            raise KeyReused
        return Outcome(position=recorded[-1].position, recorded=tuple(recorded), repeated=True)

    def _now(self) -> datetime:
        """The clock's time, but never before the last event's: positions and times agree."""
        if self._last_at is None:
            last = self._log.at(self._log.last)
            self._last_at = self._codec.envelope(last[0][3]).at if last else self._clock()
        self._last_at = max(self._clock(), self._last_at)
        return self._last_at

    def _attempt(self, function: Callable[[], Any] | None) -> tuple[Any, Exception | None]:
        """The result, or the exception: one command's failure is not another's."""
        if function is None:
            return None, None
        try:
            return function(), None
        except self._told as error:
            return None, error
        except Exception as error:  # noqa: BLE001 - one command's bug is not the others'
            _log.exception("a command failed")
            return None, error

    def _failure(self, error: Exception) -> Exception:
        match self._log.failure(error):
            case Failure.FULL:
                _log.error("the disk is full: %s", error)
                return StorageFull()
            case Failure.BUSY:
                _log.warning("the event log is busy: %s", error)
                return Overloaded()
            case Failure.LOST:
                reason = f"the event log cannot be written ({error}); restart the server"
                return self._condemn(reason)
            case Failure.BUG | None:  # the group was rolled back whole
                _log.error("a group of commands failed", exc_info=error)
                return error

    def _condemn(self, reason: str) -> OutcomeUnknown:
        self.failed = reason
        _log.critical("%s", reason)
        return OutcomeUnknown(reason)

    def _answer(self, answers: "_Answers", recorded: Sequence[Recorded]) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._deliver, answers, recorded)

    def _deliver(self, answers: "_Answers", recorded: Sequence[Recorded]) -> None:
        for job, result, error in answers:
            if job.future.done():
                continue
            if error is not None:
                job.future.set_exception(error)
            else:
                job.future.set_result(result)
        if recorded:
            for listener in self.listeners:
                try:
                    listener(recorded)
                except Exception:  # noqa: BLE001 - one listener's bug is not the others'
                    _log.exception("a listener failed at %s", recorded[0].position)


class _Group:
    """What the commands of one transaction have decided, and is written at its end."""

    def __init__(self, last: int) -> None:
        self.first = self.last = last  # positions before it, and of its last event
        self.records: list[Record] = []
        self.sealed: list[Sealed | Forget] = []
        self.requests: dict[str, str] = {}  # by the tag of their key


_Answers = list[tuple[_Job, Any, Exception | None]]
