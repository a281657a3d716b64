"""sources.yml: which sources there are. Unknown keys of a source are refused, as they always were.

Each type has a block of its own name, as domain/source_types/table.py has it. Of the blocks of
types without a row there, which an existing project may have, only the keys are told: any value may
be a secret, and events stay.
"""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from domain.source_types.secret import MASK, masked
from domain.source_types.table import LATER, TYPES, OptionInvalid, options
from domain.sources import SCHEMAS_RESERVED, Source
from infra.configuration.documents import Document

NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
LOOKBACK_DAYS_MAX: Final = 36_500
_OF_ALL: Final = frozenset(
    {
        "name",
        "type",
        "enabled",
        "description",
        "tags",
        "schema",
        "lookback_days",
        "empty_sync_policy",
        "generic_config",
    }
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What every source has."""

    name: str
    type: str
    enabled: bool = True
    description: str | None = None
    tags: tuple[str, ...] = ()
    schema: str | None = None
    lookback_days: Annotated[int, msgspec.Meta(ge=0, le=LOOKBACK_DAYS_MAX)] | None = None
    empty_sync_policy: str = "block"  # or "allow": an input without rows may empty the table


class _File(msgspec.Struct, frozen=True, kw_only=True):
    version: str = "1.0"
    sources: list[dict[str, Any]] | None = None


def read(
    path: Path, digest: Callable[[str, str], str], data: bytes | None = None
) -> tuple[Source, ...]:
    """All sources of the file, or of this `data` in its place. Raises Unreadable."""
    document = Document(path, data)
    entries = document.convert(_File).sources or []
    found: dict[str, Source] = {}
    for number, entry in enumerate(entries):
        place = f".sources[{number}]"
        source = _source(document, entry, place, digest)
        if source.name.casefold() in {name.casefold() for name in found}:
            raise document.refused(f"{place}.name", "another source has this name")
        found[source.name] = source
    return tuple(found.values())


def _source(
    document: Document, entry: dict[str, Any], place: str, digest: Callable[[str, str], str]
) -> Source:
    known = document.convert_at(entry, Entry, place)
    for path, name in ((f"{place}.name", known.name), (f"{place}.schema", known.schema)):
        if name is not None and not NAME.fullmatch(name):
            reason = "must be letters, digits and underscores, a letter first, at most 63"
            raise document.refused(path, reason)
    if known.schema is not None and known.schema.casefold() in SCHEMAS_RESERVED:
        raise document.refused(f"{place}.schema", "is a name that no source's schema may have")
    if known.type not in TYPES and known.type not in LATER:
        raise document.refused(f"{place}.type", "is not a type of source; csv is one")
    for key in entry:
        if key not in _OF_ALL and key != known.type:
            raise document.refused(f"{place}.{key}", f"is not a key of a {known.type} source")
    block, told = _block(document, entry, known.type, place)
    return Source(
        name=known.name,
        type=known.type,
        enabled=known.enabled,
        description=known.description or "",
        labels=known.tags,
        schema=known.schema or f"raw_{known.name}",
        table=known.name,
        options=told,
        lookback_days=known.lookback_days,
        allow_empty=known.empty_sync_policy == "allow",
        fingerprint=digest("source", msgspec.json.encode(block, order="sorted").decode()),
    )


def _block(
    document: Document, entry: dict[str, Any], type_name: str, place: str
) -> tuple[Any, dict[str, Any]]:
    """The block of a source, and what of it is told."""
    named = type_name if type_name in entry else "generic_config"
    block = entry.get(type_name) or entry.get("generic_config") or {}
    if type_name in TYPES:
        try:
            typed = options(type_name, block)
        except OptionInvalid as error:
            raise document.refused(f"{place}.{named}{error.path}", error.reason) from None
        return msgspec.to_builtins(typed), masked(typed)
    if not isinstance(block, dict):
        raise document.refused(f"{place}.{named}", "is not a block of keys")
    block = _plain(block)
    return block, dict.fromkeys(block, MASK)


def _plain(value: Any) -> Any:
    """As JSON gives it back: what the log returns must be what the file says."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(str(item) for item in value)  # its own order differs from start to start
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int) and abs(value) < 1 << 63:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return str(value)  # dates of YAML, numbers that JSON has no place for
