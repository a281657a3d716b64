"""Folding the views anew while they serve: built beside by a worker, swapped by the writer."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from infra.log.port import Log
from infra.log.tasks import Build, Check, Join
from infra.sqlite_files import discard
from infra.views.views import Views
from infra.workers.pool import Pool
from infra.writer import Writer
from projections.table import SHARES

DEADLINE_S: Final = 3600.0


class ViewsUpkeep:
    """The `Upkeep` port of the API. One rebuild at a time: who comes meanwhile shares it."""

    def __init__(self, views: Views, writer: Writer, pool: Pool, log: Log) -> None:
        self._views, self._writer, self._pool, self._log = views, writer, pool, log
        self._rebuilding: asyncio.Task[int] | None = None
        self._checking = asyncio.Lock()
        self.healed: Callable[[], Awaitable[None]] | None = None  # after views that had stopped

    def status(self) -> list[dict[str, Any]]:
        """As the port says."""
        views, head = self._views, self._log.head()
        return [
            {
                "name": projection.name,
                "tables": [table.name for table in projection.tables],
                "position": views.position,
                "lag": head - views.position,
                "status": "broken" if views.broken is not None else "live",
                "error": None if views.broken is None else str(views.broken),
                "version": views.version,
                "built_at": views.built_at,
                "file_bytes": views.path.stat().st_size if views.path.exists() else 0,
                "rebuilding": self._rebuilding is not None and not self._rebuilding.done(),
            }
            for projection in views.projections
        ]

    async def rebuild(self) -> int:
        """As the port says."""
        if self._rebuilding is None or self._rebuilding.done():
            self._rebuilding = asyncio.create_task(self._rebuild())
        return await asyncio.shield(self._rebuilding)

    async def check(self) -> list[str]:
        """As the port says."""
        task = Check(log=self._log.place, views=str(self._views.path))
        async with self._checking:
            return await self._pool.run("log", task, deadline_s=DEADLINE_S, result_type=list[str])

    async def _rebuild(self) -> int:
        beside = self._views.path.with_name(f"{self._views.path.name}.new")
        try:
            await fold(self._pool, self._log.place, self._log.head(), beside)
            await self._writer.call(lambda: self._views.swap(beside))
        finally:
            discard(beside)
        if self.healed is not None:
            await self.healed()
        return self._views.position


async def fold(pool: Pool, log: str, upto: int, path: Path) -> None:
    """Fold a log into a new file at `path`: in shares at the same time, which are then joined."""
    paths = [path, *(path.with_name(f"{path.name}.{n}") for n in range(1, len(SHARES)))]
    folding = [
        asyncio.create_task(_done(pool, Build(log=log, views=str(at), upto=upto, share=number)))
        for number, at in enumerate(paths)
    ]
    try:
        await asyncio.gather(*folding)
        await _done(pool, Join(views=str(path), others=tuple(map(str, paths[1:]))))
    finally:
        for task in folding:
            task.cancel()
        await asyncio.wait(folding)
        for at in paths[1:]:
            discard(at)


async def _done(pool: Pool, task: Build | Join) -> int:
    return await pool.run("log", task, deadline_s=DEADLINE_S, result_type=int)
