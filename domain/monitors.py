"""Which numbers are watched, as people wrote them down, and those that are watched by themselves.

The configuration file is the people's; this is what the platform took from it. Of each table of a
source the number of rows is watched without anybody asking. Invariant: what is in force can be
asked of the warehouse: a table, an expression, things to compare with.
"""

import re
from collections.abc import Iterable, Mapping
from typing import ClassVar, Final

import msgspec

from domain import sources
from domain.anomalies import Compare
from domain.kernel import Boundary, Clause, Event, Recorded, Refused

ALL: Final = "monitors"  # the tag of everything that changes what is watched
FILE: Final = "monitors.yml"
MONITORS_MAX: Final = 1_000
EXPRESSION_CHARS_MAX: Final = 2_000
DRILL_DOWN_MAX: Final = 5  # columns
THRESHOLD_PCT_MAX: Final = 1_000_000
ROW_COUNT: Final = "count(*)"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_TABLE: Final = re.compile(r"[^.\x00-\x1f\x7f]{1,128}\.[^.\x00-\x1f\x7f]{1,128}")


class Monitor(msgspec.Struct, frozen=True, kw_only=True):
    """One number that is watched."""

    name: str
    source_table: str  # schema.table
    value_expression: str = ROW_COUNT  # SQL that makes one number of the table
    filter: str | None = None  # SQL that says which rows count
    compare: Compare = Compare.SEASONAL
    alert_threshold: float | None = None  # percent; None: what its past lets expect
    drill_down: tuple[str, ...] = ()  # columns that tell which part of the table changed
    automatic: bool = False

    @property
    def schema(self) -> str:
        """The schema of its table."""
        return self.source_table.partition(".")[0]

    @property
    def table(self) -> str:
        """The table, without its schema."""
        return self.source_table.partition(".")[2]


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _MonitorEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "governance.view"
    monitor: str

    def stream(self) -> str:
        return f"monitor:{self.monitor}"

    def labels(self) -> tuple[str, ...]:
        return (ALL,)


class MonitorAdded(_MonitorEvent, frozen=True, kw_only=True, tag="monitor_added"):
    """A monitor appeared in the configuration."""

    config: Monitor


class MonitorChanged(_MonitorEvent, frozen=True, kw_only=True, tag="monitor_changed"):
    """What a monitor watches, or how, is another; `changed` names the fields."""

    config: Monitor
    changed: tuple[str, ...]


class MonitorRemoved(_MonitorEvent, frozen=True, kw_only=True, tag="monitor_removed"):
    """A monitor is no longer in the configuration. Its history stays."""


class _SwitchEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "governance.view"

    def stream(self) -> str:
        return ALL


class MonitoringEnabled(_SwitchEvent, frozen=True, kw_only=True, tag="monitoring_enabled"):
    """Monitors are run again."""


class MonitoringDisabled(_SwitchEvent, frozen=True, kw_only=True, tag="monitoring_disabled"):
    """No monitor is run by itself."""


EVENTS: Final[tuple[type[Event], ...]] = (
    MonitorAdded,
    MonitorChanged,
    MonitorRemoved,
    MonitoringEnabled,
    MonitoringDisabled,
)


class Monitors(msgspec.Struct, frozen=True):
    """What is in force, and whether the file has been refused since it was read well."""

    known: Mapping[str, Monitor] = {}
    enabled: bool = True
    refused: bool = False


def evolve(state: Monitors, recorded: Recorded) -> Monitors:
    """Fold one event."""
    replace = msgspec.structs.replace
    match recorded.event:
        case (
            MonitorAdded(monitor=name, config=config) | MonitorChanged(monitor=name, config=config)
        ):
            return replace(state, known={**state.known, name: config})
        case MonitorRemoved(monitor=name):
            return replace(state, known={k: v for k, v in state.known.items() if k != name})
        case MonitoringEnabled():
            return replace(state, enabled=True)
        case MonitoringDisabled():
            return replace(state, enabled=False)
        case sources.ConfigurationRefused(file=file) if file == FILE:
            return replace(state, refused=True)
        case sources.ConfigurationAccepted(file=file) if file == FILE:
            return replace(state, refused=False)
        case _:
            return state


def boundary() -> Boundary:
    """What is watched, and whether the file could be read."""
    files = (sources.ConfigurationRefused, sources.ConfigurationAccepted)
    return (Clause(EVENTS, (ALL,)), Clause(files, (f"configuration:{FILE}",)))


def apply(state: Monitors, wanted: Iterable[Monitor], *, enabled: bool) -> list[Event]:
    """What happened, when the configuration now reads like this.

    Raises MonitorInvalid, TooManyMonitors.
    """
    new = {monitor.name: monitor for monitor in wanted}
    if len(new) > MONITORS_MAX:
        raise TooManyMonitors
    for monitor in new.values():
        check(monitor)
    events: list[Event] = [MonitorRemoved(monitor=name) for name in state.known if name not in new]
    for name, monitor in new.items():
        before = state.known.get(name)
        if before is None:
            events.append(MonitorAdded(monitor=name, config=monitor))
        elif changed := _differences(before, monitor):
            events.append(MonitorChanged(monitor=name, config=monitor, changed=changed))
    if enabled != state.enabled:
        events.append(MonitoringEnabled() if enabled else MonitoringDisabled())
    if state.refused:
        events.append(sources.ConfigurationAccepted(file=FILE))
    return events


def _differences(before: Monitor, after: Monitor) -> tuple[str, ...]:
    fields = Monitor.__struct_fields__
    return tuple(field for field in fields if getattr(before, field) != getattr(after, field))


def row_count(source: str, schema: str, table: str) -> Monitor:
    """The monitor that every table of a source has by itself."""
    return Monitor(
        name=f"{source}_{table}_row_count", source_table=f"{schema}.{table}", automatic=True
    )


def check(monitor: Monitor) -> None:
    """Whether it can be asked of the warehouse. Raises MonitorInvalid."""
    threshold, expression = monitor.alert_threshold, monitor.value_expression
    checks = (
        ("name", _NAME.fullmatch(monitor.name), "must be letters, digits, _ and -, at most 63"),
        ("source_table", _TABLE.fullmatch(monitor.source_table), "must be schema.table"),
        ("value_expression", _says(expression), "must be an SQL expression"),
        ("filter", monitor.filter is None or _says(monitor.filter), "must be an SQL condition"),
        (
            "alert_threshold",
            threshold is None or 0 < threshold <= THRESHOLD_PCT_MAX,
            "must be a percentage above 0",
        ),
        (
            "drill_down",
            len(monitor.drill_down) <= DRILL_DOWN_MAX and all(monitor.drill_down),
            f"may name {DRILL_DOWN_MAX} columns",
        ),
    )
    for key, holds, reason in checks:
        if not holds:
            raise MonitorInvalid(monitor.name, key, reason)


def _says(sql: str) -> bool:
    return bool(sql.strip()) and len(sql) <= EXPRESSION_CHARS_MAX and "\0" not in sql


class MonitorInvalid(Refused):
    """A monitor that cannot be asked; `key` is what is wrong in it."""

    def __init__(self, monitor: str, key: str, reason: str) -> None:
        super().__init__(
            f"Monitor '{monitor[:64]}': {key} {reason}",
            fields=[{"path": key, "message": reason}],
        )
        self.key, self.reason = key, reason


class TooManyMonitors(Refused):
    """The number of monitors is bounded."""

    def __init__(self) -> None:
        super().__init__(f"There can be {MONITORS_MAX} monitors; remove one first.")


class MonitorMissing(Refused):
    """No monitor has this name."""

    def __init__(self, monitor: str) -> None:
        super().__init__(f"Monitor '{monitor[:64]}' not found.")


class MonitorThere(Refused):
    """A monitor of this name is there."""

    def __init__(self, monitor: str) -> None:
        super().__init__(f"A monitor '{monitor[:64]}' is there already.")
