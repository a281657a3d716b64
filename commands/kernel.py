"""What a command is, what it leaves in the vault, and how it is sent."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import msgspec

from domain.kernel import Recorded


class Keep(msgspec.Struct, frozen=True):
    """Seal this value in the vault, over any earlier one."""

    kind: str
    id: str
    value: bytes
    expires_at: datetime | None = None
    owner: str | None = None  # whose it is, when `id` does not say so: it goes when they go


class Forget(msgspec.Struct, frozen=True):
    """Delete this value from the vault; with no `kind`, all of this id and all that it owns."""

    kind: str | None
    id: str


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """An intent, with everything impure resolved: ids, times, digests, hashes.

    `vault` is what is kept or forgotten in the same transaction, if and only if the decision
    leads to events.
    """

    def vault(self) -> tuple[Keep | Forget, ...]:
        """Values that go to the vault instead of into events."""
        return ()


class Once(msgspec.Struct, frozen=True):
    """An idempotency key. `tag` names it and the command within its request; `family` it alone."""

    tag: str
    request: str  # keyed digest of method, path and body: another request under it is refused
    since: datetime  # a key counts from here on
    family: str | None = None


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends a command, through what, and what led to it."""

    actor: str
    via: str
    correlation: str
    causation: str | None = None
    once: Once | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a command led to. `position` is its last event's, or the head when there was none."""

    position: int
    recorded: tuple[Recorded, ...] = ()
    repeated: bool = False  # the key was used before: these are the events of that time


class Bus(Protocol):
    """The one way in: fold the boundary, decide, append, apply to the views, answer."""

    async def send(self, command: Command, origin: Origin) -> Outcome: ...


class OutcomeUnknown(Exception):
    """The disk failed during the commit: the events may be stored or not, once at most."""


class Overloaded(Exception):
    """The queue is full: nothing was done, `retry_after` is in seconds."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__("too many commands are waiting")
        self.retry_after = retry_after


class StorageFull(Exception):
    """The disk is full: nothing was done."""


class KeyReused(Exception):
    """The idempotency key was used for another request."""


class Secrets(Protocol):
    """The vault as commands see it."""

    def digest(self, kind: str, value: str) -> str:
        """A keyed digest, the same for the same value, of no use without the master key."""
        ...

    def read(self, kind: str, id: str) -> bytes | None:
        """The value, or None when it is not there, forgotten or expired."""
        ...


Clock = Callable[[], datetime]
