"""What a projection is, and how events become rows whose past is kept.

A projection is tables, one function per event type that writes to them, and typed queries. It reads
no clock and no other source: the same log gives the same rows.

Every table keeps its past. A row carries `since`, the position that made it; when it changes or
goes, the old row is kept in `<table>_past` with `until`. A table that only grows carries
`position` in its own columns instead and needs no past. So a query over the tables' own names
answers for any position (infra/views.py makes temporary views of these names).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar

import msgspec

from domain.kernel import Event, Recorded

Found = TypeVar("Found")


class Table(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A table of a projection: column -> SQLite type, and which columns identify a row.

    `grows` names the column that holds the position in a table whose rows never change or go.
    `few` says that there are few keys that change often: their past is then searched key by key,
    which takes a key of one column. An index ends with the table's key, without being told so.
    """

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...]
    grows: str | None = None
    few: bool = False
    indexes: tuple[str, ...] = ()  # e.g. "type", "cause WHERE cause IS NOT NULL"


class Rows(Protocol):
    """What an apply function may do. Values are SQLite's own: str, int, float, bytes, None."""

    def put(self, table: Table, **values: Any) -> None:
        """Insert a row or replace the one with the same key; every column is given.

        A row that is there already, equal in all columns, is left as it is: no past is made.
        """
        ...

    def add(self, table: Table, **values: Any) -> None:
        """Insert a row whose key no row ever had, as a new id: nothing is looked for."""
        ...

    def change(self, table: Table, key: tuple[Any, ...] | str | int, **values: Any) -> bool:
        """Change these columns of the row with this key; False when there is no such row."""
        ...

    def remove(self, table: Table, *keys: tuple[Any, ...], **match: Any) -> None:
        """Remove the rows with these keys, or else those whose columns have these values."""
        ...

    def clear(self, table: Table) -> None:
        """Remove all rows. Each is read: it is for what happens seldom."""
        ...

    def get(self, table: Table, key: tuple[Any, ...] | str | int) -> Mapping[str, Any] | None:
        """The row with this key as it stands now."""
        ...


class _Stamp:
    """The text of a moment in UTC, in a spelling whose order is that of time.

    Made once for all rows of an event: they ask with the same object.
    """

    def __init__(self) -> None:
        self._last: tuple[datetime, str] = (datetime.min.replace(tzinfo=UTC), "")

    def __call__(self, at: datetime | str) -> str:
        """Of a moment, or of how the log spells it."""
        if isinstance(at, str):
            if at[-1] == "Z" and len(at) == _WHOLE_LENGTH:
                return at
            if at[-1] == "Z" and len(at) == _SECONDS_LENGTH:
                return f"{at[:-1]}.000000Z"
            at = datetime.fromisoformat(at).astimezone(UTC)
        last = self._last
        if last[0] is not at:
            text = _encode(at).decode()  # as JSON has it, but always with its microseconds
            whole = text[1:-1] if len(text) == _STAMP_LENGTH else f"{text[1:20]}.000000Z"
            last = self._last = (at, whole)
        return last[1]


stamp: Final = _Stamp()
_encode: Final = msgspec.json.Encoder().encode
_STAMP_LENGTH: Final = len('"2026-01-01T00:00:00.000000Z"')
_WHOLE_LENGTH: Final = len("2026-01-01T00:00:00.000000Z")
_SECONDS_LENGTH: Final = len("2026-01-01T00:00:00Z")


class Reader(Protocol):
    """Views as of one position: queries run over the tables' plain names."""

    @property
    def position(self) -> int:
        """The position that the rows stand for."""
        ...

    @property
    def now(self) -> datetime:
        """The time against which ages are counted: the clock's, or that of the past position."""
        ...

    def rows(self, sql: str, /, **values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        ...

    def row(self, sql: str, /, **values: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        ...

    def kept(self, tables: Sequence[str], look: Callable[..., Found], *key: Any) -> Found | None:
        """`look(reader, *key)`, remembered until one of the tables that it reads changes.

        For what is asked at every request: a function of the module that reads nothing else, and
        answers nothing that can be changed.
        """
        ...

    def holds(self, tables: Sequence[str], look: Callable[..., Any], *key: Any) -> bool:
        """Whether `kept` need not look."""
        ...


Apply = Callable[[Rows, Any, Recorded], None]


class Told(Protocol):
    """What is known of an event without looking into it."""

    @property
    def id(self) -> str: ...
    @property
    def at(self) -> datetime | str: ...
    @property
    def stream(self) -> str: ...
    @property
    def actor(self) -> str: ...
    @property
    def correlation(self) -> str: ...
    @property
    def causation(self) -> str | None: ...


class Projection(msgspec.Struct, frozen=True, kw_only=True):
    """A read model: its tables, and what each event does to them.

    `row` makes one row of the only table, which grows, out of every event, whatever its type: of
    its position, type, envelope and what stands behind `prefix` in the first tag that begins so.
    """

    name: str
    tables: tuple[Table, ...]
    on: Mapping[type[Event], Apply] = {}
    row: Callable[[int, str, Told, str | None], tuple[Any, ...]] | None = None
    prefix: str = ""


class Unapplicable(Exception):
    """An event that a projection cannot take. Nothing after it is applied, and no one is silent."""

    def __init__(self, position: int, projection: str, cause: str) -> None:
        super().__init__(f"projection {projection} cannot apply event {position}: {cause}")
        self.position = position
        self.projection = projection

    @classmethod
    def by(cls, error: Exception, position: int, projection: str) -> "Unapplicable":
        """Of what a function of the projection raised."""
        return cls(position, projection, f"{type(error).__name__}: {error}")


class ViewsBroken(Exception):
    """An event could not be applied: the views stand still and nothing is served from them."""


Wanted = tuple[tuple[str, Apply], ...]  # projections' names and functions
Plan = Mapping[type[Event], Wanted]


def plan(projections: Sequence[Projection], events: Sequence[type[Event]]) -> Plan:
    """For each event type, what is to be called, in order."""
    return {
        event: tuple(
            (projection.name, projection.on[event])
            for projection in projections
            if event in projection.on
        )
        for event in events
    }


def apply(wanted: Wanted, rows: Rows, recorded: Recorded) -> None:
    """Give one event to those that want it. Raises Unapplicable."""
    for name, function in wanted:
        try:
            function(rows, recorded.event, recorded)
        except Exception as error:
            raise Unapplicable.by(error, recorded.position, name) from error
