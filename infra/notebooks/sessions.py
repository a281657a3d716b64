"""The processes that notebooks are edited in, over the worker pool, for the server process."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from commands.notebook_ports import Place
from commands.ports import WorkFailed
from infra.notebooks import marks
from infra.notebooks.requests import Ended, Ready, Task
from infra.workers.pool import Pool

SESSION_S_MAX: Final = 24 * 3600.0
TOKEN_BYTES: Final = 32

_log = logging.getLogger("infra.notebooks")


class MarimoSessions:
    """Implements `NotebookSessions` of commands; every session is one task of a worker."""

    def __init__(self, pool: Pool, root: Path, base: Callable[[str], str]) -> None:
        """`base` tells the path that a notebook is shown under."""
        self._pool, self._root, self._base = pool, root, base
        self._places: dict[str, Place] = {}
        self._used: dict[str, float] = {}

    def place(self, lock: str) -> Place | None:
        """As the port says."""
        return self._places.get(lock)

    def used(self, lock: str) -> None:
        """As the port says."""
        if lock in self._used:
            self._used[lock] = time.monotonic()

    def idle_s(self, lock: str) -> float:
        """As the port says."""
        last = self._used.get(lock)
        return 0.0 if last is None else time.monotonic() - last

    async def run(self, notebook: str, lock: str, ready: Callable[[], None]) -> str:
        """As the port says."""
        task = Task(
            root=str(self._root),
            notebook=notebook,
            lock=lock,
            token=secrets.token_urlsafe(TOKEN_BYTES),
            base=self._base(notebook),
        )

        def report(payload: bytes) -> None:
            port = msgspec.json.decode(payload, type=Ready).port
            self._places[lock] = Place(f"http://127.0.0.1:{port}", task.token)
            self._used[lock] = time.monotonic()
            ready()

        try:
            ended = await self._pool.run(
                "notebook", task, deadline_s=SESSION_S_MAX, result_type=Ended, on_report=report
            )
        except WorkFailed as failed:
            return failed.reason
        finally:
            self._places.pop(lock, None)
            self._used.pop(lock, None)
            await asyncio.to_thread(marks.sweep, marks.LOCK, lock)
        return f"The notebook's process ended by itself, with {ended.exit_code}."

    async def sweep(self) -> None:
        """Kill what a server before this one has left."""
        found = await asyncio.to_thread(marks.sweep, marks.PROJECT, str(self._root))
        if found:
            _log.warning("%d processes of notebooks were left over, and killed", found)
