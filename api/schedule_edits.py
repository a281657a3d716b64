"""Adding, changing and removing schedules, and taking schedules.yml anew."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec

from api.call import Call
from api.errors import Denied, invalid
from commands.kernel import Command, Outcome
from commands.ports import Send
from commands.schedule_ports import SCHEDULES, SchedulesEditor
from domain import drafts
from domain import schedules as known
from domain.kernel import Event
from domain.schedules import Kind
from domain.source_types.trust import PERMISSION
from projections import schedules

SOURCES_MAX: Final = 1_000
ARGUMENTS_MAX: Final = 50

Text = Annotated[str, msgspec.Meta(max_length=200)]
Texts = Annotated[tuple[Text, ...], msgspec.Meta(max_length=SOURCES_MAX)]
Arguments = Annotated[tuple[Text, ...], msgspec.Meta(max_length=ARGUMENTS_MAX)]
Slug = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z")]


class ScheduleChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a schedule to change, in the keys of schedules.yml; what is left out stays."""

    type: Kind | None = None
    cron: Text | None = None
    sources: Texts | None = None
    enabled: bool | None = None
    timezone: Text | None = None
    start_date: Text | None = None
    misfire_grace_time: int | None = None
    timeout_minutes: int | None = None
    notify_on: Arguments | None = None
    dbt_command: Text | None = None
    script_path: Text | None = None
    script_args: Arguments | None = None


class NewSchedule(ScheduleChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A schedule to add."""

    name: Slug


class ScheduleSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What was done."""

    success: bool
    message: str
    name: str


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What schedules.yml says otherwise than before."""

    added: list[str]
    updated: list[str]
    removed: list[str]
    unchanged: list[str]


async def add_schedule(call: Call, data: NewSchedule) -> ScheduleSaid:
    """Add a schedule to schedules.yml."""
    if data.cron is None:
        raise invalid("cron", "is missing")
    _check(call, data, ())
    await editor(call).add_entry(SCHEDULES, _keys(data), call.send)
    return ScheduleSaid(success=True, message=f"Schedule '{data.name}' added.", name=data.name)


async def change_schedule(call: Call, name: str, data: ScheduleChange) -> ScheduleSaid:
    """Change a schedule in schedules.yml; its comments and the order of its keys are kept."""
    there = (line.config for line in schedules.every(call.views) if line.config.name == name)
    before = next(there, None)
    _check(call, data, () if before is None else before.script_args)
    await editor(call).change_entry(SCHEDULES, name, _keys(data), call.send)
    return ScheduleSaid(success=True, message=f"Schedule '{name}' changed.", name=name)


async def remove_schedule(call: Call, name: str) -> ScheduleSaid:
    """Remove a schedule from schedules.yml; its history stays."""
    await editor(call).remove_entry(SCHEDULES, name, call.send)
    message = f"Schedule '{name}' removed; its history stays."
    return ScheduleSaid(success=True, message=message, name=name)


async def reload(call: Call) -> Reloaded:
    """Take schedules.yml anew, and tell what is otherwise."""
    told: list[Event] = []
    before = {line.config.name for line in schedules.every(call.views)}
    await editor(call).reload_schedules(_overheard(call, told))
    added = _named(told, known.ScheduleCreated)
    removed = _named(told, known.ScheduleRemoved)
    changes = (known.ScheduleChanged, known.ScheduleEnabled, known.ScheduleDisabled)
    updated = _named(told, *changes)
    unchanged = sorted(before - {*removed, *updated})
    return Reloaded(added=added, updated=updated, removed=removed, unchanged=unchanged)


def editor(call: Call) -> SchedulesEditor:
    """What writes schedules.yml. Raises Denied, 503."""
    found = call.platform.schedules_editor
    if found is None:
        raise Denied(503, "This process does not write the configuration.", retry_after=10)
    return found


def _check(call: Call, data: ScheduleChange, before: Arguments) -> None:
    """Raises TrustNeeded."""
    drafts.give(before, data.script_args or (), trusted=call.caller.may(PERMISSION))


def _overheard(call: Call, told: list[Event]) -> Send:
    async def send(command: Command) -> Outcome:
        outcome = await call.send(command)
        told.extend(recorded.event for recorded in outcome.recorded)
        return outcome

    return send


def _named(events: Sequence[Event], *kinds: type[Event]) -> list[str]:
    told = [event for event in events if isinstance(event, kinds)]
    return sorted({event.schedule for event in told})  # type: ignore[attr-defined]  # all have it


def _keys(data: ScheduleChange) -> dict[str, Any]:
    """What was said, with the name first, as the file has it."""
    builtins = msgspec.to_builtins(data)
    given = {key: value for key, value in builtins.items() if value is not None}
    name = given.pop("name", None)
    return given if name is None else {"name": name, **given}
