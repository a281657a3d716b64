"""The catalogue for programs that talk: everything in one answer, as long as they can take it.

A token is taken for four characters, which is what models of language make of JSON at the least.
What does not fit is left out in steps: first the types and descriptions, then the columns, at last
the models and tables at the end of the lists.
"""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from api.call import Call
from api.catalog.lists import freshness
from api.errors import invalid
from api.models import PASSING
from projections import catalog, drift, models, pii, profiles, sources
from projections.catalog import NODES_KEPT_MAX, Node
from projections.engine import Reader

PERMISSION: Final = "governance.view"  # of those who see tests, drift, personal data, profiles
CHARS_PER_TOKEN: Final = 4
TOKENS_MIN: Final = 500
TOKENS_MAX: Final = 10_000_000
FRAME_CHARS: Final = 800  # that everything but the lists takes
DETAILS: Final = ("full", "names", "tables")
NONE: Final = msgspec.Raw(b"[]")
READ: Final = tuple(dict.fromkeys((*catalog.READ, *pii.READ, "profiles")))
ABOUT: Final = (
    "Summary of the data catalogue: sources with their tables, how fresh they are, and the models"
    " that are built from them. Query tables as schema.name."
)


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is, whatever was left out."""

    source_count: int
    table_count: int
    model_count: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The catalogue; `detail` is full, names (of columns) or tables, `omitted` what was cut off."""

    description: str
    generated_at: datetime
    sources: msgspec.Raw
    dbt_models: msgspec.Raw
    totals: Totals
    detail: str
    omitted: int


class _Parts(msgspec.Struct, frozen=True):
    """The entries, encoded one by one."""

    sources: Sequence[bytes]
    models: Sequence[bytes]

    @property
    def chars(self) -> int:
        return sum(len(each) + 1 for each in (*self.sources, *self.models))


async def summary(call: Call, max_tokens: int | None = None) -> Summary:
    """Summarize sources, tables, models and their quality, within a number of tokens."""
    if max_tokens is not None and not TOKENS_MIN <= max_tokens <= TOKENS_MAX:
        raise invalid("max_tokens", f"must be from {TOKENS_MIN} to {TOKENS_MAX}")
    governed = call.caller.may(PERMISSION)
    chars_max = None if max_tokens is None else max_tokens * CHARS_PER_TOKEN - FRAME_CHARS
    detail, parts = DETAILS[0], await _parts(call, governed, DETAILS[0])
    for coarser in DETAILS[1:]:
        if chars_max is None or parts.chars <= chars_max:
            break
        detail, parts = coarser, await _parts(call, governed, coarser)
    there = len(parts.sources) + len(parts.models)
    if chars_max is not None and parts.chars > chars_max:
        parts = _cut(parts, chars_max)
    nodes = catalog.graph(call.views).nodes.values()
    return Summary(
        description=ABOUT,
        generated_at=call.views.now,
        sources=_list(parts.sources),
        dbt_models=_list(parts.models),
        totals=Totals(
            source_count=len(sources.every(call.views)),
            table_count=sum(node.kind == catalog.SOURCE for node in nodes),
            model_count=sum(node.of_model for node in nodes),
        ),
        detail=detail,
        omitted=there - len(parts.sources) - len(parts.models),
    )


async def _parts(call: Call, governed: bool, detail: str) -> _Parts:  # noqa: FBT001 - a key
    told = await call.kept(READ, _models, governed, detail) or ()
    tables = await call.kept(READ, _tables, governed, detail) or {}
    return _Parts(_sources(call.views, governed, tables), told)


def _cut(parts: _Parts, chars_max: int) -> _Parts:
    """The first entries, those of sources before those of models."""
    left, kept = chars_max, []
    for some in (parts.sources, parts.models):
        taken = []
        for each in some:
            left -= len(each) + 1
            if left < 0:
                break
            taken.append(each)
        kept.append(taken)
    return _Parts(*kept)


def _list(entries: Sequence[bytes]) -> msgspec.Raw:
    return msgspec.Raw(b"[" + b",".join(entries) + b"]")


def _sources(
    reader: Reader,
    governed: bool,  # noqa: FBT001 - a key of the answer
    tables: Mapping[str, msgspec.Raw],
) -> list[bytes]:
    found = []
    masked = pii.masked_tables(reader) if governed else {}
    drifts = drift.counts(reader) if governed else {}
    for health in sources.every(reader):
        age = freshness(health, reader)
        entry: dict[str, Any] = {
            "name": health.config.name,
            "type": health.config.type,
            "enabled": health.config.enabled,
            "status": health.status,
            "last_sync_time": health.synced_at,
            "row_count": health.row_count,
            "freshness": {
                "status": age.status,
                "hours_since_sync": age.hours_since_sync,
                "last_sync_status": health.last_status,
            },
            "tables": tables.get(health.config.name, NONE),
        }
        if governed:
            entry["quality"] = {
                "drift_event_count": drifts.get(health.config.name, 0),
                "pii_column_count": sum(
                    len(masked.get((table.schema, table.name), ())) for table in health.tables
                ),
            }
        found.append(msgspec.json.encode(entry))
    return found


def _tables(
    reader: Reader,
    governed: bool,  # noqa: FBT001 - a key of the answer
    detail: str,
) -> Mapping[str, msgspec.Raw]:
    """The tables of each source, which change less often than how old they are."""
    masked = pii.masked_tables(reader) if governed else {}
    profiled = profiles.every(reader) if detail == DETAILS[0] else {}
    return {
        health.config.name: _list(
            [
                _table(
                    health,
                    number,
                    masked.get((table.schema, table.name), frozenset()),
                    profiled.get((table.schema, table.name)),
                    detail,
                )
                for number, table in enumerate(health.tables)
            ]
        )
        for health in sources.every(reader)
    }


@functools.lru_cache(maxsize=NODES_KEPT_MAX)
def _table(
    health: sources.SourceHealth,
    number: int,
    masked: frozenset[str],
    profiled_at: datetime | None,
    detail: str,
) -> bytes:
    table = health.tables[number]
    entry: dict[str, Any] = {
        "name": table.name,
        "source": health.config.name,
        "schema_name": table.schema,
        "row_count": table.row_count,
    }
    if profiled_at is not None:
        entry["profiled_at"] = profiled_at
    if detail != DETAILS[2]:
        entry["columns"] = [_column(each, masked, detail) for each in table.columns]
    return msgspec.json.encode(entry)


def _column(column: Any, masked: frozenset[str], detail: str) -> dict[str, Any] | str:
    if detail != DETAILS[0]:
        return str(column.name)
    entry = {"name": column.name, "type": column.type, "nullable": True}
    return {**entry, "pii": True} if column.name in masked else entry


def _models(reader: Reader, governed: bool, detail: str) -> list[bytes]:  # noqa: FBT001 - a key
    masked = pii.masked_tables(reader) if governed else {}
    nodes = catalog.graph(reader).nodes.values()
    found = (node for node in nodes if node.of_model)
    return [
        _model(node, masked.get((node.schema, node.relation), frozenset()), governed, detail)
        for node in sorted(found, key=lambda node: node.name)
    ]


@functools.lru_cache(maxsize=NODES_KEPT_MAX)
def _model(
    node: Node,
    masked: frozenset[str],
    governed: bool,  # noqa: FBT001 - a key of the answer
    detail: str,
) -> bytes:
    entry: dict[str, Any] = {
        "name": node.name,
        "schema_name": node.schema,
        "row_count": node.row_count,
        "last_run": node.last_run,
        "status": node.status,
    }
    if detail == DETAILS[0]:
        entry |= {
            "unique_id": node.id,
            "path": node.path,
            "materialization": node.materialization,
            "description": node.description,
            "depends_on": node.depends_on,
            "tags": node.tags,
        }
    if detail == DETAILS[0]:
        entry["columns"] = {each.name: each.type for each in node.columns}
    elif detail == DETAILS[1]:
        entry["columns"] = [each.name for each in node.columns]
    if governed and detail == DETAILS[0]:
        entry["pii_columns"] = [c.name for c in node.columns if c.name in masked]
        outcomes = Counter(test.status for test in node.tests)
        entry["tests"] = {
            "total": len(node.test_names),
            "passing": sum(outcomes[each] for each in PASSING),
            "failing": sum(outcomes[each] for each in models.FAILING),
        }
    return msgspec.json.encode(entry)
