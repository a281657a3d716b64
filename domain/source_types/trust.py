"""What of a source only those may write who may be trusted with the server itself.

Whoever writes a source chooses where the server goes and what it sends there. Three things go
beyond a source's own data: code that the server runs, hosts of the server's own network, and the
values of secrets, which none but config.manage may set or see.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from domain.source_types.secret import references

PERMISSION: Final = "config.manage"
_CODE: Final = frozenset({"dlt_native"})
_DATABASES: Final = frozenset({"mysql", "postgres", "sql_database"})
# What of a block decides neither where a secret goes, nor in which place it is sent.
_HARMLESS: Final = frozenset(
    {
        "columns", "deduplication", "end_date", "file_glob", "format", "lookback_days",
        "max_reject_ratio", "notes", "null_values", "primary_key", "sheet", "start_date", "tables",
        "write",
    }
)  # fmt: skip


def demands(
    type_name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> str | None:
    """Why this block may not be written by everybody, None when it may; no `before`: it is new.

    Both are whole blocks: with the keys that their type takes by itself.
    """
    if type_name in _CODE:
        return "a source of this type runs code in the server's environment"
    old: Mapping[str, Any] = {} if before is None else before
    if after == old:
        return None
    if after.get("allow_private_hosts"):
        return "allow_private_hosts lets a source reach the server's own network"
    if type_name in _DATABASES and after.get("credentials") != old.get("credentials"):
        return "a database may lie in the server's own network"
    if references(after) - references(old):
        return "the source would be given a secret that it does not have yet"
    if references(after) and any(_leads_elsewhere(key, after) for key in _changed(old, after)):
        return "the source's secrets could be sent to somebody else by this change"
    return None


def secret_given(before: Any, after: Any) -> str | None:
    """Why this value, of what is no source, may not be written by everybody, None when it may.

    Where a secret is sent, and to which script it is told, is as good as its value.
    """
    if after == before or not references(after):
        return None
    return "it would be given the value of a secret"


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    return (key for key in {*old, *new} - _HARMLESS if old.get(key) != new.get(key))


def _leads_elsewhere(key: str, block: Mapping[str, Any]) -> bool:
    """Endpoints may change that are paths of the same host, and take no secret along."""
    value = block.get(key)
    return key != "endpoints" or bool(references(value)) or any("//" in s for s in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value.replace("\\", "/")
    elif isinstance(value, Mapping):
        yield from _texts([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
