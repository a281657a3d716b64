"""Follows columns through a query, over the engine's own syntax tree.

The tree is what the engine itself reads, so nothing is followed otherwise than it is computed. A
shape that is not known here ends the tracing: `Untraceable` for what could still be told by the
tables that are read, `Opaque` where not even these are known. Conditions and orders decide which
rows there are and not what their values are: they are followed inside of expressions alone.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from domain.lineage import Origin
from infra.modelling import nodes, scopes
from infra.modelling.scopes import NOTHING, Item, Origins, Result, Scope
from infra.querying.relations import fold
from infra.warehouse.attach import LAKE

TRACE_S_MAX: Final = 2.0  # then whole tables are named
NOT_VALUES: Final = frozenset({"alias", "cte_map", "query_location", "type", "function_name"})
CONDITIONS: Final = ("where_clause", "group_expressions", "having", "qualify", "modifiers")

Columns = Callable[[str, str], Sequence[str] | None]  # of a relation; None: there is none


class Untraceable(Exception):
    """Columns cannot be followed; the tables that are read can still be listed."""


class Opaque(Exception):
    """It is not known what is read."""


class Tracer:
    """Follows one query."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._ends_at = time.monotonic() + TRACE_S_MAX
        self._deep: list[set[Origin]] = []  # all that a query inside of an expression touches

    def query(self, node: dict[str, Any], scope: Scope) -> Result:
        """The columns of a query. Raises Untraceable, Opaque."""
        if time.monotonic() > self._ends_at:
            raise Untraceable
        ctes = dict(scope.ctes)
        for entry in (node.get("cte_map") or {}).get("map") or ():
            value = entry["value"]
            found = self.query(value["query"]["node"], scope._replace(ctes=ctes))
            ctes[fold(entry["key"])] = scopes.renamed(found, value.get("aliases") or ())
        scope = scope._replace(ctes=ctes)
        match node.get("type"):
            case "SELECT_NODE":
                return self._select(node, scope)
            case "SET_OPERATION_NODE":
                return self._set_operation(node, scope)
            case "RECURSIVE_CTE_NODE":
                return self._recursive(node, scope)
            case _:
                raise Untraceable

    def _select(self, node: dict[str, Any], outer: Scope) -> Result:
        items = self._from(node.get("from_table"), outer)
        scope = Scope(ctes=outer.ctes, items=items, outer=outer)
        columns: list[tuple[str | None, Origins]] = []
        rest: set[Origin] | None = None
        for expression in node["select_list"]:
            found = self._selected(expression, scope)
            columns += found.columns
            if found.rest is not None:
                rest = (rest or set()) | found.rest
            named = [(fold(name), origins) for name, origins in found.columns if name]
            scope = scope._replace(aliases=(*scope.aliases, *named))
        if self._deep:
            for condition in CONDITIONS:
                self.origins(node.get(condition), scope)
        return Result(tuple(columns), None if rest is None else frozenset(rest))

    def _set_operation(self, node: dict[str, Any], scope: Scope) -> Result:
        left, right = (self.query(node[side], scope) for side in ("left", "right"))
        rest = None if left.rest is right.rest is None else left.all() | right.all()
        if str(node.get("setop_type")).endswith("BY_NAME"):
            return Result((*left.columns, *right.columns), rest)
        if rest is not None or len(left.columns) != len(right.columns):
            both = left.all() | right.all()
            return Result(tuple((name, both) for name, _ in left.columns), both)
        pairs = zip(left.columns, right.columns, strict=True)
        return Result(tuple((name, one | other) for (name, one), (_, other) in pairs))

    def _recursive(self, node: dict[str, Any], scope: Scope) -> Result:
        """Each column of a recursive query comes from all that it touches."""
        left = self.query(node["left"], scope)
        ctes = {**scope.ctes, fold(node["cte_name"]): left}
        right = self.query(node["right"], scope._replace(ctes=ctes))
        both = left.all() | right.all()
        rest = None if left.rest is right.rest is None else both
        return Result(tuple((name, both) for name, _ in left.columns), rest)

    # what stands in FROM

    def _from(self, node: dict[str, Any] | None, scope: Scope) -> tuple[Item, ...]:
        match None if node is None else node.get("type"):
            case None | "EMPTY":
                return ()
            case "JOIN":
                return self._join(node or {}, scope)
            case "PIVOT":
                source = self._from((node or {})["source"], scope)
                return (scopes.item_of(node or {}, scopes.loose(scopes.everything(source))),)
            case kind:
                return (self._item(str(kind), node or {}, scope),)

    def _join(self, node: dict[str, Any], scope: Scope) -> tuple[Item, ...]:
        left = self._from(node["left"], scope)
        beside = Scope(ctes=scope.ctes, items=left, outer=scope)
        items = (*left, *self._from(node["right"], beside))
        if self._deep:
            self.origins(node.get("condition"), scope._replace(items=items))
        return items

    def _item(self, kind: str, node: dict[str, Any], scope: Scope) -> Item:
        match kind:
            case "BASE_TABLE":
                return self._table(node, scope)
            case "SUBQUERY":
                return scopes.item_of(node, self.query(node["subquery"]["node"], scope))
            case "EXPRESSION_LIST":
                rows = node["values"]
                columns = zip(*rows, strict=True)
                found = [self.origins(list(column), scope) for column in columns]
                named = ((f"col{number}", origins) for number, origins in enumerate(found))
                return scopes.item_of(node, Result(tuple(named)))
            case "TABLE_FUNCTION":
                function = node["function"]
                if nodes.makes(function):
                    read = self.origins(function.get("children"), scope)
                    return scopes.item_of(node, scopes.loose(read), function["function_name"])
            case _:
                pass
        raise Opaque

    def _table(self, node: dict[str, Any], scope: Scope) -> Item:
        catalog, schema, name = (
            str(node.get(key) or "") for key in ("catalog_name", "schema_name", "table_name")
        )
        bare = not catalog and not schema
        if bare and (cte := scope.ctes.get(fold(name))) is not None:
            return scopes.item_of(node, cte, name)
        catalog, schema = nodes.placed(catalog, schema)
        found = self._columns(schema, name) if fold(catalog) == LAKE else None
        if found is None:
            raise Opaque
        columns = tuple(
            (column, frozenset({Origin(schema=schema, table=name, column=column)}))
            for column in found
        )
        item = scopes.item_of(node, Result(columns), name)
        if not node.get("alias"):
            item = item._replace(names=(fold(LAKE), fold(schema), fold(name)))
        return item

    # expressions

    def _selected(self, node: dict[str, Any], scope: Scope) -> Result:
        """What one entry of a select list becomes."""
        name = node.get("alias") or None
        if node.get("class") == "STAR":
            return self._star(node, scope)
        origins = self.origins(node, scope)
        if nodes.spreads(node):
            return Result(() if name is None else ((name, origins),), origins)
        if name is None and node.get("class") == "COLUMN_REF":
            name = node["column_names"][-1]
        return Result(((name, origins),))

    def _star(self, node: dict[str, Any], scope: Scope) -> Result:
        wanted = fold(node.get("relation_name") or "")
        items = [item for item in scope.items if not wanted or item.names[-1] == wanted]
        if not items:
            # A column that is a struct, all of whose fields are wanted.
            return scopes.loose(self._resolve([wanted], scope) if wanted else NOTHING)
        self._touch(scopes.everything(items))
        # What is left out or named anew is told by its name, where it is looked for.
        left_out = {fold(str(name)) for name in node.get("exclude_list") or ()}
        replaced = {
            fold(entry["key"]): self.origins(entry["value"], scope)
            for entry in node.get("replace_list") or ()
        }
        renamed = {
            fold(str(entry["key"]["column"])): str(entry["value"])
            for entry in node.get("rename_list") or ()
        }
        rest = [item.result.rest for item in items if item.result.rest is not None]
        columns: list[tuple[str | None, Origins]] = []
        for item in items:
            for name, origins in item.result.columns:
                key = fold(name or "")
                if key in left_out and key:
                    continue
                columns.append((renamed.get(key, name), replaced.get(key, origins)))
        if node.get("alias") or any(name is None for name, _ in columns):
            return scopes.loose(scopes.everything(items).union(*replaced.values()))
        return Result(tuple(columns), NOTHING.union(*rest) if rest else None)

    def origins(self, value: Any, scope: Scope) -> Origins:
        """What a value may come from, following all that is inside of it."""
        if isinstance(value, list):
            return NOTHING.union(*(self.origins(each, scope) for each in value))
        return self._origins(value, scope) if isinstance(value, dict) else NOTHING

    def _origins(self, node: dict[str, Any], scope: Scope) -> Origins:
        match node.get("class"):
            case "COLUMN_REF":
                return self._resolve(node["column_names"], scope)
            case "SUBQUERY":
                inner = self._within(node["subquery"]["node"], scope)
                return inner | self.origins(node.get("child"), scope)
            case "LAMBDA":  # `a -> b` too, where `a` is a column
                named = frozenset(fold(name) for name in nodes.parameters(node.get("lhs")))
                scope = scope._replace(parameters=scope.parameters | named)
            case "STAR" | "POSITIONAL_REFERENCE":
                found = scopes.everything(scope.items)
                self._touch(found)
                return found.union(self._children(node, scope))
            case "FUNCTION" | "WINDOW":
                if not nodes.computes(node):
                    raise Opaque
            case _:
                pass
        return self._children(node, scope)

    def _children(self, node: dict[str, Any], scope: Scope) -> Origins:
        found = (self.origins(each, scope) for key, each in node.items() if key not in NOT_VALUES)
        return NOTHING.union(*found)

    def _within(self, node: dict[str, Any], scope: Scope) -> Origins:
        """All that a query inside of an expression touches, its conditions too."""
        self._deep.append(set())
        found = self.query(node, scope).all()
        touched = self._deep.pop() | found
        self._touch(touched)
        return frozenset(touched)

    def _touch(self, origins: Iterable[Origin]) -> None:
        if self._deep:
            self._deep[-1].update(origins)

    def _resolve(self, names: Sequence[str], scope: Scope) -> Origins:
        """What a name comes from. Raises Untraceable."""
        here: Scope | None = scope
        while here is not None:
            found = scopes.found([fold(name) for name in names], here)
            if found is not None:
                self._touch(found)
                return found
            here = here.outer
        if fold(names[0]) in scope.parameters:
            return NOTHING
        raise Untraceable
