"""What schedules and notices need from outside: scripts, schedules.yml, places. `infra` has it."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec

from commands.ports import Send

SCHEDULES: Final = ("schedules",)
WEBHOOKS: Final = ("notifications", "webhooks")
MONITORS: Final = ("monitors",)  # of monitors.yml, which is written likewise


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A Python file of the project's scripts/ to run; `path` is its name there."""

    path: str
    arguments: tuple[str, ...] = ()  # with their ${NAME} as they stand in the configuration
    secrets: dict[str, str] = {}  # values of those names
    timeout_s: float


class ScriptDone(msgspec.Struct, frozen=True, kw_only=True):
    """A script that ended by itself; below 0 the code is that of a signal."""

    exit_code: int
    output: str  # the end of what it printed, without secrets


class Scripts(Protocol):
    """The project's scripts. Cancelling an awaiting task kills the script."""

    async def run(self, script: Script) -> ScriptDone:
        """Run one to its end. Raises WorkFailed."""
        ...


class SchedulesEditor(Protocol):
    """Writes schedules.yml and monitors.yml, and takes what they say then, by `send`.

    The lists are SCHEDULES, WEBHOOKS and MONITORS; an entry is a mapping with a `name`.
    """

    async def add_entry(self, path: tuple[str, ...], entry: Mapping[str, Any], send: Send) -> None:
        """Write a new entry."""
        ...

    async def change_entry(
        self, path: tuple[str, ...], name: str, wanted: Mapping[str, Any], send: Send
    ) -> None:
        """Write keys of an entry anew."""
        ...

    async def remove_entry(self, path: tuple[str, ...], name: str, send: Send) -> None:
        """Take an entry out."""
        ...

    async def reload_schedules(self, send: Send) -> None:
        """Take the file as it is. Raises ConfigurationUnreadable."""
        ...


class Attempted(msgspec.Struct, frozen=True, kw_only=True):
    """How one attempt to tell a place went; `reason` is one sentence, without its URL."""

    ok: bool
    status_code: int | None = None
    reason: str | None = None
    final: bool = False  # another attempt would go the same way
    duration_s: float = 0.0


class Notifier(Protocol):
    """Sends notices to places."""

    async def send(self, place: str, message: dict[str, Any]) -> Attempted:
        """Make one attempt, in a bounded time; never raises."""
        ...
