"""Columns whose values a caller may not see.

The statement stays as it was written. Its tables are replaced beneath it: the warehouse is attached
under another name (`sandbox.BEHIND_MASKS`), and under its own there is a database in memory. For
the length of one transaction that database has a view for each relation that the statement reads,
in which masked columns are constants. So no expression, condition, join, `SELECT *`, DESCRIBE or
SUMMARIZE can tell a value; the values are not there.

A view of the warehouse is made anew over these views, from its own text: what it takes from a
masked column is masked too. One whose text the gate would refuse cannot be read at all.
"""

from collections.abc import Iterable
from typing import Any

import duckdb

from commands import ports
from infra.querying import gate, messages, tree
from infra.querying.relations import Published, Relation, fold
from infra.querying.sandbox import BEHIND_MASKS, CATALOG
from infra.warehouse.quoting import identifier, literal

MASK = "****"  # for text; values of other types are NULL, so that the types stay
VIEWS_MAX = 500  # that one statement may lead to
TEXT = "VARCHAR"
# DuckLake's own: a text in which it has put a placeholder for the name of its catalogue.
CATALOG_IN_VIEWS = "{DUCKLAKE_CATALOG}"
_OF_NOW = """({0}.end_snapshot IS NULL OR {0}.end_snapshot > $snapshot)
    AND {0}.begin_snapshot <= $snapshot"""
_VIEW = f"""SELECT v.sql, v.column_aliases FROM __ducklake_metadata_{BEHIND_MASKS}.ducklake_view v
    JOIN __ducklake_metadata_{BEHIND_MASKS}.ducklake_schema s USING (schema_id)
    WHERE s.schema_name = $schema AND v.view_name = $name
    AND {_OF_NOW.format("v")} AND {_OF_NOW.format("s")}"""  # noqa: S608 - names of our own

# What the engine says of a view that does not hold over masks; of nothing else.
ENGINES_NO = (duckdb.BinderException, duckdb.CatalogException, duckdb.DataError)

Names = dict[tuple[str, str], frozenset[str]]


class Masks:
    """The views of one statement, made in its transaction and gone with it."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        published: Published,
        snapshot: int,
        columns: Iterable[ports.MaskedColumn],
    ) -> None:
        self._con, self._published, self._snapshot = con, published, snapshot
        self._names: Names = {}
        for one in columns:
            key = fold(one.schema), fold(one.table)
            self._names[key] = self._names.get(key, frozenset()) | {fold(one.column)}
        self._schemas: set[str] = set()
        self._made: set[Relation] = set()
        self.masked: list[str] = []  # the columns that were met

    def put_before(self, statement: gate.Statement) -> None:
        """Make the views that the statement reads. Raises WorkRefused."""
        if statement.past is not None:
            reason = "Some columns are masked for you: ask for another time with as_of, not AT."
            raise messages.with_place(reason, statement.past)
        for relation in statement.relations:
            self._make(relation, ())

    def _make(self, relation: Relation, above: tuple[Relation, ...]) -> None:
        if relation in self._made:
            return
        if relation in above or len(self._made) + len(above) >= VIEWS_MAX:
            raise _unreadable(above[0])
        found = self._con.execute(
            _VIEW,
            {"schema": relation.schema, "name": relation.name, "snapshot": self._snapshot},
        ).fetchone()
        if found is None:
            query, aliases = f"FROM {_quoted(BEHIND_MASKS, relation)}", ""
        else:
            query, aliases = self._view(relation, above, *found)
        names = f" ({aliases})" if aliases else ""
        whole = f"SELECT * FROM ({query}\n) AS masked{names}"  # noqa: S608 - quoted
        try:
            self._create(relation, whole)
        except ENGINES_NO:
            # Its text would be quoted, and the place in it taken for one in the user's statement.
            raise _unreadable(relation) from None
        self._made.add(relation)

    def _view(
        self, relation: Relation, above: tuple[Relation, ...], text: str, aliases: str | None
    ) -> tuple[str, str]:
        query = text.replace(CATALOG_IN_VIEWS, CATALOG).rstrip().rstrip(";")
        try:
            found = tree.walk(gate.syntax_tree(query, self._con), self._published)
        except (tree.Unknown, ports.WorkRefused, RecursionError):
            raise _unreadable(relation) from None
        if found.path_column or found.past is not None:
            raise _unreadable(relation)
        for beneath in found.relations:
            self._make(beneath, (*above, relation))
        return query, aliases or ""

    def _create(self, relation: Relation, query: str) -> None:
        hidden = self._names.get((fold(relation.schema), fold(relation.name)), frozenset())
        columns = self._con.execute(f"{query} LIMIT 0").description or []
        listed = ", ".join(_column(*each[:2], hidden) for each in columns)
        self.masked += [f"{relation}.{name}" for name, *_ in columns if fold(name) in hidden]
        if relation.schema not in self._schemas:
            schema = f"{CATALOG}.{identifier(relation.schema)}"
            self._con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            self._schemas.add(relation.schema)
        view = f"SELECT {listed} FROM ({query}) AS masked"  # noqa: S608 - quoted
        self._con.execute(f"CREATE VIEW {_quoted(CATALOG, relation)} AS {view}")


def _column(name: str, kind: Any, hidden: frozenset[str]) -> str:
    quoted = identifier(name)
    if fold(name) not in hidden:
        return quoted
    if str(kind) == TEXT:
        return f"CASE WHEN {quoted} IS NOT NULL THEN {literal(MASK)} END AS {quoted}"
    return f"CAST(NULL AS {kind}) AS {quoted}"


def _quoted(catalog: str, relation: Relation) -> str:
    return f"{catalog}.{identifier(relation.schema)}.{identifier(relation.name)}"


def _unreadable(relation: Relation) -> ports.WorkRefused:
    reason = f"{relation} cannot be read with masked columns: its definition could not be checked."
    return ports.WorkRefused(reason)
