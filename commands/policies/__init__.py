"""Policies: what follows from what happened. An event comes in, commands go out.

A policy is told every event of its types, in order and at least once: its position is durable, so
after a crash it is told again what it may not have acted on. Its commands change nothing when they
come twice.
"""

from typing import Protocol

from domain.kernel import Event, Recorded


class Policy(Protocol):
    """One policy."""

    name: str
    types: tuple[type[Event], ...]
    begins_at_head: bool  # a new policy does not act on what happened before it was there

    @property
    def problem(self) -> str | None:
        """What it cannot bring to its end, for readiness; None when all goes well."""
        ...

    async def recover(self) -> None:
        """Before anything else at start: end what was going on when the process died."""
        ...

    async def react(self, recorded: Recorded) -> None:
        """Act on an event. Long work is begun here and goes on by itself."""
        ...

    async def stop(self) -> None:
        """End long work, and say so in the log."""
        ...
