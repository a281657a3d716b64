"""A query of the library's port as SQL that both databases take; `?` stands for a value."""

import functools
from collections.abc import Iterator, Sequence
from typing import Final

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

SHAPES_CACHED: Final = 256
ANY_POSITION: Final = (1 << 63) - 1  # none is behind it
Values = tuple[str | int, ...]


def matching(query: DCBQuery | None, after: int, upto: int | None = None) -> tuple[str, Values]:
    """A SELECT of the matching rows in order, without a limit, and its values."""
    shape: list[_Shape] = []
    values: list[str | int] = [after, ANY_POSITION if upto is None else upto]
    if query is not None:
        for types, tag_sets in _grouped(query.items).items():
            singles = [tags[0] for tags in tag_sets if len(tags) == 1]
            several = [tags for tags in tag_sets if len(tags) > 1]
            if () in tag_sets:
                shape.append((len(types), None, ()))
                values += (after, *types)
                continue
            shape.append((len(types), len(singles), tuple(map(len, several))))
            if singles:
                values += (*singles, after, *types)
            for tags in several:
                values += (*tags[1:], tags[0], after, *types)
    return _sql(tuple(shape)), tuple(values)


# Of one group of items: how many types; how many items of one tag, None when there is one of none;
# how many tags each further item has.
_Shape = tuple[int, int | None, tuple[int, ...]]


@functools.lru_cache(maxsize=SHAPES_CACHED)
def _sql(shape: tuple[_Shape, ...]) -> str:
    # The plus keeps SQLite from walking all between the two, in place of the few that match.
    where = "position > ? AND +position <= ?"
    if parts := [part for group in shape for part in _parts(*group)]:
        where += f" AND position IN ({' UNION '.join(parts)})"
    return f"SELECT position, type, tags, data FROM events WHERE {where} ORDER BY position"  # noqa: S608 - built of constants


def _grouped(items: Sequence[DCBQueryItem]) -> dict[tuple[str, ...], list[tuple[str, ...]]]:
    """Items by their types, so that many with one tag each become one condition.

    SQLite takes at most 500 terms in a compound SELECT, and a job may name 1,000 sources.
    """
    found: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for item in items:
        found.setdefault(tuple(item.types), []).append(tuple(item.tags))
    return found


def _parts(types: int, singles: int | None, several: tuple[int, ...]) -> Iterator[str]:
    """Subqueries of the positions that match one of a group's items."""
    marks = ",".join("?" * types)
    if singles is None:
        condition = f" AND type IN ({marks})" if types else ""
        yield f"SELECT position FROM events WHERE position > ?{condition}"  # noqa: S608
        return
    of_type = f" AND t0.type IN ({marks})"
    condition = of_type if types else ""
    if singles:
        names = ",".join("?" * singles)
        sql = f"SELECT position FROM event_tags t0 WHERE tag IN ({names}) AND position > ?"  # noqa: S608
        yield sql + condition
    for tags in several:
        joins = "".join(
            f" JOIN event_tags t{n} ON t{n}.position = t0.position AND t{n}.type = t0.type"
            f" AND t{n}.tag = ?"
            for n in range(1, tags)
        )
        sql = f"SELECT t0.position FROM event_tags t0{joins} WHERE t0.tag = ? AND t0.position > ?"  # noqa: S608
        yield sql + condition
