"""Which schedules there are, as people wrote them down: what is to be done, and when.

The configuration file is the people's; this is what the platform took from it. Invariant: what is
in force can be carried out: a time table that can be read, in a time zone that there is.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import ClassVar, Final

import msgspec

from domain import cron, sources
from domain.kernel import Boundary, Clause, Event, Recorded, Refused

ALL: Final = "schedules"  # the tag of everything that changes which schedules there are
FILE: Final = "schedules.yml"
SCHEDULES_MAX: Final = 2_000
TIMEOUT_MINUTES: Final = 60
NOTICES: Final = ("failure", "success", "stale")


class Kind(StrEnum):
    """What a schedule does."""

    SYNC = "sync"  # load sources, then build the models that read them
    SYNC_ONLY = "sync_only"  # load sources, and leave the models as they are
    DBT = "dbt"
    SCRIPT = "script"

    @property
    def syncs(self) -> bool:
        """Whether it loads sources."""
        return self in (Kind.SYNC, Kind.SYNC_ONLY)


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """One schedule's configuration."""

    name: str
    kind: Kind
    cron: str
    sources: tuple[str, ...] = ()
    enabled: bool = True
    timezone: str = "UTC"
    start_date: str | None = None  # YYYY-MM-DD: not before this day begins in its time zone
    misfire_grace_s: int | None = None  # a run that is later than this is missed; None: never
    timeout_minutes: int = TIMEOUT_MINUTES
    notify_on: tuple[str, ...] = ()
    dbt_command: str | None = None
    script_path: str | None = None  # the name of a file in scripts/
    script_args: tuple[str, ...] = ()
    run_on: str = "both"  # of the existing product; taken, not used

    def display(self) -> str:
        """The time table in words."""
        return f"{cron.words(self.cron)}{'' if self.timezone == 'UTC' else f' ({self.timezone})'}"

    def next_after(self, moment: datetime) -> datetime | None:
        """When it is due next, behind a moment."""
        if self.start_date is not None:
            begins = datetime.combine(date.fromisoformat(self.start_date), time.min)
            first = begins.replace(tzinfo=cron.zone(self.timezone)).astimezone(UTC)
            moment = max(moment, first - timedelta(microseconds=1))
        # Moments are whole minutes, so that what lies behind the minute lies behind the moment.
        minute = moment.astimezone(UTC).replace(second=0, microsecond=0)
        found = cron.next_after(self.cron, self.timezone, minute)
        if found is not None and found <= moment:
            return cron.next_after(self.cron, self.timezone, moment)
        return found


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _ScheduleEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "scheduler.view"
    schedule: str

    def stream(self) -> str:
        return tag(self.schedule)

    def labels(self) -> tuple[str, ...]:
        return (ALL,)


class ScheduleCreated(_ScheduleEvent, frozen=True, kw_only=True, tag="schedule_created"):
    """A schedule appeared in the configuration."""

    config: Schedule


class ScheduleChanged(_ScheduleEvent, frozen=True, kw_only=True, tag="schedule_changed"):
    """What a schedule does, or when, is another; `changed` names the fields."""

    config: Schedule
    changed: tuple[str, ...]


class ScheduleEnabled(_ScheduleEvent, frozen=True, kw_only=True, tag="schedule_enabled"):
    """A schedule comes due from now on."""


class ScheduleDisabled(_ScheduleEvent, frozen=True, kw_only=True, tag="schedule_disabled"):
    """A schedule does not come due any more; somebody may still trigger it."""


class ScheduleRemoved(_ScheduleEvent, frozen=True, kw_only=True, tag="schedule_removed"):
    """A schedule is no longer in the configuration. Its history stays."""


EVENTS: Final[tuple[type[Event], ...]] = (
    ScheduleCreated,
    ScheduleChanged,
    ScheduleEnabled,
    ScheduleDisabled,
    ScheduleRemoved,
)


def tag(name: str) -> str:
    """The tag of everything about one schedule."""
    return f"schedule:{name}"


class Schedules(msgspec.Struct, frozen=True):
    """What is in force, and whether the file has been refused since it was read well."""

    known: Mapping[str, Schedule] = {}
    refused: bool = False


def evolve(state: Schedules, recorded: Recorded) -> Schedules:
    """Fold one event."""
    match recorded.event:
        case sources.ConfigurationRefused(file=file) if file == FILE:
            return Schedules(state.known, refused=True)
        case sources.ConfigurationAccepted(file=file) if file == FILE:
            return Schedules(state.known)
        case ScheduleRemoved(schedule=name):
            known = {k: v for k, v in state.known.items() if k != name}
            return Schedules(known, state.refused)
        case _:
            return Schedules({**state.known, **told(state.known, recorded.event)}, state.refused)


def told(known: Mapping[str, Schedule], event: Event) -> dict[str, Schedule]:
    """The schedule that an event tells of, as it is behind it."""
    match event:
        case ScheduleCreated(schedule=name, config=config):
            return {name: config}
        case ScheduleChanged(schedule=name, config=config):
            return {name: config}
        case ScheduleEnabled(schedule=name) | ScheduleDisabled(schedule=name) if name in known:
            enabled = isinstance(event, ScheduleEnabled)
            return {name: msgspec.structs.replace(known[name], enabled=enabled)}
        case _:
            return {}


def boundary() -> Boundary:
    """Which schedules there are, and whether their file could be read."""
    files = (sources.ConfigurationRefused, sources.ConfigurationAccepted)
    return (Clause(EVENTS, (ALL,)), Clause(files, (f"configuration:{FILE}",)))


def apply(state: Schedules, wanted: Iterable[Schedule]) -> list[Event]:
    """What happened, when the configuration now reads `wanted`.

    Raises ScheduleInvalid, TooManySchedules.
    """
    new = {schedule.name: schedule for schedule in wanted}
    if len(new) > SCHEDULES_MAX:
        raise TooManySchedules
    for schedule in new.values():
        check(schedule)
    events: list[Event] = [
        ScheduleRemoved(schedule=name) for name in state.known if name not in new
    ]
    for name, schedule in new.items():
        before = state.known.get(name)
        if before is None:
            events.append(ScheduleCreated(schedule=name, config=schedule))
        else:
            events += _differences(before, schedule)
    if state.refused:
        events.append(sources.ConfigurationAccepted(file=FILE))
    return events


def _differences(before: Schedule, after: Schedule) -> list[Event]:
    fields = tuple(f for f in Schedule.__struct_fields__ if getattr(before, f) != getattr(after, f))
    events: list[Event] = []
    if changed := tuple(field for field in fields if field != "enabled"):
        config = msgspec.structs.replace(after, enabled=before.enabled)
        events.append(ScheduleChanged(schedule=after.name, config=config, changed=changed))
    if "enabled" in fields:
        kind = ScheduleEnabled if after.enabled else ScheduleDisabled
        events.append(kind(schedule=after.name))
    return events


def check(schedule: Schedule) -> None:
    """Whether it can be carried out. Raises ScheduleInvalid."""
    for key, look in (("cron", cron.parse), ("timezone", cron.zone)):
        try:
            look(getattr(schedule, key))
        except cron.CronInvalid as error:
            raise ScheduleInvalid(schedule.name, key, str(error)) from None
    if schedule.start_date is not None:
        try:
            date.fromisoformat(schedule.start_date)
        except ValueError:
            why = "is not a day, like 2026-05-17"
            raise ScheduleInvalid(schedule.name, "start_date", why) from None
    if schedule.kind.syncs and not schedule.sources:
        raise ScheduleInvalid(schedule.name, "sources", "names no source")
    if schedule.kind is Kind.SCRIPT and not schedule.script_path:
        raise ScheduleInvalid(schedule.name, "script_path", "names no file in scripts/")


class ScheduleInvalid(Refused):
    """A schedule that cannot be carried out; `key` is what is wrong in it."""

    def __init__(self, schedule: str, key: str, reason: str) -> None:
        super().__init__(
            f"Schedule '{schedule}': {key} {reason}",
            fields=[{"path": key, "message": reason}],
        )
        self.key, self.reason = key, reason


class TooManySchedules(Refused):
    """The number of schedules is bounded."""

    def __init__(self) -> None:
        super().__init__(f"There can be {SCHEDULES_MAX} schedules; remove one first.")


class ScheduleMissing(Refused):
    """No schedule has this name."""

    def __init__(self, schedule: str) -> None:
        super().__init__(f"Schedule '{schedule}' not found.")


class ScheduleThere(Refused):
    """A schedule of this name is there."""

    def __init__(self, schedule: str) -> None:
        super().__init__(f"A schedule '{schedule}' is there already.")
