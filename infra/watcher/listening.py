"""Listening to a set of folders, each by itself: links in them are not followed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Final, Protocol

from watchfiles import Change, awatch

GATHER_MS: Final = 200  # that changes are gathered for, by the system's listener
STEP_MS: Final = 50  # of quiet that end the gathering before
ROUND_MS: Final = 250  # after which the listener comes back without a change
ROUNDS_LEFT: Final = 2  # that one goes on for after its successor has begun

Changes = Iterable[tuple[Change, str]]
MOVED: Final = (FileNotFoundError, PermissionError)  # a folder, since it was found
NO_LISTENING: Final = (OSError, RuntimeError)  # what the system's limits look like


class Listen(Protocol):
    """The system's listener: changes in folders, or none after a while."""

    def __call__(self, *folders: str, stop: asyncio.Event) -> AsyncIterator[Changes]:
        """Listen until `stop`; the first answer comes when it listens to all of them."""
        ...


def listen(*folders: str, stop: asyncio.Event) -> AsyncIterator[Changes]:
    """By inotify and its like. Raises OSError, RuntimeError; a group for a name that is no UTF-8.

    Told to pass over what may not be read, it would pass over the system's limits too, in silence.
    """
    return awatch(
        *folders,
        watch_filter=None,
        debounce=GATHER_MS,
        step=STEP_MS,
        stop_event=stop,
        rust_timeout=ROUND_MS,
        yield_on_timeout=True,
        recursive=False,
        ignore_permission_denied=False,
    )


class Listening:
    """One set of folders, from `begin` to `end`."""

    def __init__(
        self, folders: Sequence[str], heard: Callable[[Changes], Awaitable[None]], listen: Listen
    ) -> None:
        self._folders, self._heard, self._listen = folders, heard, listen
        self._stop, self._round = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def failure(self) -> BaseException | None:
        """What ended it."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        return self._task.exception()

    async def begin(self) -> None:
        """Return when all folders are listened to. Raises OSError, RuntimeError."""
        self._task = asyncio.create_task(self._run())
        try:
            await self._next()
        except asyncio.CancelledError:
            await self.close()
            raise
        if self.failure is not None:
            raise self.failure

    async def end(self) -> None:
        """Close it when all that came before this call was heard."""
        try:
            for _ in range(ROUNDS_LEFT):
                await self._next()
        finally:
            await self.close()

    async def close(self) -> None:
        """End at once; what was heard and not told yet is lost."""
        self._stop.set()
        if self._task is not None:
            await asyncio.wait((self._task,))

    async def _run(self) -> None:
        async for changes in self._listen(*self._folders, stop=self._stop):
            if changes:
                await self._heard(changes)
            self._round.set()

    async def _next(self) -> None:
        """Wait for the end of the round, or of the whole."""
        if self._task is None:
            return
        self._round.clear()
        ended = asyncio.create_task(self._round.wait())
        await asyncio.wait((ended, self._task), return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
