"""What the catalogue needs from outside: counting through tables, keeping what came of it.

`infra` has it; commands/ports.py has what the other commands need.
"""

from datetime import datetime
from typing import Protocol

import msgspec


class Profile(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Count through the columns of a table, approximately and in one pass."""

    schema: str
    table: str


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a histogram: values from `low` to `high`, and which share of all they are."""

    low: float
    high: float
    share: float


class ColumnProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What one column holds; what its type does not have is None or empty.

    `quantiles` are the quarters; `top` are the commonest values, the commonest first. Values are
    cut after a number of characters.
    """

    name: str
    type: str
    null_count: int
    distinct_count: int
    min: str | None = None
    max: str | None = None
    mean: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    quantiles: tuple[str, ...] = ()
    histogram: tuple[Bucket, ...] = ()
    top: tuple[str, ...] = ()


class TableProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What a table held as of a commit."""

    schema: str
    table: str
    snapshot: int
    row_count: int
    columns: tuple[ColumnProfile, ...]


class Profiler(Protocol):
    """Counts through tables of the warehouse."""

    async def profile(self, task: Profile) -> TableProfile:
        """Raises WorkFailed; WorkRefused when the table is not there."""
        ...


class ProfilesKept(Protocol):
    """A disposable store of profiles. Its methods block, for no longer than a small read takes."""

    def keep(self, profile: TableProfile, at: datetime) -> None:
        """Remember it, and forget the oldest when there are too many."""
        ...

    def find(self, schema: str, table: str, snapshot: int) -> TableProfile | None:
        """What is remembered."""
        ...
