"""All models and tables of sources, with an overview of how fresh they are."""

import functools
from collections import Counter
from datetime import datetime
from typing import Any, Final

import msgspec

from api.call import Call
from api.models import PASSING, WARNING
from projections import catalog, models, sources
from projections.catalog import NODES_KEPT_MAX, Node
from projections.engine import Reader

SECONDS_PER_HOUR: Final = 3600


class CatalogModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model in the list."""

    unique_id: str
    name: str
    type: str
    schema: str
    materialization: str | None
    description: str
    test_count: int
    tests_passing: int
    tests_warning: int
    tests_failing: int
    columns_total: int
    columns_documented: int
    tags: tuple[str, ...]
    last_run: datetime | None
    status: str | None
    row_count: int | None


class CatalogSource(msgspec.Struct, frozen=True, kw_only=True):
    """A table of a source in the list."""

    unique_id: str
    name: str
    type: str
    schema: str
    description: str
    source_name: str | None
    test_count: int
    tests_passing: int
    tests_warning: int
    tests_failing: int
    columns_total: int
    columns_documented: int
    row_count: int | None


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """How fresh a source is."""

    source: str
    status: str
    hours_since_sync: float | None


class SourceTotals(msgspec.Struct, frozen=True, kw_only=True):
    """How much a source has."""

    name: str
    table_count: int
    estimated_row_total: int
    freshness_status: str


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is."""

    source_count: int
    table_count: int
    model_count: int
    freshness: list[Freshness]
    sources_detail: list[SourceTotals]


class CatalogList(msgspec.Struct, frozen=True, kw_only=True):
    """All models and tables; `models` are CatalogModel, `sources` CatalogSource."""

    models: msgspec.Raw
    sources: msgspec.Raw
    overview: Overview


class _Lists(msgspec.Struct, frozen=True):
    """What changes with the catalogue alone, encoded once."""

    models: bytes
    sources: bytes
    model_count: int


async def list_models(call: Call) -> CatalogList:
    """List models and tables of sources, with an overview."""
    lists = await call.kept(catalog.READ, _lists) or _Lists(b"[]", b"[]", 0)
    return CatalogList(
        models=msgspec.Raw(lists.models),
        sources=msgspec.Raw(lists.sources),
        overview=overview(call.views, lists.model_count),
    )


def overview(reader: Reader, model_count: int) -> Overview:
    """How much there is, and how fresh; ages count against the reader's time."""
    known = sources.every(reader)
    return Overview(
        source_count=len(known),
        table_count=sum(len(health.tables) for health in known),
        model_count=model_count,
        freshness=[freshness(health, reader) for health in known],
        sources_detail=[
            SourceTotals(
                name=health.config.name,
                table_count=len(health.tables),
                estimated_row_total=health.row_count or 0,
                freshness_status=health.status,
            )
            for health in known
        ],
    )


def freshness(health: sources.SourceHealth, reader: Reader) -> Freshness:
    """How fresh a source is."""
    age = None if health.synced_at is None else reader.now - health.synced_at
    return Freshness(
        source=health.config.name,
        status=health.status,
        hours_since_sync=None
        if age is None
        else round(max(age.total_seconds(), 0) / SECONDS_PER_HOUR, 2),
    )


def _lists(reader: Reader) -> _Lists:
    nodes = catalog.graph(reader).nodes.values()
    built = sorted((node for node in nodes if node.of_model), key=lambda node: node.name)
    return _Lists(
        models=b"[%b]" % b",".join(map(_model, built)),
        sources=b"[%b]" % b",".join(_source(n) for n in nodes if n.kind == catalog.SOURCE),
        model_count=len(built),
    )


@functools.lru_cache(maxsize=NODES_KEPT_MAX)
def _model(node: Node) -> bytes:
    entry = CatalogModel(
        **_shared(node),
        materialization=node.materialization,
        tags=node.tags,
        last_run=node.last_run,
        status=node.status,
    )
    return msgspec.json.encode(entry)


@functools.lru_cache(maxsize=NODES_KEPT_MAX)
def _source(node: Node) -> bytes:
    return msgspec.json.encode(CatalogSource(**_shared(node), source_name=node.source))


def _shared(node: Node) -> dict[str, Any]:
    """What a model and a table of a source both show."""
    passing, warning, failing = _outcomes(node)
    return {
        "unique_id": node.id,
        "name": node.name,
        "type": node.layer,
        "schema": node.schema,
        "description": node.description,
        "test_count": len(node.test_names),
        "tests_passing": passing,
        "tests_warning": warning,
        "tests_failing": failing,
        "columns_total": len(node.columns),
        "columns_documented": node.documented,
        "row_count": node.row_count,
    }


def _outcomes(node: Node) -> tuple[int, int, int]:
    """Tests that passed, that warn, that fail."""
    found = Counter(test.status for test in node.tests)
    return (
        sum(found[status] for status in PASSING),
        sum(found[status] for status in WARNING),
        sum(found[status] for status in models.FAILING),
    )
