"""What is asked of single nodes of the engine's syntax tree."""

from collections.abc import Iterable
from typing import Any, Final

from infra.querying import functions
from infra.querying.relations import SCHEMA_OF_BARE_NAMES, fold
from infra.warehouse.attach import LAKE

OWN_SCHEMAS: Final = (None, "", "main")  # where the engine's own functions are


def placed(catalog: str, schema: str) -> tuple[str, str]:
    """Where a name lies: catalogue and schema. One part before it may be the warehouse."""
    if not catalog and fold(schema) == LAKE:
        return LAKE, SCHEMA_OF_BARE_NAMES
    return catalog or LAKE, schema or SCHEMA_OF_BARE_NAMES


def computes(function: dict[str, Any]) -> bool:
    """Whether a function does nothing but compute a value from its arguments."""
    name = fold(function["function_name"])
    built_in = name in functions.SCALARS or name in functions.BUILT_INTO_THE_BINDER
    return built_in and function.get("schema") in OWN_SCHEMAS and not function.get("catalog")


def makes(function: dict[str, Any]) -> bool:
    """Whether a table function does nothing but make rows from its arguments."""
    own = not (function.get("schema") or function.get("catalog"))
    return own and fold(function["function_name"]) in functions.TABLE_FUNCTIONS


def spreads(node: dict[str, Any]) -> bool:
    """Whether one entry of a select list may become several columns."""
    if node.get("class") == "STAR":
        return True
    if node.get("class") == "FUNCTION" and fold(node["function_name"]) == "unnest":
        return True
    if node.get("class") == "SUBQUERY":
        return False
    return any(spreads(each) for each in _inside(node))


def _inside(value: Any) -> Iterable[dict[str, Any]]:
    if isinstance(value, dict):
        for each in value.values():
            if isinstance(each, dict):
                yield each
            elif isinstance(each, list):
                yield from (one for one in each if isinstance(one, dict))


def parameters(value: Any) -> Iterable[str]:
    """The parameters of a lambda."""
    if isinstance(value, list):
        for each in value:
            yield from parameters(each)
    elif isinstance(value, dict):
        if value.get("class") == "COLUMN_REF":
            yield from value["column_names"]
        yield from parameters(list(value.values()))
