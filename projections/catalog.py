"""Everything that is known, as one graph: tables of sources, models, what reads what."""

import functools
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec

from domain.datasets import Column
from domain.model_runs import TestResult
from projections import models, sources
from projections.engine import Reader

SOURCE: Final = "source"
EXPOSURE: Final = "exposure"
PROJECT: Final = "dango"  # in ids of tables that no model reads, as long as there are no models
NODES_KEPT_MAX: Final = 10_000  # as they were made last, of each kind
LAYERS: Final = frozenset({"staging", "intermediate", "marts"})
READ: Final = (
    *models.READ,
    *models.READ_EXPOSURES,
    *models.READ_DESCRIBED,
    *sources.READ,
)


class Node(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A model, a table of a source, or what reads models outside. Ids are dbt's own.

    As long as nothing of it changes it is the same object: what is made of it is known by it.
    """

    id: str
    name: str
    kind: str  # model, seed, snapshot, source, exposure
    layer: str  # staging, intermediate, marts; else the kind
    schema: str
    relation: str
    source: str | None  # whose table it is
    materialization: str | None = None  # of an exposure, what it is: dashboard, notebook
    path: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    depended_on_by: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    descriptions: dict[str, str] = {}  # of columns
    test_names: tuple[str, ...] = ()
    tests: tuple[TestResult, ...] = ()
    row_count: int | None = None
    last_run: datetime | None = None
    status: str | None = None

    @property
    def of_model(self) -> bool:
        """Whether it is built here, by a model, a seed or a snapshot."""
        return self.kind not in (SOURCE, EXPOSURE)

    @property
    def documented(self) -> int:
        """How many of its columns have a description."""
        return sum(bool(text) for text in self.descriptions.values())


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """All nodes, by id, sources first; and by name, where models go before tables."""

    nodes: dict[str, Node]
    names: dict[str, str]

    def find(self, name: str) -> Node | None:
        """A node by its name, by source.table or schema.table, or by its id."""
        found = self.names.get(name) or (name if name in self.nodes else None)
        return None if found is None else self.nodes[found]


def graph(reader: Reader) -> Graph:
    """The whole graph."""
    return reader.kept(READ, build) or Graph(nodes={}, names={})


def reach(reader: Reader) -> Mapping[str, int]:
    """How many others depend on each node, however far.

    Sets of nodes are bits of a number, so that a thousand of them are put together fast.
    """
    nodes = graph(reader).nodes
    bits = {node_id: 1 << number for number, node_id in enumerate(nodes)}
    below: dict[str, int] = {}
    waiting = list(nodes)
    begun: set[str] = set()
    while waiting:
        node_id = waiting[-1]
        after = nodes[node_id].depended_on_by
        if node_id not in begun:
            begun.add(node_id)
            waiting += (each for each in after if each not in begun)
            continue
        waiting.pop()
        if node_id not in below:
            found = 0
            for each in after:
                found |= bits[each] | below.get(each, 0)
            below[node_id] = found
    return {node_id: found.bit_count() for node_id, found in below.items()}


def build(reader: Reader) -> Graph:
    """The graph, made of what is new and of the nodes that stand as they stood."""
    states = models.every(reader)
    tested = models.tested(reader)
    exposures = models.exposures(reader)
    read = {parent for state in states for parent in state.config.depends_on}
    read |= {parent for each in exposures for parent in each.depends_on}
    project = next((_project(state.config.unique_id) for state in states), PROJECT)
    told = {each.unique_id: each for each in models.described(reader)}
    tables = _tables(reader, tested, read | told.keys(), project)
    nodes = {node.id: node for node in tables}
    for missing in sorted(read - nodes.keys()):
        if missing.startswith(f"{SOURCE}."):
            nodes[missing] = _elsewhere(missing, told.get(missing))
    nodes |= {each.unique_id: _exposure(each) for each in exposures}
    for state in states:
        nodes[state.config.unique_id] = _model(state)
    children: dict[str, list[str]] = {}
    for node in nodes.values():
        for parent in node.depends_on:
            children.setdefault(parent, []).append(node.id)
    linked = {
        key: _linked(
            node,
            tuple([parent for parent in node.depends_on if parent in nodes]),
            tuple(sorted(children.get(key, ()))),
        )
        for key, node in nodes.items()
    }
    return Graph(nodes=linked, names=_names(linked.values()))


@functools.lru_cache(maxsize=NODES_KEPT_MAX)
def _linked(node: Node, depends_on: tuple[str, ...], depended_on_by: tuple[str, ...]) -> Node:
    return msgspec.structs.replace(node, depends_on=depends_on, depended_on_by=depended_on_by)


def _names(nodes: Iterable[Node]) -> dict[str, str]:
    """Models come last, so that their names are theirs."""
    found: dict[str, str] = {}
    for node in nodes:
        if node.kind != EXPOSURE:
            found[f"{node.schema}.{node.relation}"] = node.id
        if node.source is not None:
            found[f"{node.source}.{node.name}"] = node.id
        found[node.name] = node.id
    return found


def _tables(
    reader: Reader,
    tested: Mapping[str, tuple[TestResult, ...]],
    read: set[str],
    project: str,
) -> Iterator[Node]:
    known = {tuple(each.casefold().split(".")[2:]): each for each in sorted(read)}
    described = models.described_places(reader)
    for health in sources.every(reader):
        name = health.config.name
        for number, table in enumerate(health.tables):
            key = name.casefold(), *table.name.casefold().split(".")
            tests = tested.get(f"{name}.{table.name}", ())
            told = described.get((table.schema.casefold(), table.name.casefold()))
            unique_id = known.get(key) or f"{SOURCE}.{project}.{name}.{table.name}"
            yield _table(health, number, unique_id, told, tests)


@functools.lru_cache(maxsize=NODES_KEPT_MAX)
def _table(
    health: sources.SourceHealth,
    number: int,
    unique_id: str,
    told: models.SourceTable | None,
    tests: tuple[TestResult, ...],
) -> Node:
    table = health.tables[number]
    return Node(
        id=unique_id,
        name=table.name,
        kind=SOURCE,
        layer=SOURCE,
        schema=table.schema,
        relation=table.name,
        source=health.config.name,
        description=(told.description if told else "") or health.config.description,
        tags=told.labels if told else (),
        columns=table.columns,
        descriptions=models.of_columns(told, table.columns),
        test_names=tuple(test.test for test in tests),
        tests=tests,
        row_count=table.row_count,
        last_run=health.synced_at,
        status=health.status,
    )


@functools.lru_cache(maxsize=NODES_KEPT_MAX)
def _elsewhere(unique_id: str, told: models.SourceTable | None) -> Node:
    """A table that the dbt project names and no source of the platform has filled."""
    *_, source, table = ("", "", *unique_id.split("."))
    return Node(
        id=unique_id,
        name=table,
        kind=SOURCE,
        layer=SOURCE,
        schema="",
        relation=table,
        source=source,
        description=told.description if told else "",
        tags=told.labels if told else (),
        columns=tuple(Column(name=c.name, type=c.data_type or "") for c in told.columns)
        if told
        else (),
        descriptions={each.name: each.description for each in told.columns} if told else {},
    )


@functools.lru_cache(maxsize=NODES_KEPT_MAX)
def _exposure(told: models.Exposure) -> Node:
    return Node(
        id=told.unique_id,
        name=told.name,
        kind=EXPOSURE,
        layer=EXPOSURE,
        schema="",
        relation="",
        source=None,
        materialization=told.type or None,
        path=told.path,
        description=": ".join(text for text in (told.label, told.description) if text),
        tags=told.labels,
        depends_on=told.depends_on,
    )


@functools.lru_cache(maxsize=NODES_KEPT_MAX)
def _model(state: models.ModelState) -> Node:
    config = state.config
    planned = tuple(Column(name=each.name, type=each.data_type or "") for each in config.columns)
    return Node(
        id=config.unique_id,
        name=config.name,
        kind=config.kind,
        layer=config.layer if config.layer in LAYERS else config.kind,
        schema=config.schema,
        relation=config.relation,
        source=None,
        materialization=config.materialization,
        path=config.path,
        description=config.description,
        tags=config.labels,
        depends_on=config.depends_on,
        columns=state.columns or planned,
        descriptions={each.name: each.description for each in config.columns if each.description},
        test_names=config.tests,
        tests=state.tests,
        row_count=state.rows,
        last_run=state.at,
        status=state.status,
    )


def _project(unique_id: str) -> str:
    parts = unique_id.split(".")
    return parts[1] if len(parts) > 2 else PROJECT  # noqa: PLR2004 - kind, project, name
