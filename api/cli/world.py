"""What the command line needs of the world outside of HTTP. `infra.main` implements it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import httpx


class Refusal(Exception):
    """Why a command ends without having done its work: one sentence for the person."""


class Created(NamedTuple):
    """A project that was made; `password` is None when it was given from outside."""

    root: Path
    email: str
    password: str | None


class Connection(NamedTuple):
    """A client that acts as the owner; `served` tells a running server from this process."""

    http: "httpx.AsyncClient"
    served: bool


class Level(StrEnum):
    """How a check of the doctor came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(NamedTuple):
    """One check of the doctor: what was found, and what to do about it."""

    name: str
    level: Level
    detail: str
    remedy: str = ""


class DemoData(NamedTuple):
    """Which data a demo project was given; `origin` says where from."""

    origin: str
    sources: tuple[str, ...]
    query: str  # something worth asking of it


class Imported(NamedTuple):
    """A log that an export was read into; `events` is how many of it are new."""

    events: int
    head: int
    hash: str


class Moved(NamedTuple):
    """A log that lies elsewhere now; `events` is how many of it were copied by this call.

    `aside` says where the old one was put away; None when it had moved before.
    """

    target: str
    events: int
    sealed: int
    head: int
    hash: str
    aside: str | None


class BackupProved(NamedTuple):
    """A backup, every file of which was read and is as it was written."""

    backup: str
    upto: int
    hash: str
    files: int
    size_bytes: int
    encrypted: bool
    digest: str


class World(Protocol):
    """Everything here raises Refusal, and nothing else, for what a person can put right."""

    def find(self, given: str | None) -> Path:
        """The root of the project that is meant."""
        ...

    def root(self, given: str) -> Path:
        """The absolute path of a project, there or not."""
        ...

    def exists(self, root: Path) -> bool:
        """Whether there is a project with a log of events."""
        ...

    async def create(
        self, root: Path, name: str | None, email: str, password: str | None
    ) -> Created:
        """Make a project."""
        ...

    def furnish(self, root: Path) -> DemoData:
        """Give a project the data and the sources of the demo; what is there stays."""
        ...

    async def serve(
        self,
        root: Path,
        host: str | None,
        port: int | None,
        announce: Callable[[str], None],
        *,
        quiet: bool = False,
    ) -> None:
        """Serve until a signal; `quiet` logs warnings alone."""
        ...

    def connect(self, root: Path, *, policies: bool) -> AbstractAsyncContextManager[Connection]:
        """A client: of the server that runs, else of the project in this process.

        There it is opened without `policies` for a look, or for a command that none acts on: work
        that was left open is then not taken up by the way.
        """
        ...

    def owner(self, root: Path) -> "AbstractAsyncContextManager[httpx.AsyncClient]":
        """A client that acts as the owner, of the server that runs or will run on a project."""
        ...

    def holder(self, url: str, key: str) -> "AbstractAsyncContextManager[httpx.AsyncClient]":
        """A client of the server at `url`, which runs or will run, with an API key."""
        ...

    def version(self) -> str:
        """The version of the program."""
        ...

    def load(self, root: Path, export: Path) -> Imported:
        """Read an export of a log into that of a project that nobody serves."""
        ...

    def move(self, root: Path, *, back: bool, told: Callable[[int, int], None]) -> Moved:
        """Move the log of a project that nobody serves; `told` hears how many events, of how many.

        To the database of project.yml, or `back` from it to the project's own file.
        """
        ...

    def verify_backup(self, backup: str, key_file: str | None) -> BackupProved:
        """Prove a backup: its address, or that of a place for its newest one."""
        ...

    def restore_backup(
        self,
        backup: str,
        root: Path,
        key_file: str | None,
        settings: Path | None,
        *,
        keep_keys: bool,
    ) -> BackupProved:
        """Make a project of a backup, in a folder that is empty or not there.

        `settings` is a project.yml to take in place of that in the backup. `keep_keys`: its API
        keys and its deploy token stay good.
        """
        ...

    def inspect(self, root: Path) -> Sequence[Finding]:
        """The doctor's look at the files of a project; changes nothing."""
        ...
