"""/api/monitors: what is watched, as monitors.yml says; the file is written with its comments."""

from typing import Annotated, Any, Final

import msgspec

from api.call import Call
from api.errors import invalid
from api.schedule_edits import Slug, editor
from commands.schedule_ports import MONITORS
from domain.anomalies import Compare
from domain.monitors import (
    DRILL_DOWN_MAX,
    EXPRESSION_CHARS_MAX,
    ROW_COUNT,
    THRESHOLD_PCT_MAX,
    Monitor,
)
from projections import monitors

TABLE_CHARS_MAX: Final = 255

Sql = Annotated[str, msgspec.Meta(min_length=1, max_length=EXPRESSION_CHARS_MAX)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=TABLE_CHARS_MAX)]
Columns = Annotated[tuple[Name, ...], msgspec.Meta(max_length=DRILL_DOWN_MAX)]
Percent = Annotated[float, msgspec.Meta(gt=0, le=THRESHOLD_PCT_MAX)]


class MonitorChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a monitor to change, in the keys of monitors.yml; what is left out stays."""

    source_table: Name | None = None
    value_expression: Sql | None = None
    filter: Sql | None = None
    compare: Compare | None = None
    alert_threshold: Percent | None = None
    drill_down: Columns | None = None


class NewMonitor(MonitorChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A monitor to add."""

    name: Slug


class MonitorView(msgspec.Struct, frozen=True, kw_only=True):
    """A monitor; an automatic one is not in the file."""

    name: str
    source_table: str
    value_expression: str
    filter: str | None
    compare: str
    alert_threshold: float | None
    drill_down: tuple[str, ...]
    automatic: bool


class MonitorSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What was done."""

    success: bool
    message: str
    name: str


async def list_monitors(call: Call) -> list[MonitorView]:
    """List what is watched."""
    return [_view(each.config) for each in monitors.every(call.views)]


async def add_monitor(call: Call, data: NewMonitor) -> MonitorSaid:
    """Add a monitor to monitors.yml."""
    if data.source_table is None:
        raise invalid("source_table", "is missing")
    entry = {"value_expression": ROW_COUNT, **_keys(data)}
    entry = {"name": entry.pop("name"), "source_table": entry.pop("source_table"), **entry}
    await editor(call).add_entry(MONITORS, entry, call.send)
    return MonitorSaid(success=True, message=f"Monitor '{data.name}' added.", name=data.name)


async def change_monitor(call: Call, name: str, data: MonitorChange) -> MonitorSaid:
    """Change a monitor in monitors.yml; its comments and the order of its keys are kept."""
    await editor(call).change_entry(MONITORS, name, _keys(data), call.send)
    return MonitorSaid(success=True, message=f"Monitor '{name}' changed.", name=name)


async def remove_monitor(call: Call, name: str) -> MonitorSaid:
    """Remove a monitor from monitors.yml; its values stay."""
    if any(each.config.automatic and each.config.name == name for each in _all(call)):
        raise invalid("name", "watches by itself; a monitor of this name in the file replaces it")
    await editor(call).remove_entry(MONITORS, name, call.send)
    return MonitorSaid(
        success=True, message=f"Monitor '{name}' removed; its values stay.", name=name
    )


def _all(call: Call) -> tuple[monitors.Watched, ...]:
    return monitors.every(call.views)


def _keys(data: MonitorChange) -> dict[str, Any]:
    builtins = msgspec.to_builtins(data)
    return {key: value for key, value in builtins.items() if value is not None}


def _view(config: Monitor) -> MonitorView:
    fields = {name: getattr(config, name) for name in MonitorView.__struct_fields__}
    return MonitorView(**{**fields, "compare": config.compare.value})
