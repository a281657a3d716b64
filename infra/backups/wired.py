"""Backups as the runtime has them: who makes them, the policy, the clock."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from commands.backups import Made
from commands.kernel import Bus, Clock
from commands.policies.backups import BackupPolicy
from commands.ports import OnProgress
from domain.kernel import Recorded
from infra.backups.clock import BackupClock
from infra.backups.sealing import key as key_of
from infra.backups.settings import Make, Settings
from infra.configuration.project import Settings as ProjectSettings
from infra.log.port import Place
from infra.project import Project
from infra.views.views import Views
from infra.warehouse.settings import Settings as WarehouseSettings
from infra.workers.pool import Pool
from projections import backups

DEADLINE_S: Final = 6 * 3600.0


def settings(
    project: Project, given: ProjectSettings, warehouse: WarehouseSettings, log: Place, version: str
) -> Settings:
    """What the worker is told. Raises BackupKeyUnusable."""
    block = given.backups
    key = key_of(None if block.key_file is None else str(project.root / block.key_file))
    return Settings(
        root=str(project.root),
        name=given.project.name,
        log=str(log),
        temp=str(project.temp),
        warehouse=warehouse,
        key=None if key is None else key.hex(),
        keep=block.keep,
        s3=block.s3,
        version=version,
    )


class PoolBackups:
    """The `BackupMaker` port: one task of a worker."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def make(self, to: str, on_progress: OnProgress) -> Made:
        """As the port says."""
        return await self._pool.run(
            "backup",
            Make(to=to),
            deadline_s=DEADLINE_S,
            on_progress=on_progress,
            result_type=Made,
        )


def policy(
    bus: Bus, pool: Pool, views: Views, event: Callable[[int], Recorded | None]
) -> BackupPolicy:
    """What makes backups that were asked for."""

    def waiting() -> Recorded | None:
        job = backups.waiting(views.current)
        return None if job is None else event(job)

    return BackupPolicy(bus, PoolBackups(pool), waiting=waiting, monotonic=time.monotonic)


def place(project: Project, given: ProjectSettings) -> str | None:
    """Where backups go, None when project.yml does not say; a folder is told from the project."""
    to = given.backups.to
    return to if to is None or to.startswith("s3://") else str(Path(project.root, to))


def folders(
    views: Views, project: Project, given: ProjectSettings
) -> Callable[[], tuple[Path, ...]]:
    """Where backups lie on this machine: in project.yml's place, and wherever one was made."""
    to = place(project, given)
    named = [] if to is None or to.startswith("s3://") else [to]

    def found() -> tuple[Path, ...]:
        known = [] if views.broken is not None else backups.folders(views.current)
        return tuple(Path(folder) for folder in dict.fromkeys((*named, *known)))

    return found


def clock(
    bus: Bus, views: Views, project: Project, given: ProjectSettings, now: Clock
) -> BackupClock | None:
    """What asks for backups, when project.yml says so."""
    to = place(project, given)
    if to is None or given.backups.every is None:
        return None
    started = now()
    return BackupClock(
        bus,
        every=given.backups.every,
        timezone=given.backups.timezone,
        to=to,
        followed_to=lambda: backups.last_asked(views.current) or started,
        clock=now,
    )
