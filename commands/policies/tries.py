"""What must not be given up is tried again until it is done, and is shown meanwhile.

An ending that cannot be written (a full disk, a full queue) would leave its job running for ever.
It is sent again, after pauses that grow to a bound, as long as the process lives. A broken rule is
an answer and no reason to try again. When the outcome is unknown, only a restart can tell.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from commands.kernel import Bus, Command, Origin, Outcome, OutcomeUnknown
from domain.kernel import Refused

FIRST_PAUSE_S: Final = 0.5  # before the second try; doubles up to PAUSE_S_MAX
PAUSE_S_MAX: Final = 30.0
RECOVERY_S: Final = 10.0  # how long a start waits for endings; they go on being tried behind it

T = TypeVar("T")

_log = logging.getLogger("dango.policies")


class Tries:
    """What one policy is trying, and why it is not done yet."""

    def __init__(self) -> None:
        self.problems: dict[str, str] = {}

    @property
    def problem(self) -> str | None:
        """The first of them, for readiness."""
        return next((f"{what}: {why}" for what, why in self.problems.items()), None)

    def failed(self, what: str, error: Exception) -> None:
        """Show it until it is done."""
        _log.error("%s is not done", what, exc_info=error)
        self.problems[what] = f"{type(error).__name__}: {error}"

    async def until_done(self, what: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """What the attempt gave in the end. Raises Refused, OutcomeUnknown."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                result = await attempt()
            except Refused:
                self.problems.pop(what, None)
                raise
            except OutcomeUnknown as error:
                self.failed(what, error)
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, giving up is worse
                self.failed(what, error)
            else:
                self.problems.pop(what, None)
                return result
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_S_MAX)

    async def until_written(
        self, what: str, bus: Bus, command: Command, origin: Callable[[], Origin]
    ) -> Outcome:
        """Send a command until it is carried out. Raises Refused, OutcomeUnknown.

        An ending that was reached must be written, even while this task is being cancelled.
        """
        return await self.until_done(what, lambda: asyncio.shield(bus.send(command, origin())))
