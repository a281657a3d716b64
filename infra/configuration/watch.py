"""Following the configuration files: read at start and on every change, refused when broken."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from commands.kernel import Bus, Command, Origin
from commands.monitors import ApplyMonitors
from commands.notifications import ApplyNotifications
from commands.pii_overrides import applying
from commands.ports import Send
from commands.schedule_ports import MONITORS, SCHEDULES, WEBHOOKS
from commands.schedules import ApplySchedules
from commands.sources import ApplySources, RefuseConfiguration
from domain.drafts import Change, ConfigurationUnreadable, Draft
from domain.kernel import Refused
from domain.monitors import MonitorMissing, MonitorThere
from domain.notifications import WebhookMissing, WebhookThere
from domain.pii_overrides import Wish
from domain.schedules import ScheduleMissing, ScheduleThere
from infra.clocks import Every
from infra.configuration import monitors, notifications, pii_overrides, schedules, sources
from infra.configuration.documents import Unreadable
from infra.project import Project

if TYPE_CHECKING:
    from infra.configuration.editing import SourcesFile
    from infra.configuration.entries import EntriesFile

LOOK_EVERY_S: Final = 0.2
ORIGIN: Final = Origin(actor="system:configuration", via="watcher", correlation="configuration")
_NOT_READ: Final = (0,)  # the state of no file

_log = logging.getLogger("dango.configuration")

Read = Callable[[Path], Sequence[Command]]  # what a file says, as commands. Raises Unreadable


class Configuration:
    """Keeps what the platform knows in step with the files that people edit."""

    def __init__(self, project: Project, bus: Bus, digest: Callable[[str, str], str]) -> None:
        self._project, self._bus, self._digest = project, bus, digest
        self._turn = asyncio.Lock()
        self._looks = Every("the configuration", self._look, LOOK_EVERY_S)
        self._files: dict[Path, Read] = {
            project.sources_yml: self._sources,
            project.pii_overrides_yml: self._overrides,
            project.schedules_yml: self._schedules,
            project.monitors_yml: self._monitors,
        }
        self._taken: dict[Path, tuple[int, ...] | None] = dict.fromkeys(self._files, _NOT_READ)
        self._seen = dict(self._taken)  # at the last look

    @property
    def problem(self) -> str | None:
        """Why the last look at the files failed."""
        return self._looks.problem

    async def start(self) -> None:
        """Take the files as they are, then follow them."""
        await self.reload()
        self._looks.start()

    async def stop(self) -> None:
        """Stop following."""
        await self._looks.stop()

    # sources.yml

    async def add(self, draft: Draft, send: Send) -> None:
        """As the port says."""
        await self._change(self._project.sources_yml, lambda: self._file().add(draft), send)

    async def change(self, name: str, wanted: Change, send: Send) -> None:
        """As the port says."""
        edit = self._file
        await self._change(self._project.sources_yml, lambda: edit().change(name, wanted), send)

    async def remove(self, name: str, send: Send) -> None:
        """As the port says."""
        await self._change(self._project.sources_yml, lambda: self._file().remove(name), send)

    def _file(self) -> "SourcesFile":
        from infra.configuration.editing import SourcesFile  # loaded when something is written

        return SourcesFile(self._project.sources_yml, self._digest)

    def _sources(self, path: Path) -> Sequence[Command]:
        return (ApplySources(sources=sources.read(path, self._digest)),)

    # pii-overrides.yml

    async def override(self, wishes: Sequence[Wish], send: Send) -> None:
        """As the port says."""
        path = self._project.pii_overrides_yml
        await self._change(path, lambda: pii_overrides.write(path, wishes), send)

    def _overrides(self, path: Path) -> Sequence[Command]:
        return (applying(pii_overrides.read(path), self._digest),)

    # schedules.yml and monitors.yml

    async def add_entry(self, path: tuple[str, ...], entry: Mapping[str, Any], send: Send) -> None:
        """As the port says."""
        there = _RULES[path][0](str(entry["name"]))
        await self._edit(path, lambda file: file.add(path, entry, there), send)

    async def change_entry(
        self, path: tuple[str, ...], name: str, wanted: Mapping[str, Any], send: Send
    ) -> None:
        """As the port says."""
        missing = _RULES[path][1](name)
        await self._edit(path, lambda file: file.change(path, name, wanted, missing), send)

    async def remove_entry(self, path: tuple[str, ...], name: str, send: Send) -> None:
        """As the port says."""
        missing = _RULES[path][1](name)
        await self._edit(path, lambda file: file.remove(path, name, missing), send)

    async def reload_schedules(self, send: Send) -> None:
        """As the port says."""
        await self._edit(SCHEDULES, lambda _: None, send)

    async def _edit(
        self, path: tuple[str, ...], edit: "Callable[[EntriesFile], None]", send: Send
    ) -> None:
        from infra.configuration.entries import EntriesFile  # loaded when something is written

        place, reads, empty = self._project.schedules_yml, _read_schedules, schedules.EMPTY
        if path == MONITORS:
            place, reads, empty = self._project.monitors_yml, _read_monitors, monitors.EMPTY
        await self._change(place, lambda: edit(EntriesFile(place, reads, empty)), send)

    def _schedules(self, path: Path) -> Sequence[Command]:
        told = notifications.read(path, None, self._digest)
        return (
            ApplySchedules(schedules=schedules.read(path)),
            ApplyNotifications(wanted=told.wanted, ways=told.ways),
        )

    def _monitors(self, path: Path) -> Sequence[Command]:
        read = monitors.read(path)
        return (ApplyMonitors(monitors=read.monitors, enabled=read.enabled),)

    # all of them

    async def _change(self, path: Path, edit: Callable[[], None], send: Send) -> None:
        """Write the file, and take it in the name of who wanted that."""
        async with self._turn:
            await asyncio.to_thread(edit)
            state = _state(path)
            try:
                commands = await asyncio.to_thread(self._files[path], path)
            except Unreadable as error:
                raise ConfigurationUnreadable(
                    str(error), file=error.file, line=error.line, column=error.column
                ) from None
            for command in commands:
                await send(command)
            self._taken[path] = state  # if that fails, the file is taken at the next look

    async def reload(self) -> int:
        """Take the files anew; answers the position. A broken file changes nothing but the log."""
        async with self._turn:
            return max([await self._reload(path) for path in self._files])

    async def _reload(self, path: Path) -> int:
        state, position = _state(path), 0
        try:
            for command in await asyncio.to_thread(self._files[path], path):
                position = (await self._bus.send(command, ORIGIN)).position
        except Unreadable as error:
            _log.error("%s; the last good configuration stays in force", error)
            refusal = RefuseConfiguration(
                file=error.file, reason=error.reason, line=error.line, column=error.column
            )
            position = (await self._bus.send(refusal, ORIGIN)).position
        except Refused as refused:
            _log.error("%s: %s; the last good configuration stays in force", path.name, refused)
            refusal = RefuseConfiguration(file=path.name, reason=refused.detail)
            position = (await self._bus.send(refusal, ORIGIN)).position
        self._taken[path] = state  # if that could not be written, it is tried again
        return position

    async def _look(self) -> None:
        """Take a change when it has stood still from one look to the next.

        Looked for, not listened for: the log lies in the same folder, and each of its writes would
        wake a listener.
        """
        failed: Exception | None = None
        for path in self._files:
            before, found = self._seen[path], _state(path)
            self._seen[path] = found
            if found != before or found == self._taken[path]:
                continue
            try:
                async with self._turn:
                    await self._reload(path)
            except Exception as error:  # noqa: BLE001 - it is tried again, and others are followed
                error.add_note(f"{path.name} could not be taken")
                failed = failed or error
        if failed is not None:
            raise failed


# By list: what says that an entry of a name is there already, and that there is none.
_RULES: Final[Mapping[tuple[str, ...], tuple[Callable[[str], Refused], ...]]] = {
    SCHEDULES: (ScheduleThere, ScheduleMissing),
    WEBHOOKS: (WebhookThere, WebhookMissing),
    MONITORS: (MonitorThere, MonitorMissing),
}


def _read_monitors(path: Path, data: bytes) -> None:
    monitors.read(path, data)


def _read_schedules(path: Path, data: bytes) -> None:
    schedules.read(path, data)
    notifications.read(path, data)


def _state(path: Path) -> tuple[int, ...] | None:
    """What tells whether a file has changed; None while it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
