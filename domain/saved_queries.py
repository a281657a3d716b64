"""Statements that people keep by a name, for themselves or for all who may query.

Name and text may hold anything, so they are in the vault; events tell of them by keyed digests.
Invariants: no two of one person's have the same name, and nobody has more than SAVED_MAX; who saved
one changes it, and nobody else.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec

from domain.kernel import Boundary, Event, Recorded, Refused, about

SAVED_MAX: Final = 200  # of one person
NAME_CHARS_MAX: Final = 120


def tag(query: str) -> str:
    """The tag of all about one saved query."""
    return f"saved_query:{query}"


def tag_of(owner: str) -> str:
    """The tag of all about one person's."""
    return f"saved_queries:{owner}"


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _SavedEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "query.execute"
    query: str  # its id
    owner: str  # an actor

    def stream(self) -> str:
        return tag(self.query)

    def labels(self) -> tuple[str, ...]:
        return (tag_of(self.owner),)


class QuerySaved(_SavedEvent, frozen=True, kw_only=True, tag="query_saved"):
    """Somebody keeps a statement; its name and text are the vault's `saved_query` of this id."""

    label: str  # keyed digest of the owner and the name in lower case
    proof: str  # keyed digest of name and text
    shared: bool = False  # whether all who may query see it


class SavedQueryChanged(_SavedEvent, frozen=True, kw_only=True, tag="saved_query_changed"):
    """It has another name, another text, or is seen by others than before."""

    label: str
    proof: str
    shared: bool = False


class SavedQueryDeleted(_SavedEvent, frozen=True, kw_only=True, tag="saved_query_deleted"):
    """It is kept no more."""


EVENTS: Final[tuple[type[Event], ...]] = (QuerySaved, SavedQueryChanged, SavedQueryDeleted)


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """One that is kept, or was."""

    label: str
    proof: str
    shared: bool
    gone: bool = False


SavedQueries = Mapping[tuple[str, str], Saved]  # by owner and id


def evolve(state: SavedQueries, recorded: Recorded) -> SavedQueries:
    """Fold one event."""
    match recorded.event:
        case QuerySaved(query=query) | SavedQueryChanged(query=query) as told:
            saved = Saved(label=told.label, proof=told.proof, shared=told.shared)
            return {**state, (told.owner, query): saved}
        case SavedQueryDeleted(query=query, owner=owner) if (owner, query) in state:
            gone = msgspec.structs.replace(state[owner, query], gone=True)
            return {**state, (owner, query): gone}
        case _:
            return state


def boundary(owner: str) -> Boundary:
    """All about one person's."""
    return about(tag_of(owner), types=EVENTS)


def save(state: SavedQueries, wanted: QuerySaved) -> list[Event]:
    """Keep a statement. Raises SavedQueryThere, TooManySavedQueries."""
    if (wanted.owner, wanted.query) in state:
        return []
    mine = _of(state, wanted.owner)
    if any(saved.label == wanted.label for saved in mine.values()):
        raise SavedQueryThere
    if len(mine) >= SAVED_MAX:
        raise TooManySavedQueries
    return [wanted]


def change(state: SavedQueries, wanted: SavedQueryChanged) -> list[Event]:
    """Keep it as something else. Raises SavedQueryMissing, SavedQueryThere."""
    mine = _of(state, wanted.owner)
    saved = mine.get(wanted.query)
    if saved is None:
        raise SavedQueryMissing
    if (saved.label, saved.proof, saved.shared) == (wanted.label, wanted.proof, wanted.shared):
        return []
    if any(other.label == wanted.label for query, other in mine.items() if query != wanted.query):
        raise SavedQueryThere
    return [wanted]


def delete(state: SavedQueries, query: str, owner: str) -> list[Event]:
    """Keep it no more. Raises SavedQueryMissing."""
    saved = state.get((owner, query))
    if saved is None:
        raise SavedQueryMissing
    return [] if saved.gone else [SavedQueryDeleted(query=query, owner=owner)]


def _of(state: SavedQueries, owner: str) -> Mapping[str, Saved]:
    """Those of one person that are kept, by id."""
    return {
        query: saved for (whose, query), saved in state.items() if whose == owner and not saved.gone
    }


class SavedQueryMissing(Refused):
    """There is none of this id that the caller may see, or change."""

    def __init__(self) -> None:
        super().__init__("There is no such saved query, or it is not yours.")


class SavedQueryThere(Refused):
    """Each of one person's has a name of its own."""

    def __init__(self) -> None:
        super().__init__("You have saved a query by this name already.")


class SavedNameInvalid(Refused):
    """A name that is none."""

    def __init__(self) -> None:
        super().__init__(
            f"The name of a saved query is one line of 1 to {NAME_CHARS_MAX} characters.",
            fields=[{"path": "name", "message": "is no name of a saved query"}],
        )


class TooManySavedQueries(Refused):
    """What one person keeps is bounded."""

    def __init__(self) -> None:
        super().__init__(f"You have {SAVED_MAX} saved queries already; delete one first.")


def named(given: str) -> str:
    """The name without spaces around it. Raises SavedNameInvalid."""
    name = " ".join(given.split())
    if not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable():
        raise SavedNameInvalid
    return name
