"""Following the configuration files: read at start and on every change, refused when broken."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from commands.kernel import Bus, Origin
from commands.ports import Send
from commands.sources import ApplySources, RefuseConfiguration
from domain.drafts import Change, Draft
from domain.kernel import Refused
from infra.configuration import sources
from infra.configuration.documents import Unreadable
from infra.project import Project

if TYPE_CHECKING:
    from infra.configuration.editing import SourcesFile

LOOK_EVERY_S: Final = 0.2
ORIGIN: Final = Origin(actor="system:configuration", via="watcher", correlation="configuration")

_log = logging.getLogger("dango.configuration")


class Configuration:
    """Keeps what the platform knows in step with the files that people edit."""

    def __init__(self, project: Project, bus: Bus, digest: Callable[[str, str], str]) -> None:
        self._project, self._bus, self._digest = project, bus, digest
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._taken: tuple[int, ...] | None = None

    async def start(self) -> None:
        """Take the files as they are, then follow them."""
        await self.reload()
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def add(self, draft: Draft, send: Send) -> None:
        """As the port says."""
        await self._change(lambda: self._file().add(draft), send)

    async def change(self, name: str, wanted: Change, send: Send) -> None:
        """As the port says."""
        await self._change(lambda: self._file().change(name, wanted), send)

    async def remove(self, name: str, send: Send) -> None:
        """As the port says."""
        await self._change(lambda: self._file().remove(name), send)

    def _file(self) -> "SourcesFile":
        from infra.configuration.editing import SourcesFile  # loaded when something is written

        return SourcesFile(self._project.sources_yml, self._digest)

    async def _change(self, edit: Callable[[], None], send: Send) -> None:
        """Write the file, and take it in the name of who wanted that."""
        async with self._turn:
            await asyncio.to_thread(edit)
            path = self._project.sources_yml
            state = _state(path)
            wanted = await asyncio.to_thread(sources.read, path, self._digest)
            await send(ApplySources(sources=wanted))
            self._taken = state  # if that fails, the file is taken at the next look

    async def reload(self) -> int:
        """Take the files anew; answers the position. A broken file changes nothing but the log."""
        async with self._turn:
            return await self._reload()

    async def _reload(self) -> int:
        path = self._project.sources_yml
        self._taken = _state(path)
        try:
            wanted = await asyncio.to_thread(sources.read, path, self._digest)
            outcome = await self._bus.send(ApplySources(sources=wanted), ORIGIN)
        except Unreadable as error:
            _log.error("%s; the last good configuration stays in force", error)
            command = RefuseConfiguration(
                file=error.file, reason=error.reason, line=error.line, column=error.column
            )
            outcome = await self._bus.send(command, ORIGIN)
        except Refused as refused:
            _log.error("%s: %s; the last good configuration stays in force", path.name, refused)
            command = RefuseConfiguration(file=path.name, reason=refused.detail)
            outcome = await self._bus.send(command, ORIGIN)
        return outcome.position

    async def _watch(self) -> None:
        """Take a change when it has stood still from one look to the next.

        Looked for, not listened for: the log lies in the same folder, and each of its writes would
        wake a listener.
        """
        path = self._project.sources_yml
        before = self._taken
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            before, found = _state(path), before
            if found != before or found == self._taken:
                continue
            try:
                await self.reload()
            except Exception:  # noqa: BLE001 - the next change is to be followed all the same
                _log.exception("%s could not be taken", path.name)


def _state(path: Path) -> tuple[int, ...] | None:
    """What tells whether a file has changed; None while it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
