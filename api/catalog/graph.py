"""What comes from what: the whole graph, and what a change of one thing would reach."""

import functools
from collections.abc import Mapping
from typing import Final

import msgspec

from api.call import Call
from api.errors import Denied
from projections import catalog
from projections.catalog import NODES_KEPT_MAX, Graph, Node
from projections.engine import Reader

DEPTH_MAX: Final = 30  # of the tree of what depends on something; its counts go on


class LineageNode(msgspec.Struct, frozen=True, kw_only=True):
    """A model or table in the graph."""

    id: str
    name: str
    type: str
    schema: str
    materialization: str | None
    description: str
    depends_on: tuple[str, ...]
    depended_on_by: tuple[str, ...]
    test_count: int
    test_names: tuple[str, ...]
    has_description: bool
    columns_documented: int
    columns_total: int
    source_name: str | None


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """`target` reads `source`."""

    source: str
    target: str


class LineageGraph(msgspec.Struct, frozen=True, kw_only=True):
    """The whole graph: of LineageNode and Edge."""

    nodes: msgspec.Raw
    edges: msgspec.Raw


class Dependent(msgspec.Struct, frozen=True, kw_only=True):
    """Something, and what depends on it; each is unfolded where it is met first."""

    name: str
    type: str
    children: "list[Dependent]"
    total_downstream_count: int


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """What a change would reach."""

    model: str
    type: str
    direct_dependents: list[str]
    tree: Dependent
    total_downstream_count: int


class _Encoded(msgspec.Struct, frozen=True):
    """What changes with the catalogue alone, encoded once."""

    nodes: bytes
    edges: bytes


async def known(call: Call) -> Graph:
    """The whole graph; when it has to be made anew, that is done beside the event loop."""
    return await call.kept(catalog.READ, catalog.build) or catalog.graph(call.views)


async def lineage(call: Call) -> LineageGraph:
    """Show the whole graph of sources, tables and models."""
    found = await call.kept(catalog.READ, _encoded) or _Encoded(b"[]", b"[]")
    return LineageGraph(nodes=msgspec.Raw(found.nodes), edges=msgspec.Raw(found.edges))


async def impact(call: Call, model_name: str) -> Impact:
    """Show what depends on a model or a table, however far."""
    reach = await call.kept(catalog.READ, catalog.reach) or {}
    known = catalog.graph(call.views)
    node = known.find(model_name)
    if node is None:
        raise Denied(404, f"Model '{model_name[:200]}' not found in the catalogue.")
    return Impact(
        model=node.name,
        type=node.kind,
        direct_dependents=[known.nodes[each].name for each in node.depended_on_by],
        tree=_tree(known, reach, node.id, {node.id}, DEPTH_MAX),
        total_downstream_count=reach[node.id],
    )


def _tree(
    known: Graph, reach: Mapping[str, int], node_id: str, met: set[str], depth: int
) -> Dependent:
    node = known.nodes[node_id]
    new = [each for each in node.depended_on_by if each not in met]
    met.update(new)
    below = new if depth else []
    return Dependent(
        name=node.name,
        type=node.kind,
        children=[_tree(known, reach, each, met, depth - 1) for each in below],
        total_downstream_count=reach[node_id],
    )


def _encoded(reader: Reader) -> _Encoded:
    known = catalog.graph(reader).nodes.values()
    read = (edge for node in known if (edge := _edges(node)))
    return _Encoded(b"[%b]" % b",".join(map(_node, known)), b"[%b]" % b",".join(read))


@functools.lru_cache(maxsize=NODES_KEPT_MAX)
def _node(node: Node) -> bytes:
    entry = LineageNode(
        id=node.id,
        name=node.name,
        type=node.kind,
        schema=node.schema,
        materialization=node.materialization,
        description=node.description,
        depends_on=node.depends_on,
        depended_on_by=node.depended_on_by,
        test_count=len(node.test_names),
        test_names=node.test_names,
        has_description=bool(node.description),
        columns_documented=node.documented,
        columns_total=len(node.columns),
        source_name=node.source,
    )
    return msgspec.json.encode(entry)


@functools.lru_cache(maxsize=NODES_KEPT_MAX)
def _edges(node: Node) -> bytes:
    """What it reads, as it stands in the list of all edges."""
    read = (Edge(source=parent, target=node.id) for parent in node.depends_on)
    return b",".join(map(msgspec.json.encode, read))
