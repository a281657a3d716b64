"""The entry point: the command line, given what it needs of the world."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final

import httpx

from api import cli
from api.app import create
from infra import creation, server
from infra.configuration import project as configuration
from infra.project import Project
from infra.runtime import Runtime, http_settings

CONTROL_TIMEOUT_S: Final = 3600.0


class World:
    """What the command line asks of the world outside of HTTP."""

    def find(self, given: str | None) -> Path:
        """The root of the project that is meant."""
        return Project.find(given).root

    async def create(
        self, root: Path, name: str | None, email: str, password: str | None
    ) -> tuple[str, str | None]:
        """Make a project; answers the admin's address, and the password that was made up."""
        made = await creation.create(root, name=name, email=email, password=password)
        return made.email, made.password

    async def serve(
        self, root: Path, host: str | None, port: int | None, announce: Callable[[str], None]
    ) -> None:
        """Serve until a signal."""
        project = Project(root)
        with project.held():
            settings = configuration.read(project.folder)
            http = http_settings(settings, host=host, port=port)
            listener = server.listen(http.host, http.port)
            runtime = Runtime(project, settings, host=http.host, port=http.port)
            await server.serve(runtime, listener, announce)

    @contextlib.asynccontextmanager
    async def connect(self, root: Path) -> AsyncIterator[httpx.AsyncClient]:
        """A client as the owner: of the server that runs, else of the project in this process."""
        project = Project(root)
        timeout = httpx.Timeout(CONTROL_TIMEOUT_S)
        if project.control.exists():
            transport = httpx.AsyncHTTPTransport(uds=str(project.control))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://dango", timeout=timeout
            ) as client:
                try:
                    await client.get("/api/health/live")
                except httpx.ConnectError:
                    pass  # the socket of a server that was killed
                else:
                    yield client
                    return
        with project.held():
            runtime = Runtime(project, configuration.read(project.folder))
            await runtime.start()
            try:
                local = httpx.ASGITransport(server.LocalApp(create(runtime.platform)))
                async with httpx.AsyncClient(
                    transport=local, base_url="http://dango", timeout=timeout
                ) as client:
                    yield client
            finally:
                await runtime.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; answers the exit code."""
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    return asyncio.run(cli.main(sys.argv[1:] if arguments is None else arguments, World()))


if __name__ == "__main__":
    sys.exit(main())
