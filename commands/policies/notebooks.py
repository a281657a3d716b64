"""A lock has its process, and neither outlives the other, nor the server, nor its holder's rights.

The process begins when the lock does, and is killed when that ends. A process that ends by itself
ends the lock; so does a restart. The clock ends locks whose holders are not heard of.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from commands import policies
from commands.kernel import Bus, Clock, Command, Origin, Outcome
from commands.notebook_ports import NotebookFiles, NotebookSessions
from commands.notebooks import (
    AdoptNotebooks,
    EndNotebookSession,
    ExpireNotebookLock,
    ForceNotebookLock,
    StartNotebookSession,
)
from commands.policies.tries import RECOVERY_S, Tries
from commands.sessions import Seen
from domain import notebooks, users
from domain.kernel import Event, Recorded

IDLE_S: Final = 3600.0  # a process that nobody asks anything is ended, though its page is open
RESTARTED: Final = "The server was restarted."
STOPPED: Final = "The server stopped."
UNLOCKED: Final = "The lock ended."


class Held(msgspec.Struct, frozen=True):
    """A lock that is held, and since when."""

    notebook: str
    lock: str
    holder: str
    at: datetime


def seen_name(lock: str) -> str:
    """The name under which a lock's last sign of life is kept."""
    return f"lock:{lock}"


class NotebookPolicy:
    """One task for each lock."""

    name = "notebooks"
    types: tuple[type[Event], ...] = (
        notebooks.NotebookLockAcquired,
        *notebooks.LOCK_ENDS,
        *users.ENDS_ACCESS,
        users.UserRoleChanged,
    )
    begins_at_head = True

    def __init__(
        self,
        bus: Bus,
        files: NotebookFiles,
        sessions: NotebookSessions,
        *,
        held: Callable[[], Sequence[Held]],
        may: Callable[[str], bool],
        seen: Seen,
        clock: Clock,
    ) -> None:
        """`may` tells of an actor whether they may run notebooks at all."""
        self._bus, self._files, self._sessions = bus, files, sessions
        self._held, self._may, self._seen, self._clock = held, may, seen, clock
        self._tries = Tries()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ending = UNLOCKED

    @property
    def problem(self) -> str | None:
        """As the policy says."""
        return self._tries.problem

    async def recover(self) -> None:
        """As the policy says: no process and no lock of a server before this one is left."""
        await self._sessions.sweep()
        origin = Origin(actor="policy:notebooks", via="start", correlation="start")
        ends = [
            EndNotebookSession(notebook=each.notebook, lock=each.lock, reason=RESTARTED)
            for each in self._held()
        ]
        found = await asyncio.to_thread(self._files.names)
        commands: list[Command] = [*ends, AdoptNotebooks(notebooks=found)] if found else [*ends]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RECOVERY_S):
                for command in commands:
                    await self._until_done(command, origin)

    async def react(self, recorded: Recorded) -> None:
        """As the policy says."""
        match recorded.event:
            case notebooks.NotebookLockAcquired() as acquired:
                if any(each.lock == acquired.lock for each in self._held()):
                    self._begin(acquired, recorded)
            case (
                notebooks.NotebookLockReleased(lock=lock)
                | notebooks.NotebookLockExpired(lock=lock)
                | notebooks.NotebookLockForced(lock=lock)
            ):
                if (task := self._tasks.get(lock)) is not None:
                    task.cancel()
            case users.UserDeactivated(user_id=user) | users.UserDeleted(user_id=user):
                await self._force(users.tag(user), recorded)
            case users.UserRoleChanged(user_id=user):
                await self._force(users.tag(user), recorded)
            case _:
                pass

    async def stop(self) -> None:
        """Kill every process, and say so in the log."""
        self._ending = STOPPED
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # processes

    def _begin(self, acquired: notebooks.NotebookLockAcquired, recorded: Recorded) -> None:
        if acquired.lock not in self._tasks:
            task = asyncio.create_task(self._have(acquired.notebook, acquired.lock, recorded))
            self._tasks[acquired.lock] = task
            task.add_done_callback(lambda _: self._tasks.pop(acquired.lock, None))

    async def _have(self, notebook: str, lock: str, cause: Recorded) -> None:
        """Have the process of a lock, from its start to the log's word of its end."""
        origin = policies.origin(self.name, cause)
        telling: list[asyncio.Task[Outcome]] = []

        def ready() -> None:
            command = StartNotebookSession(notebook=notebook, lock=lock)
            telling.append(asyncio.create_task(self._until_done(command, origin)))

        try:
            reason = await self._sessions.run(notebook, lock, ready)
        except asyncio.CancelledError:
            reason = self._ending
        for task in telling:
            await asyncio.wait([task], timeout=RECOVERY_S)
        end = EndNotebookSession(notebook=notebook, lock=lock, reason=reason)
        await self._until_done(end, origin)

    # time, and rights

    async def look(self) -> None:
        """End the locks that have run out; a clock asks for it every few seconds."""
        now = self._clock()
        origin = Origin(actor="policy:notebooks", via="policy", correlation="clock")
        for each in self._held():
            ends_at = notebooks.runs_out(each.at, self._seen.last(seen_name(each.lock)))
            if ends_at <= now or self._sessions.idle_s(each.lock) > IDLE_S:
                command = ExpireNotebookLock(notebook=each.notebook, lock=each.lock)
                await self._until_done(command, origin)

    async def _force(self, actor: str, recorded: Recorded) -> None:
        for each in self._held():
            if each.holder == actor and not self._may(actor):
                command = ForceNotebookLock(notebook=each.notebook, lock=each.lock)
                await self._until_done(command, policies.origin(self.name, recorded))

    async def _until_done(self, command: Command, origin: Origin) -> Outcome:
        what = f"{type(command).__name__} of a notebook"
        return await self._tries.until_done(what, lambda: self._bus.send(command, origin))
