"""The scripts port over the worker pool, for the server process."""

from pathlib import Path

import msgspec

from commands import schedule_ports
from infra.workers.pool import Pool

FOLDER = "scripts"
GRACE_S = 30.0  # for the worker itself to start and to answer


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What the worker is told."""

    root: str  # of the project, absolute
    script: schedule_ports.Script


class PoolScripts:
    """Implements `Scripts` of commands; every script is one task of a worker of its own."""

    def __init__(self, pool: Pool, root: Path) -> None:
        self._pool, self._root = pool, root

    async def run(self, script: schedule_ports.Script) -> schedule_ports.ScriptDone:
        """Run a script to its end."""
        return await self._pool.run(
            "script",
            Task(root=str(self._root), script=script),
            deadline_s=script.timeout_s + GRACE_S,
            result_type=schedule_ports.ScriptDone,
        )
