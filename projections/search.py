"""Finding models and tables by a word of their names, columns, tags or descriptions.

What is looked for may be spelled wrong: a word that is in no text is compared with those words that
share groups of three letters with it, by the number of errors that lie between them.
"""

import functools
import heapq
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from projections import catalog
from projections.catalog import NODES_KEPT_MAX, Node
from projections.engine import Reader

READ: Final = catalog.READ
RESULTS_MAX: Final = 50
WORDS_MAX: Final = 8  # of a query
WORD_CHARS_MAX: Final = 60
LETTERS_PER_ERROR: Final = 4  # one error is forgiven for each of so many letters
WORD_LISTS_KEPT_MAX: Final = 4  # with their groups of letters
COMPARED_MAX: Final = 200  # words that share most groups of letters with a wrong one
SIMILAR_MAX: Final = 5  # words that a wrong one may stand for
WEIGHTS: Final = {"name": 8.0, "column": 4.0, "tag": 4.0, "description": 2.0}
WHOLE: Final = 3.0  # how much more a whole word counts than a part of it
BEGINS: Final = 2.0  # and how much more its beginning
_WORD: Final = re.compile(r"[^\W_]+")


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, and where the word stands: name, column, tag, description."""

    node: Node
    kind: str
    column: str | None
    score: float


class Place(msgspec.Struct, frozen=True):
    """Where a word stands in a node."""

    kind: str
    text: str


Words = Mapping[str, Mapping[str, Place]]  # where each stands best in each node
Groups = Mapping[str, list[str]]  # which words have each group of letters


def find(reader: Reader, query: str, limit: int = RESULTS_MAX) -> list[Match]:
    """What fits best, first; everything that is found fits each word of the query."""
    known = catalog.graph(reader)
    whole = query.strip().casefold()
    scores: dict[str, float] = {}
    places: dict[str, tuple[float, Place]] = {}
    for number, word in enumerate(list(dict.fromkeys(_words(query)))[:WORDS_MAX]):
        best = _best(reader, word[:WORD_CHARS_MAX])
        there = best.keys() if number == 0 else best.keys() & scores.keys()
        scores = {node: scores.get(node, 0.0) + best[node][0] for node in there}
        for node in there:
            if node not in places or places[node][0] < best[node][0]:
                places[node] = best[node]
    for node in scores:
        if known.nodes[node].name.casefold() == whole:
            scores[node] += WEIGHTS["name"] * WHOLE
    first = heapq.nsmallest(limit, scores, key=lambda node: (-scores[node], node))
    return [_match(known.nodes[node], places[node][1], scores[node]) for node in first]


def _match(node: Node, place: Place, score: float) -> Match:
    column = place.text if place.kind == "column" else None
    return Match(node=node, kind=place.kind, column=column, score=score)


def _best(reader: Reader, word: str) -> dict[str, tuple[float, Place]]:
    """Where in each node a word stands best."""
    found: dict[str, tuple[float, Place]] = {}
    for fits, places in _hits(reader, word):
        for node, place in places.items():
            score = WEIGHTS[place.kind] * fits
            if node not in found or found[node][0] < score:
                found[node] = score, place
    return found


def _hits(reader: Reader, word: str) -> list[tuple[float, Mapping[str, Place]]]:
    """Where a word stands, or a part of one; where it stands nowhere, those that are like it."""
    words = reader.kept(READ, index) or {}
    direct = [
        (WHOLE if there == word else BEGINS if there.startswith(word) else 1.0, places)
        for there, places in words.items()
        if word in there
    ]
    if direct:
        return direct
    groups = reader.kept(READ, _grouped) or {}
    return [(near, words[there]) for near, there in _similar(groups, word)]


def _similar(groups: Groups, word: str) -> list[tuple[float, str]]:
    """Words that are spelled almost like this one, with how near they are, from 0 to 1."""
    wrong_max = len(word) // LETTERS_PER_ERROR
    if not wrong_max:
        return []
    shared: dict[str, int] = {}
    for group in _groups(word):
        for there in groups.get(group, ()):
            if abs(len(there) - len(word)) <= wrong_max:
                shared[there] = shared.get(there, 0) + 1
    likely = sorted(shared, key=lambda there: (-shared[there], there))[:COMPARED_MAX]
    found = [(_errors(word, there), there) for there in likely]
    close = sorted((wrong, there) for wrong, there in found if wrong <= wrong_max)
    return [(1 - wrong / len(word), there) for wrong, there in close[:SIMILAR_MAX]]


def _errors(one: str, other: str) -> int:
    """Letters put in, left out, changed or swapped: the optimal string alignment distance."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, there in enumerate(other, 1):
            changed = last[column - 1] + (letter != there)
            line.append(min(last[column] + 1, line[column - 1] + 1, changed))
            swapped = row > 1 and column > 1 and letter == other[column - 2]
            if swapped and one[row - 2] == there:
                line[column] = min(line[column], before[column - 2] + 1)
        before, last = last, line
    return last[-1]


def index(reader: Reader) -> Words:
    """All words."""
    words: dict[str, dict[str, Place]] = {}
    for node in catalog.graph(reader).nodes.values():
        for word, place in _places(node).items():
            words.setdefault(word, {})[node.id] = place
    return words


def _grouped(reader: Reader) -> Groups:
    """Asked for when a word stands nowhere, which is seldom."""
    return _groups_of(tuple(reader.kept(READ, index) or ()))


@functools.lru_cache(maxsize=WORD_LISTS_KEPT_MAX)
def _groups_of(words: tuple[str, ...]) -> Groups:
    """Most changes of the catalogue bring no new word."""
    groups: dict[str, list[str]] = {}
    for word in words:
        for group in _groups(word):
            groups.setdefault(group, []).append(word)
    return groups


@functools.lru_cache(maxsize=NODES_KEPT_MAX)
def _places(node: Node) -> Mapping[str, Place]:
    """The words of a node, and where each stands best in it."""
    found: dict[str, Place] = {}
    for kind, text in _texts(node):
        for word in _parts(text):
            if word not in found or WEIGHTS[found[word].kind] < WEIGHTS[kind]:
                found[word] = Place(kind, text)
    return found


@functools.lru_cache(maxsize=NODES_KEPT_MAX)
def _parts(text: str) -> tuple[str, ...]:
    """Most columns have the names of others."""
    return tuple(dict.fromkeys(_words(text)))


def _texts(node: Node) -> Iterator[tuple[str, str]]:
    yield "name", node.name
    if node.source is not None:
        yield "name", node.source
    yield from (("tag", tag) for tag in node.tags)
    yield "description", node.description
    for column in node.columns:
        yield "column", column.name
    for column_name, text in node.descriptions.items():
        yield from (("column", column_name), ("description", text))


def _words(text: str) -> Iterable[str]:
    return (word.casefold() for word in _WORD.findall(text))


def _groups(word: str) -> set[str]:
    padded = f"  {word} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}
