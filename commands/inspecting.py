"""What governance needs from outside: looking into tables, keeping what is said.

`infra` has it; commands/ports.py has what the other commands need.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from commands.ports import Send
from domain.monitor_runs import Part
from domain.monitors import Monitor
from domain.pii import Finding, Looked
from domain.pii_overrides import Wish


class Inspect(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Look through a sample of these columns for what tells of a person."""

    tables: tuple[Looked, ...]


class Inspected(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, and in what: tables and columns that are gone are not among them."""

    findings: tuple[Finding, ...]
    tables: tuple[Looked, ...]


class Measure(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Ask for the numbers of these monitors."""

    monitors: tuple[Monitor, ...]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The number of a monitor, or why there is none."""

    monitor: str
    value: float | None = None
    error: str | None = None


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """All of them, as of a commit."""

    snapshot: int
    readings: tuple[Reading, ...]


class DrillDown(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Tell which parts of a monitor's table have to do with a change since a commit."""

    monitor: Monitor
    columns: tuple[str, ...]  # those of its drill_down whose values may be told
    before: int | None = None


class DrilledDown(msgspec.Struct, frozen=True, kw_only=True):
    """The parts, by column, the largest change first; columns that tell of persons are left out."""

    parts: tuple[Part, ...]


class Inspector(Protocol):
    """Looks into tables of the warehouse."""

    async def inspect(self, task: Inspect) -> Inspected:
        """Raises WorkFailed."""
        ...


class Measurer(Protocol):
    """Asks the warehouse for the numbers of monitors."""

    async def measure(self, task: Measure) -> Measured:
        """Raises WorkFailed."""
        ...

    async def drill_down(self, task: DrillDown) -> DrilledDown:
        """Raises WorkFailed."""
        ...


class OverridesEditor(Protocol):
    """Writes pii-overrides.yml, and takes what it says then: the events are those of `send`."""

    async def override(self, wishes: Sequence[Wish], send: Send) -> None:
        """Write what is said about these columns."""
        ...
