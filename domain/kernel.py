"""The words that every capability speaks: events, boundaries over tags, deciders, refusals.

A capability is four pure functions (`boundary`, `evolve`, its decisions, and a `decide` that
chooses between them) over events. Which facts a decision may depend on is a query over tags (a
dynamic consistency boundary, dcb.events); so every event carries every tag whose invariant it can
change.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

State = TypeVar("State")
Intent = TypeVar("Intent")


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """Something that happened. Tag and fields of a subclass are a storage format for ever.

    Fields never hold secrets or personal data: those go to the vault, events carry ids and
    keyed digests (docs/explanation/events.md).
    """

    version: ClassVar[int] = 1  # of the stored shape; older shapes are upcast (domain/upcasters.py)
    permission: ClassVar[str] = "audit.view"  # who may see it live

    def stream(self) -> str:
        """The thing that the event is about, as `kind:name`."""
        raise NotImplementedError

    def labels(self) -> tuple[str, ...]:
        """The tags beside the stream's own: every other invariant that this event can change."""
        return ()

    @classmethod
    def type_name(cls) -> str:
        """The stored name, e.g. `sync_requested`."""
        return str(cls.__struct_config__.tag)


def tags(event: Event) -> tuple[str, ...]:
    """All tags of an event, its stream first."""
    return (event.stream(), *event.labels())


def behind(prefix: str, tags: Iterable[str]) -> str | None:
    """What stands behind this in the first tag that begins so."""
    for tag in tags:  # a generator would take twice as long, and this is done for every event
        if tag.startswith(prefix):
            return tag[len(prefix) :]
    return None


class Recorded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event as the log holds it: where, when, by whom and why."""

    position: int
    id: str
    at: datetime  # UTC, never earlier than the event before it
    event: Event
    actor: str  # user:<id>, cli:<name>, policy:<name>, system:<part>, anonymous
    via: str  # session:<id>, key:<id>, control, policy, watcher, start
    command: str  # the intent's name
    correlation: str  # the request that all this belongs to
    causation: str | None = None  # id of the event that led to it

    @property
    def type(self) -> str:
        """The event's stored name."""
        return self.event.type_name()

    @property
    def stream(self) -> str:
        """The thing that it is about."""
        return self.event.stream()


class Clause(msgspec.Struct, frozen=True):
    """Events of any of these types (all, when empty) that carry all of these tags."""

    types: tuple[type[Event], ...] = ()
    tags: tuple[str, ...] = ()


Boundary = tuple[Clause, ...]  # events that match at least one clause


def about(*labels: str, types: Sequence[type[Event]] = ()) -> Boundary:
    """The boundary of everything that carries any one of these tags."""
    return tuple(Clause(tuple(types), (label,)) for label in labels)


class Decider(msgspec.Struct, Generic[State, Intent], frozen=True):
    """How a capability decides: which facts count, what they add up to, what follows.

    `decide` returns the events that happen, `[]` when the intent is fulfilled already, or raises a
    `Refused`. Repeating an intent right after it was fulfilled changes nothing.
    """

    initial: State
    boundary: Callable[[Intent], Boundary]
    evolve: Callable[[State, Recorded], State]
    decide: Callable[[State, Intent], Sequence[Event]]


class Refused(Exception):
    """A broken rule. `detail` is one sentence for the caller; `facts` go beside it."""

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts
