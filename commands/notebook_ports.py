"""What notebooks need from outside: their files, their processes. `infra` has it."""

from collections.abc import Callable
from typing import Protocol

import msgspec


class NotebookFiles(Protocol):
    """The project's folder of notebooks. Names are those of files without their ending."""

    def names(self) -> tuple[str, ...]:
        """Name all that are there and could be notebooks."""
        ...

    def there(self, name: str) -> bool:
        """Whether the file is there, and no link to anywhere."""
        ...

    def create(self, name: str, template: str) -> bool:
        """Make a file from a template; False when the name is taken."""
        ...

    def copy(self, origin: str, name: str) -> bool:
        """Make a copy; False when the name is taken. Raises FileNotFoundError."""
        ...

    def delete(self, name: str) -> None:
        """Remove the file, if it is there."""
        ...


class Place(msgspec.Struct, frozen=True):
    """Where the process of a lock answers, and what it wants to be shown. It is never told."""

    url: str
    token: str


class NotebookSessions(Protocol):
    """The processes that notebooks are edited in, one for each lock."""

    def place(self, lock: str) -> Place | None:
        """Where it answers; None before it does, and after its end."""
        ...

    def used(self, lock: str) -> None:
        """Note that somebody works with it: it is not idle."""
        ...

    def idle_s(self, lock: str) -> float:
        """Tell for how long nobody has."""
        ...

    async def sweep(self) -> None:
        """Kill what a server before this one has left."""
        ...

    async def run(self, notebook: str, lock: str, ready: Callable[[], None]) -> str:
        """Have the process until it ends; answers why it did. Cancelled, it is killed."""
        ...
