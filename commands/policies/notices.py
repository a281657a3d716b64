"""People are told of what happened: a notice for each place, sent until it is taken or dead."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from commands.kernel import Bus, Command, Outcome
from commands.notifications import QueueNotices, TellDelivered, TellFailed
from commands.policies import messages, origin
from commands.policies.tries import Tries
from commands.schedule_ports import Attempted, Notifier
from domain import notifications, syncs
from domain.kernel import Event, Recorded
from domain.notifications import PAUSES_S, NoticeDelivered, NoticeFailed, Subject, Wanted
from domain.schedules import Schedule

WAITING_MAX: Final = 1_000  # notices on their way; one too many is dead at once
AT_ONCE_MAX: Final = 4  # attempts
CROWDED: Final = "Too many notices were on their way."


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A notice that is on its way."""

    notice: int
    place: str
    subject: Subject
    cause: int
    attempts: int = 0


class NoticePolicy:
    """Queues notices for what happened, and sends those that are queued."""

    name = "notices"
    begins_at_head = True
    types: tuple[type[Event], ...] = (
        *messages.ROWS,
        notifications.NoticeQueued,
        notifications.NoticeResent,
    )

    def __init__(
        self,
        bus: Bus,
        notifier: Notifier,
        *,
        wanted: Callable[[], Wanted],
        config: Callable[[str], Schedule | None],
        event: Callable[[int], Recorded | None],
        queued: Callable[[], Sequence[Waiting]],
        base_url: str,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bus, self._notifier = bus, notifier
        self._wanted, self._config, self._event = wanted, config, event
        self._queued, self._base_url, self._wait = queued, base_url, wait
        self._slots = asyncio.Semaphore(AT_ONCE_MAX)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._tries = Tries()

    @property
    def problem(self) -> str | None:
        """As the policy says."""
        return self._tries.problem

    async def recover(self) -> None:
        """What a dead process had on its way goes on."""
        for each in self._queued():
            self._begin(each)

    async def react(self, recorded: Recorded) -> None:
        """As the policy says."""
        match recorded.event:
            case notifications.NoticeQueued() as queued:
                each = Waiting(
                    notice=recorded.position,
                    place=queued.place,
                    subject=queued.about,
                    cause=queued.cause,
                )
                self._begin(each)
            case notifications.NoticeResent(notice=notice):
                for each in self._queued():
                    if each.notice == notice:
                        self._begin(each)
            case event if (told := messages.told(event)) is not None:
                await self._queue(recorded, told)
            case _:
                pass

    async def stop(self) -> None:
        """What is on its way goes on at the next start."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _queue(self, recorded: Recorded, told: messages.Told) -> None:
        wanted = self._wanted()
        places = tuple(place.place for place in wanted.places)
        if not places or not self._wants(wanted, told):
            return
        command = QueueNotices(about=told.subject, cause=recorded.position, places=places)
        await self._bus.send(command, origin(self.name, recorded))

    def _wants(self, wanted: Wanted, told: messages.Told) -> bool:
        """Whether anybody is to hear of it; a schedule may say so for itself."""
        if told.schedule is not None:
            config = self._config(told.schedule)
            if config is not None and config.notify_on:
                return told.subject.value in config.notify_on
        elif told.sync is not None:
            found = self._event(told.sync)
            asked = None if found is None else found.event
            if isinstance(asked, syncs.SyncRequested) and asked.schedule_job is not None:
                return False
        return told.subject in wanted.on

    # one notice

    def _begin(self, each: Waiting) -> None:
        if each.notice not in self._tasks:
            crowded = len(self._tasks) >= WAITING_MAX
            self._tasks[each.notice] = asyncio.create_task(self._watched(each, crowded=crowded))

    async def _watched(self, each: Waiting, *, crowded: bool) -> None:
        try:
            await self._deliver(each, crowded=crowded)
        except Exception as error:  # noqa: BLE001 - a bug must not take other notices with it
            self._tries.failed(f"notice {each.notice}", error)
        finally:
            self._tasks.pop(each.notice, None)

    async def _deliver(self, each: Waiting, *, crowded: bool) -> None:
        cause = self._event(each.cause)
        message = messages.message(cause, each.subject, self._base_url)
        message["delivery"] = each.notice
        attempt = each.attempts
        while True:
            if 0 < attempt <= len(PAUSES_S):
                await self._wait(PAUSES_S[attempt - 1])
            attempt += 1
            if crowded:
                found = Attempted(ok=False, reason=CROWDED, final=True)
            else:
                async with self._slots:
                    found = await self._notifier.send(each.place, message)
            ended = await self._tell(each, attempt, found)
            if not any(isinstance(r.event, NoticeFailed) for r in ended.recorded):
                return

    async def _tell(self, each: Waiting, attempt: int, found: Attempted) -> Outcome:
        if found.ok:
            delivered = NoticeDelivered(
                place=each.place,
                notice=each.notice,
                attempt=attempt,
                status_code=found.status_code,
                duration_s=found.duration_s,
            )
            command: Command = TellDelivered(cause=each.cause, told=delivered)
        else:
            failed = NoticeFailed(
                place=each.place,
                notice=each.notice,
                attempt=attempt,
                reason=found.reason or "It failed.",
                status_code=found.status_code,
            )
            final = found.final or each.subject is Subject.TEST
            command = TellFailed(cause=each.cause, told=failed, final=final)
        queued = self._event(each.notice)
        if queued is None:
            raise RuntimeError(f"there is no notice {each.notice} in the log")
        return await self._tries.until_done(
            f"notice {each.notice}", lambda: self._bus.send(command, origin(self.name, queued))
        )
