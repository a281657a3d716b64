"""Where everything in a lineage graph stands: layers by longest path, ordered to cross little.

Pure and deterministic: nodes and edges in, boxes and curves out. The method is Sugiyama's: a layer
for each node, then sweeps that put each node at the median of its neighbours.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from statistics import median
from typing import Final, TypeVar

import msgspec

BOX_W: Final = 176
BOX_H: Final = 40
GAP_X: Final = 64
GAP_Y: Final = 14
MARGIN: Final = 8
SWEEPS: Final = 4

Key = TypeVar("Key", bound=Hashable)


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One thing of the graph; `path` is its page, empty for what has none."""

    id: str
    label: str
    said: str = ""  # under the label
    shape: str = "none"  # the mark of its state
    state: str = ""  # in words
    path: str = ""
    focus: bool = False


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A node, and where its box begins."""

    node: Node
    x: int
    y: int


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """An edge: the places of its ends among the nodes, and the `d` of an SVG path."""

    start: int
    end: int
    path: str


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """A picture: boxes, and the curves between them."""

    width: int
    height: int
    nodes: list[Placed]
    curves: list[Curve]


def layout(nodes: Iterable[Node], edges: Iterable[tuple[str, str]]) -> Graph:
    """Place a graph; edges lead from what is read to what reads it. A cycle is cut anywhere."""
    known = {node.id: node for node in nodes}
    kept = sorted({(a, b) for a, b in edges if a in known and b in known and a != b})
    layers = _layers(known, kept)
    _order(layers, kept)
    tallest = max((len(layer) for layer in layers), default=0)
    height = tallest * (BOX_H + GAP_Y) - GAP_Y + 2 * MARGIN
    at: dict[str, tuple[int, int]] = {}
    for number, layer in enumerate(layers):
        free = (tallest - len(layer)) * (BOX_H + GAP_Y) // 2
        for place, name in enumerate(layer):
            x, y = number * (BOX_W + GAP_X), free + place * (BOX_H + GAP_Y)
            at[name] = (x + MARGIN, y + MARGIN)
    places = {name: place for place, name in enumerate(at)}
    return Graph(
        width=max(1, len(layers)) * (BOX_W + GAP_X) - GAP_X + 2 * MARGIN,
        height=max(height, BOX_H + 2 * MARGIN),
        nodes=[Placed(node=known[name], x=x, y=y) for name, (x, y) in at.items()],
        curves=[Curve(start=places[a], end=places[b], path=_curve(at[a], at[b])) for a, b in kept],
    )


def around(edges: Collection[tuple[Key, Key]], focus: Key) -> set[Key]:
    """A node with all that it is made of, and all that is made of it."""
    up, down = sides(edges, focus)
    return up | down | {focus}


def sides(edges: Collection[tuple[Key, Key]], focus: Key) -> tuple[set[Key], set[Key]]:
    """All that a node is made of, and all that is made of it."""
    up: dict[Key, list[Key]] = {}
    down: dict[Key, list[Key]] = {}
    for a, b in edges:
        up.setdefault(b, []).append(a)
        down.setdefault(a, []).append(b)
    return _reached(up, focus) - {focus}, _reached(down, focus) - {focus}


def _reached(ways: Mapping[Key, Sequence[Key]], start: Key) -> set[Key]:
    found, waiting = {start}, [start]
    while waiting:
        for each in ways.get(waiting.pop(), ()):
            if each not in found:
                found.add(each)
                waiting.append(each)
    return found


def _layers(known: Mapping[str, Node], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Each node as far right as its longest way from a node that reads nothing."""
    parents: dict[str, list[str]] = {}
    for a, b in edges:
        parents.setdefault(b, []).append(a)
    depth: dict[str, int] = {}
    left = sorted(known)
    while left:
        ready = [name for name in left if all(p in depth for p in parents.get(name, ()))]
        for name in ready or left[:1]:  # in a cycle, what is first by name goes on
            depth[name] = 1 + max((depth.get(p, -1) for p in parents.get(name, ())), default=-1)
        left = [name for name in left if name not in depth]
    found: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in sorted(known, key=lambda name: (known[name].label, name)):
        found[depth[name]].append(name)
    return [layer for layer in found if layer]


def _order(layers: list[list[str]], edges: Sequence[tuple[str, str]]) -> None:
    """Sweep to and fro; each node goes where the middle one of its neighbours is."""
    near: dict[str, list[str]] = {}
    for a, b in edges:
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    place = {name: number for layer in layers for number, name in enumerate(layer)}
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            keys = {
                name: median([place[each] for each in near[name]]) if name in near else place[name]
                for name in layer
            }
            layer.sort(key=keys.__getitem__)
            place.update({name: number for number, name in enumerate(layer)})


def _curve(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1 = start[0] + BOX_W, start[1] + BOX_H // 2
    x2, y2 = end[0], end[1] + BOX_H // 2
    middle = (x1 + x2) // 2
    return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"
