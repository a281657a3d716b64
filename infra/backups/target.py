"""Where the parts of a backup go: into the folder of the project, or where its settings want them.

Data for a bucket go there file by file as they are read. The catalogue and the log are proved in
the folder first. Doing it again brings the same to the same places; what is there of others is
never written over.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from infra import durable, event_log
from infra.backups import content, places
from infra.backups.staging import NotRestored
from infra.configuration.project import Settings
from infra.log import move
from infra.project import PRIVATE, Project
from infra.warehouse import catalogs
from infra.warehouse.configured import warehouse_settings
from infra.warehouse.settings import POSTGRES, S3

_DATA: Final = f"{content.DATA}/"


class Target:
    """A project that is being made in `stage`, to be at `root` at last."""

    def __init__(self, stage: Project, root: Path, settings: Settings) -> None:
        """Raises WorkRefused."""
        self._stage = stage
        self._log = event_log.place(stage, settings) if settings.storage.events else None
        found = warehouse_settings(stage, settings)
        self._warehouse = msgspec.structs.replace(
            found,
            catalog=_staged(found.catalog, stage, root),
            data=_staged(found.data, stage, root),
        )
        self._data: places.Place | None = None
        if self._warehouse.data != str(stage.data):
            stage.temp.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            self._data = places.opened(self._warehouse.data, self._warehouse.s3, stage.temp)

    def elsewhere(self, path: str) -> bool:
        """Whether a file needs no room in the folder."""
        return self._data is not None and path.startswith(_DATA)

    def check(self, paths: list[str]) -> None:
        """Data of others would be cleared away with time. Raises NotRestored, WorkFailed."""
        if self._data is None:
            return
        ours = {path.removeprefix(_DATA) for path in paths if path.startswith(_DATA)}
        if set(self._data.paths("")) - ours:
            raise NotRestored(
                f"{self._warehouse.data} holds what is not of this backup;"
                " name an empty place as storage.warehouse.data"
            )

    def write(self, path: str, blocks: Iterator[bytes]) -> None:
        """Bring a file to its place, and to the disk."""
        if self._data is not None and path.startswith(_DATA):
            self._data.write(path.removeprefix(_DATA), blocks)
            return
        file = self._stage.root / path
        file.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        durable.write(file, blocks)

    def carry_out(self) -> None:
        """Bring catalogue and log to the databases that the settings name.

        Raises NotRestored, NotMoved, LogInUse, WorkFailed.
        """
        file = self._stage.catalog
        if file.exists() and self._warehouse.catalog != str(file):
            try:
                catalogs.put(file, self._warehouse)
            except catalogs.CatalogTaken as error:
                raise NotRestored(str(error)) from None
            file.unlink()
        if self._log is not None:
            with move.reached(self._log):
                move.copy(self._stage.events, self._log)
            self._stage.events.unlink()


def _staged(place: str, stage: Project, root: Path) -> str:
    """A path in the project is one in the folder where that is made."""
    path = Path(place)
    if place.startswith((S3, POSTGRES)) or path.is_relative_to(stage.root):
        return place
    return str(stage.root / path.relative_to(root)) if path.is_relative_to(root) else place
