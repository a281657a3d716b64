"""A query of the library's port as SQL that both databases take; `?` stands for a value."""

from collections.abc import Iterator, Sequence

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

Values = tuple[str | int, ...]


def matching(query: DCBQuery | None, after: int) -> tuple[str, Values]:
    """A SELECT of the matching rows in order, without a limit, and its values."""
    where = "position > ?"
    arguments: list[str | int] = [after]
    if query is not None and query.items:
        parts = []
        for types, tag_sets in _grouped(query.items).items():
            for part, values in _parts(types, tag_sets, after):
                parts.append(part)
                arguments.extend(values)
        where += f" AND position IN ({' UNION '.join(parts)})"
    sql = f"SELECT position, type, tags, data FROM events WHERE {where} ORDER BY position"  # noqa: S608 - built of constants
    return sql, tuple(arguments)


def _grouped(items: Sequence[DCBQueryItem]) -> dict[tuple[str, ...], list[tuple[str, ...]]]:
    """Items by their types, so that many with one tag each become one condition.

    SQLite takes at most 500 terms in a compound SELECT, and a job may name 1,000 sources.
    """
    found: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for item in items:
        found.setdefault(tuple(item.types), []).append(tuple(item.tags))
    return found


def _parts(
    types: tuple[str, ...], tag_sets: list[tuple[str, ...]], after: int
) -> Iterator[tuple[str, list[str | int]]]:
    """Subqueries of the positions that match one of these items, and their arguments."""
    marks = ",".join("?" * len(types))
    if () in tag_sets:
        condition = f" AND type IN ({marks})" if types else ""
        yield f"SELECT position FROM events WHERE position > ?{condition}", [after, *types]  # noqa: S608
        return
    of_type = f" AND (SELECT type FROM events e WHERE e.position = t0.position) IN ({marks})"  # noqa: S608
    condition = of_type if types else ""
    if singles := [tags[0] for tags in tag_sets if len(tags) == 1]:
        names = ",".join("?" * len(singles))
        sql = f"SELECT position FROM event_tags t0 WHERE tag IN ({names}) AND position > ?"  # noqa: S608
        yield sql + condition, [*singles, after, *types]
    for tags in tag_sets:
        if len(tags) > 1:
            joins = "".join(
                f" JOIN event_tags t{n} ON t{n}.position = t0.position AND t{n}.tag = ?"
                for n in range(1, len(tags))
            )
            sql = (
                f"SELECT t0.position FROM event_tags t0{joins} WHERE t0.tag = ? AND t0.position > ?"  # noqa: S608
            )
            yield sql + condition, [*tags[1:], tags[0], after, *types]
