"""A walk over the engine's own syntax tree, in which only known shapes are allowed.

The tree is what `json_serialize_sql` gives. A node of a kind that is not named here is refused, so
a new version of the engine can only make the gate narrower. Scopes follow SQL: a common table
expression is visible to those after it and to the body of its query, and to itself only in the
recursive half of a recursive one. Seeing it in more places would let a name pass that the engine
then looks for outside, in a file for instance.
"""

from typing import Any

import msgspec

from infra.querying import functions, hints
from infra.querying.relations import Published, Relation, fold

QUERY_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE"})
EXPRESSIONS = frozenset(
    {
        "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION",
        "CONSTANT", "FUNCTION", "LAMBDA", "LAMBDA_REF", "OPERATOR", "POSITIONAL_REFERENCE",
        "STAR", "SUBQUERY", "WINDOW",
    }
)  # fmt: skip
FROM_ITEMS = frozenset(
    {"BASE_TABLE", "EMPTY", "EXPRESSION_LIST", "JOIN", "PIVOT", "SHOW_REF", "SUBQUERY",
     "TABLE_FUNCTION"}
)  # fmt: skip
DETAILS = frozenset(
    {
        "DISTINCT_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "ORDER_MODIFIER",
        "ORDER_DEFAULT", "ASCENDING", "DESCENDING",
        "AGGREGATE_STATE_TYPE_INFO", "ARRAY_TYPE_INFO", "DECIMAL_TYPE_INFO", "ENUM_TYPE_INFO",
        "GENERIC_TYPE_INFO", "LIST_TYPE_INFO", "STRING_TYPE_INFO", "STRUCT_TYPE_INFO",
        "UNBOUND_TYPE_INFO", "USER_TYPE_INFO",
    }
)  # fmt: skip
SHOW_OF_A_QUERY = frozenset({"DESCRIBE", "SUMMARY"})
AS_OF_UNITS = frozenset({"VERSION", "TIMESTAMP"})
NAMES_THAT_ARE_GIVEN = frozenset({"alias", "aliases", "column_name_alias"})
# Each DuckLake table answers to this name with the path of the Parquet file that a row is in.
VIRTUAL_PATH_COLUMN = "filename"

Scope = frozenset[str]


class Unknown(Exception):
    """Something that may not be in a statement; `offset` counts bytes, None when unknown."""

    def __init__(self, reason: str, offset: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


class Found(msgspec.Struct, kw_only=True):
    """What a tree refers to."""

    relations: dict[Relation, int | None] = {}
    path_column: bool = False
    past: int | None = None  # the offset of a table AT another time


def walk(statement: dict[str, Any], published: Published) -> Found:
    """Check a whole statement; raises Unknown, or RecursionError when it is too deep."""
    walker = _Walker(published)
    walker.any(statement, frozenset())
    return walker.found


class _Walker:
    def __init__(self, published: Published) -> None:
        self.found = Found()
        self._published = published

    def any(self, value: Any, scope: Scope) -> None:
        if isinstance(value, list):
            for item in value:
                self.any(item, scope)
        elif isinstance(value, dict):
            self._object(value, scope)
        elif isinstance(value, str) and fold(value) == VIRTUAL_PATH_COLUMN:
            self.found.path_column = True

    def _children(self, node: dict[str, Any], scope: Scope) -> None:
        for key, value in node.items():
            if key not in NAMES_THAT_ARE_GIVEN:
                self.any(value, scope)

    def _object(self, node: dict[str, Any], scope: Scope) -> None:
        if "class" in node:
            self._expression(node, scope)
            return
        kind = node.get("type")
        if not isinstance(kind, str):
            self._children(node, scope)
        elif kind in QUERY_NODES:
            self._query(node, scope)
        elif kind in FROM_ITEMS:
            self._from_item(node, scope)
        elif kind in DETAILS:
            self._children(node, scope)
        else:
            raise Unknown(f"This part of SQL is not allowed here: {_words(kind)}.", _offset(node))

    def _query(self, node: dict[str, Any], scope: Scope) -> None:
        parts = dict(node)
        for entry in parts.pop("cte_map")["map"]:
            self.any(entry["value"], scope)
            scope |= {fold(entry["key"])}
        recursive = parts.pop("right") if node["type"] == "RECURSIVE_CTE_NODE" else None
        self._children(parts, scope)
        if recursive is not None:
            self.any(recursive, scope | {fold(node["cte_name"])})

    def _from_item(self, node: dict[str, Any], scope: Scope) -> None:
        kind = node["type"]
        if kind == "BASE_TABLE":
            self._base_table(node, scope)
        elif kind == "TABLE_FUNCTION":
            function = node["function"]
            if (
                function["schema"]
                or function["catalog"]
                or (fold(function["function_name"]) not in functions.TABLE_FUNCTIONS)
            ):
                name = _dotted(function["catalog"], function["schema"], function["function_name"])
                raise Unknown(f"The table function {name} is not allowed.", _offset(function))
            self._children(function, scope)
            return
        elif kind == "SHOW_REF" and node["show_type"] not in SHOW_OF_A_QUERY:
            raise Unknown("SHOW cannot be a part of another statement.", _offset(node))
        elif kind == "PIVOT" and any(pivot["pivot_enum"] for pivot in node["pivots"]):
            raise Unknown("PIVOT over an enum type is not allowed; list the values.", _offset(node))
        self._children(node, scope)

    def _base_table(self, node: dict[str, Any], scope: Scope) -> None:
        catalog, schema, name = node["catalog_name"], node["schema_name"], node["table_name"]
        if not catalog and not schema and fold(name) in scope:
            return
        relation = self._published.find(catalog, schema, name)
        if relation is None:
            meant = self._published.like(schema, name)
            hint = f" Did you mean {meant}?" if meant else ""
            shown = _dotted(catalog, schema, name)
            raise Unknown(f"There is no table {shown} in the warehouse.{hint}", _offset(node))
        as_of = node["at_clause"]
        if as_of is not None and as_of["unit"].upper() not in AS_OF_UNITS:
            raise Unknown("AT takes a VERSION or a TIMESTAMP.", _offset(node))
        if as_of is not None:
            self.found.past = _offset(node) or 0
        self.found.relations.setdefault(relation, _offset(node))

    def _expression(self, node: dict[str, Any], scope: Scope) -> None:
        kind = node["class"]
        if kind == "PARAMETER":
            raise Unknown(
                "Placeholders are not allowed: there is no value for them.", _offset(node)
            )
        if kind not in EXPRESSIONS:
            raise Unknown(f"This expression is not allowed here: {_words(kind)}.", _offset(node))
        if kind in {"FUNCTION", "WINDOW"}:
            name = fold(node["function_name"])
            if name not in functions.SCALARS and name not in functions.BUILT_INTO_THE_BINDER:
                raise Unknown(hints.function(node["function_name"]), _offset(node))
            if node.get("export_state"):
                raise Unknown("EXPORT_STATE is not allowed.", _offset(node))
        self._children(node, scope)


def _offset(node: dict[str, Any]) -> int | None:
    at = node.get("query_location")
    return at if isinstance(at, int) and at < 2**32 else None  # the engine's "nowhere" is 2**64 - 1


def _dotted(*parts: str) -> str:
    return ".".join(part[:200] for part in parts if part)


def _words(kind: str) -> str:
    return kind.replace("_", " ").lower()
