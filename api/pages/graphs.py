"""The pictures of lineage: which models and tables stand in them, and where each one leads.

Of a picture, `?at=<name>` marks what is up- and downstream of a node, and `?zoom=` tells how large
it is; static/lineage.js does the same without asking anew.
"""

import functools
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from api.call import Call
from api.errors import Denied, invalid
from api.pages import lineage, words
from projections import models, sources
from projections.engine import Reader

NODES_MAX: Final = 400
READ: Final = (*models.READ, *sources.READ)
SOURCE: Final = "source."  # how dbt's ids of what is not built begin
ZOOMS: Final = (25, 35, 50, 70, 100, 140, 200, 300)  # percent; what the links offer
ZOOM: Final = 100
WHOLE: Final = "whole"  # as large as fits, and no larger than drawn
WHOLE_HEIGHT: Final = 430  # pixels; below it a picture scrolls
NAME_CHARS_SAID: Final = 100
PATHS_KEPT_MAX: Final = 4_096
LAYOUTS_KEPT_MAX: Final = 16


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A graph, as somebody looks at it."""

    graph: lineage.Graph
    zoom: str
    width: str  # of the element, as `height`
    height: str
    at: str  # whose surroundings are marked; empty for nobody's
    place: int | None  # of that node
    sides: list[str]  # of each node: upstream, downstream, or nothing
    on: list[bool]  # of each curve: whether it leads to that node or from it
    whole: int  # pixels that the whole may be high
    said: str
    where: str  # the page, without a query
    keep: list[tuple[str, str]]  # of the query, what marking another node leaves
    steps: list[tuple[str, str, str]]  # links that zoom: what it does, its sign, where it leads
    names: list[str]


def picture(call: Call, graph: lineage.Graph, where: str) -> Picture:
    """A graph of the page `where`, as its query asks to see it. Raises Denied."""
    query = call.request.query_params
    at, zoom = query.get("at", ""), _zoom(query.get("zoom", str(ZOOM)))
    kept = [(name, query[name]) for name in ("show",) if name in query]
    place = _place(graph, at) if at else None
    up, down = set[int](), set[int]()
    ends = [(curve.start, curve.end) for curve in graph.curves]
    if place is not None:
        up, down = lineage.sides(ends, place)
    width, height = _size(graph, zoom)
    marked = [*kept, ("at", at)] if at else kept
    return Picture(
        graph=graph,
        zoom=zoom,
        width=width,
        height=height,
        at=at,
        place=place,
        sides=[
            "downstream" if each in down else "upstream" if each in up else ""
            for each in range(len(graph.nodes))
        ],
        on=[
            (a in up and b in up | {place}) or (a in down | {place} and b in down) for a, b in ends
        ],
        whole=WHOLE_HEIGHT,
        said="" if place is None else f"{at}: {len(up)} upstream, {len(down)} downstream.",
        where=where,
        keep=[*kept, ("zoom", zoom)],
        steps=[
            (name, sign, f"{where}?{urlencode([*marked, ('zoom', value)])}#lineage")
            for name, sign, value in _steps(zoom)
        ],
        names=sorted({each.node.label for each in graph.nodes}),
    )


def _zoom(text: str) -> str:
    """Percent, or `whole`. Raises Denied."""
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(ZOOMS[-1]))
    if text != WHOLE and not (digits and ZOOMS[0] <= int(text) <= ZOOMS[-1]):
        raise invalid("zoom", f"is neither '{WHOLE}' nor a number from {ZOOMS[0]} to {ZOOMS[-1]}")
    return text if text == WHOLE else str(int(text))


def _place(graph: lineage.Graph, name: str) -> int:
    for place, each in enumerate(graph.nodes):
        if each.node.label == name:
            return place
    raise Denied(404, f"Nothing in this lineage is called '{name[:NAME_CHARS_SAID]}'.")


def _size(graph: lineage.Graph, zoom: str) -> tuple[str, str]:
    """Width and height of the picture's element: with `whole`, the browser fits it in."""
    if zoom == WHOLE:
        return "100%", str(min(graph.height, WHOLE_HEIGHT))
    return str(graph.width * int(zoom) // 100), str(graph.height * int(zoom) // 100)


def _steps(zoom: str) -> list[tuple[str, str, str]]:
    at = ZOOM if zoom == WHOLE else int(zoom)
    less = max((each for each in ZOOMS if each < at), default=ZOOMS[0])
    more = min((each for each in ZOOMS if each > at), default=ZOOMS[-1])
    return [("Smaller", "−", str(less)), ("Larger", "+", str(more)), ("Whole", "Whole", WHOLE)]  # noqa: RUF001 - the sign


@functools.lru_cache(maxsize=PATHS_KEPT_MAX)
def model_path(name: str) -> str:
    """The page of a model."""
    return f"/models/{quote(name, safe='')}"


def edges(reader: Reader) -> tuple[tuple[str, str], ...]:
    """What each model reads, by dbt's ids."""
    return reader.kept(models.READ, _read) or ()


def around(reader: Reader, focus: str) -> lineage.Graph:
    """The picture of one node with all that it is made of, and all that is made of it."""
    return _graph(reader, lineage.around(edges(reader), focus), focus)


def whole(reader: Reader) -> lineage.Graph:
    """The picture of all models."""
    built = {state.config.unique_id for state in models.every(reader)}
    return _graph(reader, built | {name for edge in edges(reader) for name in edge}, "")


def _read(reader: Reader) -> tuple[tuple[str, str], ...]:
    return tuple(
        (parent, state.config.unique_id)
        for state in models.every(reader)
        for parent in state.config.depends_on
    )


def _graph(reader: Reader, wanted: set[str], focus: str) -> lineage.Graph:
    """The picture of these nodes, or as many of them as one can look at."""
    known = reader.kept(READ, _nodes) or {}
    chosen = sorted(wanted, key=lambda name: (name != focus, name))[:NODES_MAX]
    nodes = [known[name] if name in known else _node(name, None, {}) for name in chosen]
    if focus in wanted:
        nodes[0] = msgspec.structs.replace(nodes[0], focus=True)
    return _laid_out(tuple(nodes), edges(reader))


def _nodes(reader: Reader) -> Mapping[str, lineage.Node]:
    """Every model and all that models read, by dbt's ids."""
    schemas = sources.schemas(reader)
    owners = {key.casefold(): name for key, name in schemas.items()}
    owners |= {name.casefold(): name for name in schemas.values()}  # as generated ones are called
    states = {state.config.unique_id: state for state in models.every(reader)}
    named = {*states, *(name for edge in edges(reader) for name in edge)}
    return {name: _node(name, states.get(name), owners) for name in named}


@functools.lru_cache(maxsize=LAYOUTS_KEPT_MAX)
def _laid_out(nodes: tuple[lineage.Node, ...], ends: tuple[tuple[str, str], ...]) -> lineage.Graph:
    """A picture is looked at again and again: open pages follow what happens."""
    return lineage.layout(nodes, ends)


def _node(name: str, state: models.ModelState | None, owners: Mapping[str, str]) -> lineage.Node:
    if state is None:
        schema = name.split(".")[-2] if name.startswith(SOURCE) else ""
        owner = owners.get(schema.casefold(), "")
        link = f"/sources/{quote(owner, safe='')}" if owner else ""
        return lineage.Node(
            id=name,
            label=short(name),
            said="source",
            path=link,
            shape="note",
        )
    return lineage.Node(
        id=name,
        label=state.config.name,
        said=state.config.layer or state.config.kind,
        shape=words.status_shape(state.status or ""),
        state=words.status_word(state.status or ""),
        path=model_path(state.config.name),
    )


def short(unique_id: str) -> str:
    """`model.shop.daily` -> `daily`, `source.shop.raw_orders.orders` -> `raw_orders.orders`."""
    kind, _, rest = unique_id.partition(".")
    return rest.partition(".")[2] if f"{kind}." == SOURCE else unique_id.rpartition(".")[2]
