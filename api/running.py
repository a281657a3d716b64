"""Queries that run or wait in this process: whose they are, and how one is ended."""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from commands.ports import WorkCancelled
from domain.queries import QueryThere

T = TypeVar("T")
CANCELLED: Final = "The query was cancelled."


class Running(msgspec.Struct, eq=False, kw_only=True):
    """One query. Its number is bounded by the turns that a caller and the workers have."""

    query_id: str
    actor: str
    started_at: datetime
    cancelled: bool = False
    work: asyncio.Task[Any] | None = None

    async def until_done(self, work: Coroutine[Any, Any, T]) -> T:
        """Have the work done. Raises WorkCancelled when somebody has ended it."""
        task = asyncio.create_task(work)
        self.work = task
        try:
            return await task
        except asyncio.CancelledError:
            waiting = asyncio.current_task()
            if not self.cancelled or (waiting is not None and waiting.cancelling()):
                raise  # not this query is to end, but the request or the server
            raise WorkCancelled(CANCELLED, error_code="query_cancelled") from None

    def cancel(self) -> None:
        """End it; its worker is killed."""
        self.cancelled = True
        if self.work is not None:
            self.work.cancel()


class Queries:
    """All that run or wait."""

    def __init__(self) -> None:
        self._by_id: dict[str, Running] = {}

    @contextlib.contextmanager
    def enter(self, query_id: str, actor: str, at: datetime) -> Iterator[Running]:
        """Be known for as long as it takes. Raises QueryThere."""
        if query_id in self._by_id:
            raise QueryThere(query_id)
        running = Running(query_id=query_id, actor=actor, started_at=at)
        self._by_id[query_id] = running
        try:
            yield running
        finally:
            del self._by_id[query_id]

    def find(self, query_id: str) -> Running | None:
        """One of them."""
        return self._by_id.get(query_id)

    def every(self) -> list[Running]:
        """All of them, the oldest first."""
        return list(self._by_id.values())
