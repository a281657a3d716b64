"""sources.yml: which sources there are. Unknown keys of a source are refused, as they always were.

Each type has a block of its own name. `csv` is known in full. Of the blocks of other types, which
an existing project may have, only the keys are told: any value may be a secret, and events stay.
"""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from domain.sources import Source
from infra.configuration.documents import Document

NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
MASK: Final = "****"
# Those of the existing product, so that its projects open as they are; csv can be synced today.
TYPES: Final = frozenset(
    [
        "airtable",
        "asana",
        "chess",
        "csv",
        "dlt_native",
        "facebook_ads",
        "filesystem",
        "freshdesk",
        "github",
        "google_ads",
        "google_analytics",
        "google_sheets",
        "hubspot",
        "inbox",
        "jira",
        "kafka",
        "kinesis",
        "local_files",
        "matomo",
        "mongodb",
        "mux",
        "mysql",
        "notion",
        "personio",
        "pipedrive",
        "postgres",
        "rest_api",
        "salesforce",
        "shopify",
        "slack",
        "sql_database",
        "strapi",
        "stripe",
        "workable",
        "zendesk",
    ]
)
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


class CsvBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`csv:` of a source: files below a directory of the project."""

    directory: str
    file_pattern: str = "*.csv"
    null_values: tuple[str, ...] = ("",)  # spellings of a missing value, e.g. "", NA
    notes: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What every source has."""

    name: str
    type: str
    enabled: bool = True
    description: str | None = None
    tags: tuple[str, ...] = ()
    schema: str | None = None


class _File(msgspec.Struct, frozen=True, kw_only=True):
    version: str = "1.0"
    sources: list[dict[str, Any]] | None = None


def read(path: Path, digest: Callable[[str, str], str]) -> tuple[Source, ...]:
    """All sources of the file. Raises Unreadable."""
    document = Document(path)
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
    if known.type not in TYPES:
        raise document.refused(f"{place}.type", "is not a type of source; csv is one")
    for key in entry:
        if key not in _OF_ALL and key != known.type:
            raise document.refused(f"{place}.{key}", f"is not a key of a {known.type} source")
    block = entry.get(known.type) or entry.get("generic_config") or {}
    if known.type == "csv":
        path = f"{place}.csv"
        csv = document.convert_at(block, CsvBlock, path)
        _inside(document, csv.directory, f"{path}.directory")
        _pattern(document, csv.file_pattern, f"{path}.file_pattern")
        block = options = msgspec.json.decode(msgspec.json.encode(csv))  # as events bring it back
    elif not isinstance(block, dict):
        raise document.refused(f"{place}.{known.type}", "is not a block of keys")
    else:
        block = _plain(block)
        options = dict.fromkeys(block, MASK)
    return Source(
        name=known.name,
        type=known.type,
        enabled=known.enabled,
        description=known.description or "",
        labels=known.tags,
        schema=known.schema or f"raw_{known.name}",
        table=known.name,
        options=options,
        fingerprint=digest("source", msgspec.json.encode(block, order="sorted").decode()),
    )


def _inside(document: Document, directory: str, path: str) -> None:
    parts = Path(directory).parts
    if Path(directory).is_absolute() or ".." in parts or "\0" in directory or not parts:
        raise document.refused(path, "must lie inside the project, as a relative path")


def _pattern(document: Document, pattern: str, path: str) -> None:
    if not pattern or "/" in pattern or "\0" in pattern:
        raise document.refused(path, "must be a pattern of file names, like *.csv")


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
