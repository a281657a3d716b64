"""The order of a list: `?sort=rows` or, the other way around, `?sort=-rows`."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from api.call import Call
from api.errors import invalid

Row = TypeVar("Row")

DOWN: Final = "-"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """By which column a list is in order; empty: as it comes."""

    by: str = ""
    down: bool = False

    def sense(self, column: str) -> str:
        """What `aria-sort` says of a column."""
        if column != self.by:
            return "none"
        return "descending" if self.down else "ascending"

    def other(self, column: str) -> str:
        """What a column's heading asks for: its order, or the other way around."""
        return f"{DOWN}{column}" if column == self.by and not self.down else column


def order(call: Call, columns: Iterable[str]) -> Order:
    """The order that the query asks for. Raises Denied."""
    text = call.request.query_params.get("sort", "")
    by = text.removeprefix(DOWN)
    if not text:
        return Order()
    if by not in columns:
        raise invalid("sort", f"is none of {', '.join(columns)}, each with or without a '{DOWN}'")
    return Order(by=by, down=text.startswith(DOWN))


def arranged(
    rows: Iterable[Row], wanted: Order, columns: Mapping[str, Callable[[Row], Any]]
) -> list[Row]:
    """Rows in that order; those that have no value in the column come last, both ways."""
    found = list(rows)
    if not wanted.by:
        return found
    value = columns[wanted.by]
    known = [row for row in found if value(row) is not None]
    unknown = [row for row in found if value(row) is None]
    return [*sorted(known, key=value, reverse=wanted.down), *unknown]
