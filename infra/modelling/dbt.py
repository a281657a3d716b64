"""The port for modelling, for the server process: laying out by itself, all else in the pool."""

import asyncio
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from commands import modelling, ports
from domain.datasets import Table
from domain.model_runs import Told
from infra.modelling import files, project, requests, staging
from infra.modelling.settings import ModelSettings
from infra.workers.pool import Pool

KIND: Final = "dbt"
_reports: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(modelling.ProjectRead | Told)


class DbtModelling:
    """Implements `commands.modelling.Modelling`."""

    def __init__(self, pool: Pool, settings: ModelSettings) -> None:
        self._pool, self._settings = pool, settings

    async def lay_out(self, source: str, description: str, tables: tuple[Table, ...]) -> None:
        """As the port says."""
        folder = Path(self._settings.project)

        def write() -> None:
            project.make(folder, self._settings.name)
            staging.lay_out(folder, source, description, tables)

        await _written(write)

    async def take_out(self, source: str) -> None:
        """As the port says."""
        await _written(functools.partial(staging.take_out, Path(self._settings.project), source))

    async def build(
        self, build: modelling.Build, on_building: modelling.OnBuilding
    ) -> modelling.Built:
        """As the port says."""
        return await self._pool.run(
            KIND,
            requests.Run(build),
            deadline_s=self._settings.build_deadline_s,
            on_report=functools.partial(_told, on_building),
            result_type=modelling.Built,
        )

    async def names(self, model: str) -> bool:
        """As the port says."""
        return await asyncio.to_thread(files.names, Path(self._settings.project), model)

    async def read(self, schemas: dict[str, str]) -> modelling.ProjectRead:
        """As the port says."""
        return await self._pool.run(
            KIND,
            requests.Read(schemas),
            deadline_s=self._settings.read_deadline_s,
            result_type=modelling.ProjectRead,
        )

    async def document(self) -> None:
        """As the port says."""
        await self._pool.run(
            KIND,
            requests.Document(),
            deadline_s=self._settings.document_deadline_s,
            result_type=type(None),
        )

    async def documented(self) -> bool:
        """As the port says."""
        built = Path(self._settings.project) / "target" / "run_results.json"
        told = Path(self._settings.docs) / "manifest.json"
        return await asyncio.to_thread(_not_newer, built, told)


async def _written(write: Callable[[], None]) -> None:
    try:
        await asyncio.to_thread(write)
    except OSError as error:
        reason = f"The dbt project cannot be written: {error.strerror}."
        raise ports.WorkFailed(reason) from error


def _not_newer(built: Path, told: Path) -> bool:
    if not built.exists():
        return True
    return told.exists() and built.stat().st_mtime <= told.stat().st_mtime


def _told(on_building: Callable[[Any], None], payload: bytes) -> None:
    on_building(_reports.decode(payload))
