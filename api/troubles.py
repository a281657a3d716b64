"""What is wrong with the platform, how badly, and since when: one table of rules."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from commands.machine import Machine
from domain import machine as rules
from domain.machine import Level
from projections import monitors
from projections.engine import Reader
from projections.health import Summary

GIB: Final = 1024**3

CRITICAL: Final = Level.CRITICAL.value
WARNING: Final = Level.WARNING.value

Since = Callable[[str], datetime]


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong; `subject` is what it is about, `action` what helps."""

    severity: str
    subject: str
    message: str
    action: str
    since: datetime


def disk_level(machine: Machine) -> Level:
    """How the disk is."""
    return rules.disk(
        free_bytes=machine.disk_free_bytes,
        used_bytes=machine.disk_used_bytes,
        total_bytes=machine.disk_total_bytes,
    )


def of_machine(machine: Machine, since: Since) -> Iterator[Trouble]:
    """Disk and memory."""
    disk = disk_level(machine)
    if disk is not Level.OK:
        yield Trouble(
            severity=disk.value,
            subject="disk",
            message=f"{machine.disk_free_bytes / GIB:.1f} GiB of the disk are free",
            action="Free some space: old backups, uploads that are synced, logs.",
            since=since("disk"),
        )
    total, free = machine.memory_total_bytes, machine.memory_available_bytes
    if not total or free is None:
        return
    memory = rules.memory(free_bytes=free, total_bytes=total)
    if memory is not Level.OK:
        yield Trouble(
            severity=memory.value,
            subject="memory",
            message=f"{100 * free / total:.0f} % of the memory is available",
            action="Give the machine more memory, or lower sync.max_parallel.",
            since=since("memory"),
        )


def of_process(problems: list[str], lag: int, since: Since) -> Iterator[Trouble]:
    """What readiness says, and read models that are behind."""
    for problem in problems:
        yield Trouble(
            severity=CRITICAL,
            subject="server",
            message=problem,
            action="Look at the server's log; `dango doctor` tells more.",
            since=since(f"server:{problem}"),
        )
    behind = rules.behind(lag)
    if behind is not Level.OK:
        yield Trouble(
            severity=behind.value,
            subject="projections",
            message=f"The read models are {lag} events behind the log",
            action="Wait; if it does not shrink, run `dango projections rebuild`.",
            since=since("lag"),
        )


def of_clocks(problems: Sequence[str], since: Since) -> Iterator[Trouble]:
    """What would come due without being noticed: nothing that is asked for waits for it."""
    for problem in problems:
        yield Trouble(
            severity=CRITICAL,
            subject="clocks",
            message=problem,
            action="It is tried again every few seconds; the server's log says why it fails.",
            since=since(f"clocks:{problem}"),
        )


def of_data(summary: Summary, since: Since) -> Iterator[Trouble]:
    """Sources, models, configuration, notices."""
    for failing in summary.failing_sources:
        yield Trouble(
            severity=rules.failing(failing.count).value,
            subject=f"source:{failing.name}",
            message=f"Source {failing.name}: {_times(failing.count)} failed",
            action="Look at the source's log, correct it and sync it again.",
            since=failing.since,
        )
    for failing in summary.failing_models:
        yield Trouble(
            severity=WARNING,
            subject=f"model:{failing.name}",
            message=f"Model {failing.name} or a test of it failed",
            action="Correct the model and run it again.",
            since=failing.since,
        )
    for refused in summary.refused:
        place = "" if refused.line is None else f" at line {refused.line}"
        yield Trouble(
            severity=WARNING,
            subject=refused.file,
            message=f"{refused.file} is refused{place}; the last good one is in force",
            action="Correct the file.",
            since=refused.since,
        )
    for source, names in summary.missing_secrets.items():
        yield Trouble(
            severity=WARNING,
            subject=f"source:{source}",
            message=f"Source {source} needs secrets that are not set: {', '.join(names)}",
            action="Set them with `dango secrets set`.",
            since=since(f"secrets:{source}"),
        )
    if summary.dead_notices:
        yield Trouble(
            severity=WARNING,
            subject="notifications",
            message=f"{summary.dead_notices} notice(s) could not be delivered",
            action="Look at /api/notifications/deliveries?state=dead and send them again.",
            since=since("notices"),
        )


def of_monitors(reader: Reader, since: Since) -> Iterator[Trouble]:
    """Numbers that are not what their past lets expect."""
    raised = [
        each for each in monitors.every(reader) if each.result and each.result.verdict == "alert"
    ]
    if raised:
        yield Trouble(
            severity=WARNING,
            subject="monitoring",
            message=f"{len(raised)} monitor(s) are on alert",
            action="Look at /api/monitoring.",
            since=since("monitors"),
        )


def _times(count: int) -> str:
    return "the last sync" if count == 1 else f"the last {count} syncs"
