"""Putting queries on record, and asking for the end of one."""

from collections.abc import Sequence
from typing import Any, Final, assert_never

from commands.kernel import Command, Forget, Keep
from domain import queries
from domain.kernel import Boundary, Decider, Event


class RecordQuery(Command, frozen=True, kw_only=True):
    """A query has ended; its text goes to the vault."""

    executed: queries.QueryExecuted
    sql: str
    owner: str | None = None  # the user who asked

    def vault(self) -> tuple[Keep | Forget, ...]:
        """The text may hold anything, names of people too."""
        return (Keep("query", self.executed.query_id, self.sql.encode(), owner=self.owner),)


class CancelQuery(Command, frozen=True, kw_only=True):
    """A query that runs is to end."""

    query_id: str


QueryCommand = RecordQuery | CancelQuery


def boundary(command: QueryCommand) -> Boundary:
    """All about the query in question."""
    match command:
        case RecordQuery():
            return queries.boundary(command.executed.query_id)
        case CancelQuery():
            return queries.boundary(command.query_id)
        case _:
            assert_never(command)


def decide(state: queries.Queries, command: QueryCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case RecordQuery():
            return queries.record(state, command.executed)
        case CancelQuery():
            return queries.cancel(state, command.query_id)
        case _:
            assert_never(command)


_DECIDER: Final = Decider(
    initial=queries.Queries(), boundary=boundary, evolve=queries.evolve, decide=decide
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    RecordQuery: _DECIDER,
    CancelQuery: _DECIDER,
}
