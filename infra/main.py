"""The entry point: the command line, given what it needs of the world.

What is heavy is imported by the method that needs it: a command that talks to a running server
loads neither the framework nor the log.
"""

import asyncio
import contextlib
import gc
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api import asgi, cli
from api.cli.world import (
    BackupProved,
    Connection,
    Created,
    DemoData,
    Finding,
    Imported,
    Level,
    Moved,
    Refusal,
)
from infra import lines

if TYPE_CHECKING:
    import httpx

    from api.platform import Platform

CONTROL_TIMEOUT_S: Final = 3600.0  # how long the owner waits for one answer: a rebuild takes long
AGENT_TIMEOUT_S: Final = 120.0  # how long a program waits for one answer: longer than any query
BASE_URL: Final = "http://dango"
PRIVATE: Final = 0o077  # what the program and its workers make is the owner's alone
INTERRUPTED: Final = 130  # the shells' code for a program that Ctrl-C ended


class World:
    """What the command line asks of the world outside of HTTP; api/cli/world.py says what."""

    def __init__(self) -> None:
        self._served: dict[Path, Platform] = {}

    def find(self, given: str | None) -> Path:
        """As the port says."""
        from infra.project import Project, ProjectMissing

        try:
            return Project.find(given).root
        except ProjectMissing as error:
            raise Refusal(str(error)) from None

    def root(self, given: str) -> Path:
        """As the port says."""
        return Path(given).absolute()

    def exists(self, root: Path) -> bool:
        """As the port says."""
        from infra.project import Project

        return Project(root).events.exists()

    async def create(
        self, root: Path, name: str | None, email: str, password: str | None
    ) -> Created:
        """As the port says."""
        from infra import creation

        with refusals():
            made = await creation.create(root, name=name, email=email, password=password)
        return Created(made.project.root, made.email, made.password)

    def furnish(self, root: Path) -> DemoData:
        """As the port says."""
        from infra import demo
        from infra.project import Project

        with refusals():
            return DemoData(*demo.furnish(Project(root)))

    async def serve(
        self,
        root: Path,
        host: str | None,
        port: int | None,
        announce: Callable[[str], None],
        *,
        quiet: bool = False,
    ) -> None:
        """As the port says."""
        gc.disable()  # until the server serves: next to nothing that start-up makes is garbage
        from infra import server
        from infra.configuration import project as configuration
        from infra.http_settings import http_settings
        from infra.project import Project
        from infra.runtime import Runtime

        project = Project(root)
        with refusals(), project.held():
            settings = configuration.read(project.folder)
            http = http_settings(settings, host=host, port=port)
            listener = server.listen(http.host, http.port)
            with contextlib.closing(listener):
                port = listener.getsockname()[1]  # what the system chose, when it was to choose
                runtime = Runtime(project, settings, host=http.host, port=port)
                self._served[project.root] = runtime.platform
                if not quiet:
                    follow(logging.INFO)
                try:
                    await server.serve(runtime, listener, announce)
                finally:
                    del self._served[project.root]

    @contextlib.asynccontextmanager
    async def connect(self, root: Path, *, policies: bool) -> AsyncIterator[Connection]:
        """As the port says. A server in this very process is asked without a socket."""
        from infra.project import Project

        project = Project(root)
        async with contextlib.AsyncExitStack() as stack:
            if (platform := self._served.get(project.root)) is not None:
                yield Connection(await stack.enter_async_context(_local(platform)), served=True)
                return
            if project.control.exists():
                client = await stack.enter_async_context(_remote(project.control))
                if client is not None:
                    yield Connection(client, served=True)
                    return
            with refusals():
                platform = await stack.enter_async_context(_opened(project.root, policies=policies))
            yield Connection(await stack.enter_async_context(_local(platform)), served=False)

    def owner(self, root: Path) -> "AbstractAsyncContextManager[httpx.AsyncClient]":
        """As the port says."""
        import httpx

        from infra.project import Project

        control = httpx.AsyncHTTPTransport(uds=str(Project(root).control))
        return httpx.AsyncClient(transport=control, base_url=BASE_URL, timeout=AGENT_TIMEOUT_S)

    def holder(self, url: str, key: str) -> "AbstractAsyncContextManager[httpx.AsyncClient]":
        """As the port says. Redirects are not followed: the key is for this server alone."""
        import httpx

        return httpx.AsyncClient(
            base_url=url,
            headers={"authorization": f"Bearer {key}"},
            timeout=AGENT_TIMEOUT_S,
            trust_env=url.startswith("https:"),  # a proxy reads what is not encrypted
        )

    def version(self) -> str:
        """As the port says."""
        from infra.version import program_version

        return program_version()

    def load(self, root: Path, export: Path) -> Imported:
        """As the port says."""
        from infra import event_log
        from infra.configuration import project as configuration
        from infra.log import exported
        from infra.project import Project

        project = Project(root)
        with refusals(), project.held(), export.open("rb") as file:
            place = event_log.place(project, configuration.read(project.folder))
            found = exported.load(place, file)
        return Imported(found.events, found.head, found.hash)

    def move(self, root: Path, *, back: bool, told: Callable[[int, int], None]) -> Moved:
        """As the port says."""
        from infra import moving
        from infra.project import Project

        with refusals():
            return Moved(*moving.move(Project(root), back=back, told=told))

    def verify_backup(self, backup: str, key_file: str | None) -> BackupProved:
        """As the port says."""
        import tempfile

        from infra.backups import restore

        with refusals(), tempfile.TemporaryDirectory() as temp:
            return BackupProved(*restore.prove(backup, key_file, Path(temp), _untold))

    def restore_backup(
        self,
        backup: str,
        root: Path,
        key_file: str | None,
        settings: Path | None,
        *,
        keep_keys: bool,
    ) -> BackupProved:
        """As the port says."""
        from infra.backups.restore import restore

        with refusals():
            found = restore(backup, root, key_file, _untold, settings, keep_keys=keep_keys)
            return BackupProved(*found)

    def inspect(self, root: Path) -> Sequence[Finding]:
        """As the port says."""
        from infra import doctor
        from infra.project import Project

        return [
            Finding(found.name, Level(found.level), found.detail, found.remedy)
            for found in doctor.inspect(Project(root))
        ]


def _untold(_done: int, _total: int) -> None:
    """Nobody waits for every file."""


@contextlib.asynccontextmanager
async def _opened(root: Path, *, policies: bool) -> "AsyncIterator[Platform]":
    """The project, opened in this process for one command."""
    from infra.configuration import project as configuration
    from infra.project import Project
    from infra.runtime import Runtime

    project = Project(root)
    with project.held():
        runtime = Runtime(project, configuration.read(project.folder))
        try:
            await runtime.start(policies=policies)
            yield runtime.platform
        finally:
            await runtime.stop()


@contextlib.asynccontextmanager
async def _local(platform: "Platform") -> "AsyncIterator[httpx.AsyncClient]":
    import httpx

    from api.app import create
    from infra.server import LocalApp

    transport = httpx.ASGITransport(LocalApp(create(platform)))
    timeout = httpx.Timeout(CONTROL_TIMEOUT_S)
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, timeout=timeout) as client:
        yield client


@contextlib.asynccontextmanager
async def _remote(control: Path) -> "AsyncIterator[httpx.AsyncClient | None]":
    """A client of the server behind the socket; None when there is no server."""
    import httpx

    transport = httpx.AsyncHTTPTransport(uds=str(control))
    timeout = httpx.Timeout(CONTROL_TIMEOUT_S)
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, timeout=timeout) as client:
        try:
            await client.get("/api/health/live")
        except httpx.TransportError:
            answers = False  # the socket of a server that was killed, or is just ending
        else:
            answers = True
        yield client if answers else None


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Turns what a person can put right into a Refusal; a bug stays what it is."""
    try:
        yield
    except OSError as error:
        name = "" if error.filename is None else f"{error.filename}: "
        raise Refusal(f"{name}{error.strerror or error}") from error
    except Exception as error:
        if isinstance(error, _mendable()):
            raise Refusal(str(error)) from error
        raise


def _mendable() -> tuple[type[Exception], ...]:
    """Imported when something went wrong already, so that nobody else waits for it."""
    import sqlite3

    from commands.ports import WorkFailed
    from domain.kernel import Refused
    from infra import demo, event_log, master_keys, project, server
    from infra.backups.note import NoteUnreadable, NoteUntold
    from infra.backups.sealing import BackupDamaged, BackupKeyUnusable
    from infra.backups.staging import NotRestored
    from infra.configuration.documents import Unreadable
    from infra.log.exported import NotImported
    from infra.log.move import NotMoved
    from infra.log.port import LogInUse
    from infra.log.vault import VaultDamaged

    return (
        Refused,
        BackupDamaged,
        BackupKeyUnusable,
        LogInUse,
        NoteUnreadable,
        NoteUntold,
        NotImported,
        NotMoved,
        NotRestored,
        Unreadable,
        VaultDamaged,
        WorkFailed,
        demo.NoDemo,
        event_log.LogUnusable,
        master_keys.KeyUnusable,
        project.ProjectExists,
        project.ProjectInUse,
        project.ProjectMissing,
        server.PortTaken,
        sqlite3.DatabaseError,
    )


def follow(level: int) -> None:
    """Begin the log."""
    lines.follow(level, asgi.current.get)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; answers the exit code."""
    os.umask(PRIVATE)
    follow(logging.WARNING)
    try:
        return asyncio.run(cli.main(sys.argv[1:] if arguments is None else arguments, World()))
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
