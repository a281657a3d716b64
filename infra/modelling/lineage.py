"""Where the columns of a model that was just built come from."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import duckdb

from commands import ports
from domain.datasets import Column
from domain.lineage import Derived, Lineage, Origin, bounded
from infra.modelling.nodes import computes, makes, placed
from infra.modelling.scopes import NOTHING, Origins, Result, Scope
from infra.modelling.tracing import Opaque, Tracer, Untraceable
from infra.querying.gate import syntax_tree
from infra.querying.relations import fold
from infra.warehouse.attach import LAKE
from infra.warehouse.quoting import identifier

CODE_CHARS_MAX: Final = 200_000  # longer code is not followed: its table is opaque
PLAIN: Final = frozenset({"table", "view", "incremental", "snapshot", "ephemeral"})
UNKNOWN: Final = frozenset({"SHOW_REF", "COLUMN_DATA", "DELIM_GET", "BOUND_TABLE_REF"})
ADDING: Final = frozenset({"incremental", "snapshot"})


class Columns:
    """The columns of the relations of the warehouse, looked up once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._known: dict[tuple[str, str], tuple[str, ...] | None] = {}

    def __call__(self, schema: str, name: str) -> Sequence[str] | None:
        key = fold(schema), fold(name)
        if key not in self._known:
            self._known[key] = self._look(schema, name)
        return self._known[key]

    def forget(self, schema: str, name: str) -> None:
        """It was built anew."""
        self._known.pop((fold(schema), fold(name)), None)

    def _look(self, schema: str, name: str) -> tuple[str, ...] | None:
        relation = f"{LAKE}.{identifier(schema)}.{identifier(name)}"
        try:
            found = self._connection.execute(f"SELECT * FROM {relation} LIMIT 0")  # noqa: S608 - quoted
        except duckdb.Error:
            return None
        return tuple(str(column[0]) for column in found.description or ())


def of(
    node: Any,
    columns: Sequence[Column],
    connection: duckdb.DuckDBPyConnection,
    relations: Columns,
) -> Lineage:
    """The lineage of the table that a node of dbt's became."""
    kind = str(node.config.materialized or "")
    known = Lineage(
        schema=str(node.schema), table=str(node.alias or node.name), adds=kind in ADDING
    )
    names = [column.name for column in columns]
    hooks = list(node.config.pre_hook or ()) + list(node.config.post_hook or ())
    if node.resource_type == "seed" and not hooks:
        derived = tuple(Derived(column=name) for name in names)
        return _with(known, derived)
    code = str(getattr(node, "compiled_code", None) or "")
    followed = kind in PLAIN and not hooks and str(node.language) == "sql"
    if not followed or not 0 < len(code) <= CODE_CHARS_MAX:
        return _opaque(known, names)
    try:
        return _with(known, trace(code, names, connection, relations))
    except (Opaque, RecursionError):
        return _opaque(known, names)


def trace(
    code: str,
    names: Sequence[str],
    connection: duckdb.DuckDBPyConnection,
    relations: Columns,
) -> tuple[Derived, ...]:
    """What each of the columns that came out of a query may come from. Raises Opaque."""
    try:
        tree = syntax_tree(code.strip().rstrip(";"), connection)
    except (ports.WorkRefused, duckdb.Error):
        raise Opaque from None
    whole = _whole(tree, relations)
    try:
        result = Tracer(relations).query(tree, Scope(ctes={}))
    except (Untraceable, KeyError, TypeError, ValueError):
        # A shape that is not known: any column may come from anything that is read.
        return tuple(_derived(name, whole) for name in names)
    return tuple(_matched(result, names, whole))


def _matched(result: Result, names: Sequence[str], whole: Origins) -> Iterator[Derived]:
    """Columns by their place when all names fit, else by name; what is not found is anything."""
    fits = result.rest is None and len(result.columns) == len(names)
    pairs = zip(result.columns, names, strict=False)
    if fits and all(name is None or fold(name) == fold(there) for (name, _), there in pairs):
        for (_, origins), there in zip(result.columns, names, strict=True):
            yield _derived(there, origins)
        return
    for there in names:
        found = [o for name, o in result.columns if name is not None and fold(name) == fold(there)]
        rest = result.rest or NOTHING
        yield _derived(there, NOTHING.union(rest, *found) if found else whole)


def _whole(tree: Any, relations: Columns) -> Origins:
    """All tables that a query names anywhere. Raises Opaque for what is none."""
    ctes = {fold(name) for name in _ctes(tree)}
    found: set[Origin] = set()
    for node in _nodes(tree):
        kind = str(node.get("type"))  # of a constant, an object
        if kind in UNKNOWN or not _harmless(node):
            raise Opaque
        if kind != "BASE_TABLE":
            continue
        catalog, schema, name = (
            str(node.get(key) or "") for key in ("catalog_name", "schema_name", "table_name")
        )
        catalog, place = placed(catalog, schema)
        there = relations(place, name) if fold(catalog) == LAKE else None
        if there is not None:
            found.add(Origin(schema=place, table=name))
        elif schema or fold(name) not in ctes:
            raise Opaque
    return frozenset(found)


def _harmless(node: dict[str, Any]) -> bool:
    """Whether a function, if it is one, reads its arguments alone."""
    if node.get("type") == "TABLE_FUNCTION":
        return makes(node["function"])
    if node.get("class") in ("FUNCTION", "WINDOW"):
        return computes(node) or makes(node)
    return True


def _ctes(value: Any) -> Iterator[str]:
    for node in _nodes(value):
        for entry in (node.get("cte_map") or {}).get("map") or ():
            yield str(entry["key"])


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _derived(name: str, origins: Iterable[Origin]) -> Derived:
    return Derived(column=name, origins=tuple(sorted(origins)))


def _with(known: Lineage, columns: tuple[Derived, ...]) -> Lineage:
    return bounded(
        Lineage(schema=known.schema, table=known.table, columns=columns, adds=known.adds)
    )


def _opaque(known: Lineage, names: Iterable[str]) -> Lineage:
    return Lineage(
        schema=known.schema,
        table=known.table,
        columns=tuple(Derived(column=name) for name in names),
        opaque=True,
        adds=known.adds,
    )
