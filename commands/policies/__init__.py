"""Policies: what follows from what happened. An event comes in, commands go out.

A policy is told every event of its types, in order and at least once: its position is durable, so
after a crash it is told again what it may not have acted on. Its commands change nothing when they
come twice.
"""

from collections.abc import Callable
from typing import Protocol

from commands.kernel import Origin
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


def origin(policy: str, cause: Recorded) -> Origin:
    """In whose name a policy acts on an event."""
    return Origin(
        actor=f"policy:{policy}",
        via="policy",
        correlation=cause.correlation,
        causation=cause.id,
    )


def origin_of(policy: str, job: int, request: Callable[[int], Recorded | None]) -> Origin:
    """The same for what follows from the request of a job, which is looked up in the log."""
    asked = request(job)
    if asked is None:
        raise RuntimeError(f"there is no request {job} in the log")
    return origin(policy, asked)
