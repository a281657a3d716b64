"""Putting queries on record."""

from typing import Any, Final

from commands.kernel import Command, Forget, Keep
from domain import queries
from domain.kernel import Decider


class RecordQuery(Command, frozen=True, kw_only=True):
    """A query has ended; its text goes to the vault."""

    executed: queries.QueryExecuted
    sql: str
    owner: str | None = None  # the user who asked

    def vault(self) -> tuple[Keep | Forget, ...]:
        """The text may hold anything, names of people too."""
        return (Keep("query", self.executed.query_id, self.sql.encode(), owner=self.owner),)


DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    RecordQuery: Decider[queries.Queries, RecordQuery](
        initial=queries.Queries(),
        boundary=lambda command: queries.boundary(command.executed.query_id),
        evolve=queries.evolve,
        decide=lambda state, command: queries.record(state, command.executed),
    )
}
