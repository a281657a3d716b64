"""schedules.yml: what is done when, and who is told. Keys are those of the existing product."""

import re
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from domain import schedules
from domain.schedules import Kind, Schedule
from infra.configuration.documents import Document

EMPTY: Final = "schedules: []\n"
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
SCRIPT: Final = re.compile(r"(scripts/)?[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.py")
ARGUMENT: Final = re.compile(r"[^\x00-\x1f\x7f]{0,200}")
COMMANDS: Final = ("run", "build", "test", "seed", "snapshot")
GRACE_S_MAX: Final = 366 * 24 * 3600
TIMEOUT_MINUTES_MAX: Final = 20 * 60

Text = Annotated[str, msgspec.Meta(max_length=200)]
Names = Annotated[tuple[Text, ...], msgspec.Meta(max_length=1_000)]


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A schedule as it stands in the file."""

    name: Text
    type: Kind = Kind.SYNC
    cron: Text
    sources: Names | None = None
    enabled: bool = True
    timezone: Text | None = None
    start_date: Any = None
    misfire_grace_time: Annotated[int, msgspec.Meta(ge=1, le=GRACE_S_MAX)] | None = None  # seconds
    timeout_minutes: Annotated[int, msgspec.Meta(ge=1, le=TIMEOUT_MINUTES_MAX)] | None = None
    notify_on: Annotated[tuple[Text, ...], msgspec.Meta(max_length=10)] | None = None
    dbt_command: Text | None = None
    script_path: Text | None = None
    script_args: Annotated[tuple[Text, ...], msgspec.Meta(max_length=50)] | None = None
    run_on: Text | None = None
    description: Text | None = None


class File(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    version: Any = None
    schedules: list[dict[str, Any]] | None = None
    notifications: dict[str, Any] | None = None


def read(path: Path, data: bytes | None = None) -> tuple[Schedule, ...]:
    """All schedules of the file, or of this `data` in its place. Raises Unreadable."""
    document = Document(path, data)
    found: dict[str, Schedule] = {}
    for number, entry in enumerate(document.convert(File).schedules or []):
        place = f".schedules[{number}]"
        schedule = _schedule(document, entry, place)
        if schedule.name in found:
            raise document.refused(f"{place}.name", "another schedule has this name")
        found[schedule.name] = schedule
    return tuple(found.values())


def _schedule(document: Document, entry: dict[str, Any], place: str) -> Schedule:
    known = document.convert_at(entry, Entry, place)
    for key, holds, reason in _checks(known):
        if not holds:
            raise document.refused(f"{place}.{key}", reason)
    schedule = Schedule(
        name=known.name,
        kind=known.type,
        cron=known.cron,
        sources=tuple(dict.fromkeys(known.sources or ())),
        enabled=known.enabled,
        timezone=known.timezone or "UTC",
        start_date=None if known.start_date is None else str(known.start_date)[:10],
        misfire_grace_s=known.misfire_grace_time,
        timeout_minutes=known.timeout_minutes or schedules.TIMEOUT_MINUTES,
        notify_on=tuple(dict.fromkeys(known.notify_on or ())),
        dbt_command=known.dbt_command or ("run" if known.type is Kind.DBT else None),
        script_path=None if known.script_path is None else known.script_path.split("/")[-1],
        script_args=known.script_args or (),
        run_on=known.run_on or "both",
    )
    try:
        schedules.check(schedule)
    except schedules.ScheduleInvalid as error:
        raise document.refused(f"{place}.{error.key}", error.reason) from None
    return schedule


def _checks(known: Entry) -> tuple[tuple[str, Any, str], ...]:
    slug = "must be letters, digits, _ and -, at most 63, no sign first"
    notices = set(known.notify_on or ()) <= set(schedules.NOTICES)
    path = known.script_path is None or SCRIPT.fullmatch(known.script_path)
    arguments = all(map(ARGUMENT.fullmatch, known.script_args or ()))
    command = (known.dbt_command or "run").split()[:1]
    return (
        ("name", NAME.fullmatch(known.name), slug),
        ("notify_on", notices, f"may name {', '.join(schedules.NOTICES)}"),
        ("script_path", path, "must name a .py file directly inside scripts/"),
        ("script_args", arguments, "must be lines without control characters"),
        ("dbt_command", command and command[0] in COMMANDS, f"is one of {', '.join(COMMANDS)}"),
    )
