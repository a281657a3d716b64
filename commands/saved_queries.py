"""The intents around saved queries. Names and texts go to the vault."""

from collections.abc import Sequence
from typing import Any, Final, assert_never

import msgspec

from commands.kernel import Command, Forget, Keep
from domain import saved_queries
from domain.kernel import Decider, Event

SAVED: Final = "saved_query"  # the vault's kind of a name and text, and the kind of their digests


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What the vault has of one."""

    name: str
    sql: str


class _Keeping(Command, frozen=True, kw_only=True):
    """`user` is the account whose it is, with which it goes; none for callers without one."""

    query: str
    owner: str
    kept: Kept
    label: str
    proof: str
    shared: bool = False
    user: str | None = None

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (Keep(SAVED, self.query, msgspec.json.encode(self.kept), owner=self.user),)


class SaveQuery(_Keeping, frozen=True, kw_only=True):
    """Keep a statement by a name."""


class ChangeSavedQuery(_Keeping, frozen=True, kw_only=True):
    """Keep another statement, or by another name."""


class DeleteSavedQuery(Command, frozen=True, kw_only=True):
    """Keep it no more."""

    query: str
    owner: str

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (Forget(SAVED, self.query),)


SavedQueryCommand = SaveQuery | ChangeSavedQuery | DeleteSavedQuery


def decide(state: saved_queries.SavedQueries, command: SavedQueryCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case SaveQuery():
            return saved_queries.save(state, saved_queries.QuerySaved(**_told(command)))
        case ChangeSavedQuery():
            return saved_queries.change(state, saved_queries.SavedQueryChanged(**_told(command)))
        case DeleteSavedQuery(query=query, owner=owner):
            return saved_queries.delete(state, query, owner)
        case _:
            assert_never(command)


def _told(command: _Keeping) -> dict[str, Any]:
    return {
        "query": command.query,
        "owner": command.owner,
        "label": command.label,
        "proof": command.proof,
        "shared": command.shared,
    }


_DECIDER: Final = Decider[saved_queries.SavedQueries, SavedQueryCommand](
    initial={},
    boundary=lambda command: saved_queries.boundary(command.owner),
    evolve=saved_queries.evolve,
    decide=decide,
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    SaveQuery: _DECIDER,
    ChangeSavedQuery: _DECIDER,
    DeleteSavedQuery: _DECIDER,
}
