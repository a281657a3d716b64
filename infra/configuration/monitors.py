"""monitors.yml: which numbers are watched. Keys are those of the existing product."""

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from domain import monitors
from domain.anomalies import Compare
from domain.monitors import DRILL_DOWN_MAX, EXPRESSION_CHARS_MAX, MONITORS_MAX, Monitor
from infra.configuration.documents import Document

EMPTY: Final = "monitors: []\n"

Name = Annotated[str, msgspec.Meta(max_length=255)]
Sql = Annotated[str, msgspec.Meta(max_length=EXPRESSION_CHARS_MAX)]
Columns = Annotated[tuple[Name, ...], msgspec.Meta(max_length=DRILL_DOWN_MAX)]


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A monitor as it stands in the file."""

    name: Name
    source_table: Name  # schema.table
    value_expression: Sql = monitors.ROW_COUNT
    filter: Sql | None = None
    compare: Compare = Compare.SEASONAL
    alert_threshold: float | None = None  # percent
    drill_down: Columns | None = None
    description: Annotated[str, msgspec.Meta(max_length=1_000)] | None = None


class File(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    version: Any = None
    enabled: bool = True
    monitors: Annotated[list[dict[str, Any]], msgspec.Meta(max_length=MONITORS_MAX)] | None = None


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says."""

    monitors: tuple[Monitor, ...]
    enabled: bool


def read(path: Path, data: bytes | None = None) -> Read:
    """All that the file says, or this `data` in its place. Raises Unreadable."""
    document = Document(path, data)
    file = document.convert(File)
    found: dict[str, Monitor] = {}
    for number, entry in enumerate(file.monitors or []):
        place = f".monitors[{number}]"
        monitor = _monitor(document, entry, place)
        if monitor.name in found:
            raise document.refused(f"{place}.name", "another monitor has this name")
        found[monitor.name] = monitor
    return Read(monitors=tuple(found.values()), enabled=file.enabled)


def _monitor(document: Document, entry: dict[str, Any], place: str) -> Monitor:
    known = document.convert_at(entry, Entry, place)
    monitor = Monitor(
        name=known.name,
        source_table=known.source_table,
        value_expression=known.value_expression,
        filter=known.filter or None,
        compare=known.compare,
        alert_threshold=known.alert_threshold,
        drill_down=tuple(dict.fromkeys(known.drill_down or ())),
    )
    try:
        monitors.check(monitor)
    except monitors.MonitorInvalid as error:
        raise document.refused(f"{place}.{error.key}", error.reason) from None
    return monitor
