"""What names can mean at one place of a query, and what each comes from."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from domain.lineage import Origin
from infra.querying.relations import fold

Origins = frozenset[Origin]
NOTHING: Final[Origins] = frozenset()


class Result(NamedTuple):
    """The columns of a query, in order; None for a name that the engine makes up.

    `rest`: there may be more of them, which come from this.
    """

    columns: tuple[tuple[str | None, Origins], ...]
    rest: Origins | None = None

    def all(self) -> Origins:
        """What any of its columns comes from."""
        return (self.rest or NOTHING).union(*(origins for _, origins in self.columns))


class Item(NamedTuple):
    """Something in FROM: how it is called, and its columns."""

    names: tuple[str, ...]  # alias alone, or catalogue, schema and table
    result: Result

    def find(self, column: str) -> Origins | None:
        """What a column comes from; None if there is none of this name."""
        found = [origins for name, origins in self.result.columns if _same(name, column)]
        return NOTHING.union(*found) if found else None


class Scope(NamedTuple):
    """What a name can mean at one place."""

    ctes: dict[str, Result]
    items: tuple[Item, ...] = ()
    outer: "Scope | None" = None
    aliases: tuple[tuple[str, Origins], ...] = ()
    parameters: frozenset[str] = frozenset()  # of lambdas


def found(names: Sequence[str], scope: Scope) -> Origins | None:
    """What a name comes from in one scope; None if it means nothing there."""
    for upto in range(len(names) - 1, 0, -1):  # the most that can be the name of a table
        for item in scope.items:
            if tuple(names[:upto]) != item.names[-upto:]:
                continue
            found = item.find(names[upto])
            if found is None:
                found = item.result.rest
            if found is not None:
                return found
    first = names[0]
    columns = [found for item in scope.items if (found := item.find(first)) is not None]
    if columns:
        return NOTHING.union(*columns)
    loose = [item.result.rest for item in scope.items if item.result.rest is not None]
    whole = [item.result.all() for item in scope.items if item.names[-1] == first]
    named = [origins for name, origins in scope.aliases if name == first]
    found_elsewhere = [*loose, *whole, *named]
    return NOTHING.union(*found_elsewhere) if found_elsewhere else None


def item_of(node: dict[str, Any], result: Result, name: str = "") -> Item:
    alias = fold(node.get("alias") or name)
    return Item((alias,), renamed(result, node.get("column_name_alias") or ()))


def renamed(result: Result, names: Sequence[str]) -> Result:
    if not names:
        return result
    if result.rest is not None or len(names) > len(result.columns):
        everything = result.all()
        return Result(tuple((name, everything) for name in names), everything)
    columns = list(result.columns)
    for number, name in enumerate(names):
        columns[number] = name, columns[number][1]
    return Result(tuple(columns))


def loose(origins: Origins) -> Result:
    """Columns of which nothing is known but what they come from."""
    return Result((), origins)


def everything(items: Iterable[Item]) -> Origins:
    return NOTHING.union(*(item.result.all() for item in items))


def _same(name: str | None, wanted: str) -> bool:
    return name is not None and fold(name) == wanted
