"""Which sources the project has, as people wrote them down.

The configuration file is the people's; this is what the platform took from it. A reading of the
file is compared with what is known, and only what differs happened. Invariant: a schema belongs to
one source, since each source replaces what lies in its own.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

import msgspec

from domain.kernel import Boundary, Event, Recorded, Refused, about

# Schemas of the engine, and those of models: a source would write over what is not its own.
SCHEMAS_RESERVED: Final = frozenset(
    {"information_schema", "intermediate", "main", "marts", "pg_catalog", "staging", "temp"}
)
ALL: Final = "sources"  # the tag of everything that changes which sources there are
FILE: Final = "sources.yml"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One source's configuration.

    `options` is the block named after its type, with `${NAME}` where a secret belongs and `****`
    where one stands in the file itself; of a type without a row in domain/source_types/table.py it
    holds the keys alone, each with `****`.
    """

    name: str
    type: str
    enabled: bool = True
    description: str = ""
    labels: tuple[str, ...] = ()
    schema: str
    table: str
    options: dict[str, Any] = {}
    lookback_days: int | None = None  # read again this much before the cursor
    allow_empty: bool = False  # an input without rows may empty the table
    fingerprint: str = ""  # keyed digest of the whole block: tells that a value changed


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _SourceEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "source.view"
    source: str

    def stream(self) -> str:
        return f"source:{self.source}"

    def labels(self) -> tuple[str, ...]:
        return (ALL,)


class SourceRegistered(_SourceEvent, frozen=True, kw_only=True, tag="source_registered"):
    """A source appeared in the configuration."""

    config: Source


class SourceReconfigured(_SourceEvent, frozen=True, kw_only=True, tag="source_reconfigured"):
    """A source's configuration changed; `changed` names the fields."""

    config: Source
    changed: tuple[str, ...]


class SourceRemoved(_SourceEvent, frozen=True, kw_only=True, tag="source_removed"):
    """A source is no longer in the configuration. Its tables stay in the warehouse."""

    schema: str


class ConfigurationRefused(Event, frozen=True, kw_only=True, tag="configuration_refused"):
    """A configuration file could not be read; what was known stays in force."""

    permission: ClassVar[str] = "config.view"
    file: str
    reason: str
    line: int | None = None
    column: int | None = None

    def stream(self) -> str:
        return f"configuration:{self.file}"

    def labels(self) -> tuple[str, ...]:
        return (ALL,)


class ConfigurationAccepted(Event, frozen=True, kw_only=True, tag="configuration_accepted"):
    """A file that had been refused reads well again."""

    permission: ClassVar[str] = "config.view"
    file: str

    def stream(self) -> str:
        return f"configuration:{self.file}"

    def labels(self) -> tuple[str, ...]:
        return (ALL,)


EVENTS: Final[tuple[type[Event], ...]] = (
    SourceRegistered,
    SourceReconfigured,
    SourceRemoved,
    ConfigurationRefused,
    ConfigurationAccepted,
)


class Sources(msgspec.Struct, frozen=True):
    """What is in force, and the last refusal of each file that was not read well since."""

    known: Mapping[str, Source] = {}
    refused: Mapping[str, ConfigurationRefused] = {}


def evolve(state: Sources, recorded: Recorded) -> Sources:
    """Fold one event."""
    match recorded.event:
        case (
            SourceRegistered(source=name, config=config)
            | SourceReconfigured(source=name, config=config)
        ):
            return Sources({**state.known, name: config}, state.refused)
        case SourceRemoved(source=name):
            return Sources({k: v for k, v in state.known.items() if k != name}, state.refused)
        case ConfigurationAccepted(file=file):
            return Sources(state.known, {k: v for k, v in state.refused.items() if k != file})
        case ConfigurationRefused(file=file) as refused:
            return Sources(state.known, {**state.refused, file: refused})
        case _:
            return state


def boundary() -> Boundary:
    """Everything about which sources there are."""
    return about(ALL)


def apply(state: Sources, wanted: Iterable[Source]) -> list[Event]:
    """What happened, when the configuration now reads `wanted`. Raises SchemaTaken."""
    new = {source.name: source for source in wanted}
    owners: dict[str, str] = {}
    for source in new.values():
        owner = owners.setdefault(source.schema.casefold(), source.name)
        if owner != source.name:
            raise SchemaTaken(source.name, source.schema, owner)
    events: list[Event] = [
        SourceRemoved(source=name, schema=old.schema)
        for name, old in state.known.items()
        if name not in new
    ]
    for name, source in new.items():
        before = state.known.get(name)
        if before is None:
            events.append(SourceRegistered(source=name, config=source))
        elif changed := _changed(before, source):
            events.append(SourceReconfigured(source=name, config=source, changed=changed))
    if FILE in state.refused:
        events.append(ConfigurationAccepted(file=FILE))
    return events


def refuse(state: Sources, refusal: ConfigurationRefused) -> list[Event]:
    """A file could not be read; the same refusal twice in a row is one."""
    return [] if state.refused.get(refusal.file) == refusal else [refusal]


def _changed(before: Source, after: Source) -> tuple[str, ...]:
    return tuple(f for f in Source.__struct_fields__ if getattr(before, f) != getattr(after, f))


class SchemaTaken(Refused):
    """Two sources name one schema."""

    def __init__(self, source: str, schema: str, owner: str) -> None:
        super().__init__(
            f"Source '{source}' names schema '{schema}', which belongs to source '{owner}'."
        )


class SourceMissing(Refused):
    """No source has this name."""

    def __init__(self, source: str) -> None:
        super().__init__(f"Source '{source}' not found.")
