"""The doctor's look at the files of a project: reads, changes nothing, opens no log for writing."""

import errno
import shutil
import socket
import stat
from collections.abc import Callable
from typing import Final, NamedTuple

from domain.kernel import Refused
from domain.sources import Source, Sources, apply
from infra import keys
from infra.configuration import project as configuration
from infra.configuration import sources
from infra.configuration.documents import Unreadable
from infra.log import places
from infra.project import Project
from infra.runtime import LogUnusable, check_log, log_place

FREE_BYTES_LOW: Final = 2 * 1024**3  # below that it warns
FREE_BYTES_MIN: Final = 200 * 1024**2  # below that it is a failure
CONNECT_TIMEOUT_S: Final = 2.0  # of the control socket
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
OK: Final = "ok"
WARN: Final = "warn"
FAIL: Final = "fail"


class Finding(NamedTuple):
    """One check: how it came out, what was found, and what to do about it."""

    name: str
    level: str
    detail: str
    remedy: str = ""


def inspect(project: Project) -> list[Finding]:
    """All checks that need no open project."""
    return [check(project) for check in CHECKS]


def _folder(project: Project) -> Finding:
    if project.folder.stat().st_mode & OTHERS:
        detail = f"{project.folder} can be read by others"
        return Finding("folder", WARN, detail, f"chmod 700 {project.folder}")
    return Finding("folder", OK, "readable by its owner alone")


def _key(project: Project) -> Finding:
    try:
        keys.load(project.master_key)
    except (keys.KeyUnusable, OSError) as error:
        remedy = "put back the key of this project; without it nothing opens"
        return Finding("master key", FAIL, str(error), remedy)
    return Finding("master key", OK, "readable, by its owner alone")


def _project_yml(project: Project) -> Finding:
    try:
        configuration.read(project.folder)
    except Unreadable as error:
        return Finding("project.yml", FAIL, str(error), "correct the file")
    return Finding("project.yml", OK, "can be read")


def _sources_yml(project: Project) -> Finding:
    try:
        found = sources.read(project.sources_yml, lambda _, __: "")
        apply(Sources(), found)
    except (Unreadable, Refused) as error:
        remedy = "correct the file; the last good one is in force until then"
        return Finding("sources.yml", WARN, str(error), remedy)
    missing = [source.name for source in found if _lacks_directory(project, source)]
    if missing:
        detail = f"no directory for {', '.join(missing)}"
        return Finding("sources.yml", WARN, detail, "make it, or correct the file")
    return Finding("sources.yml", OK, f"{len(found)} sources")


def _lacks_directory(project: Project, source: Source) -> bool:
    if source.type != "csv" or not source.enabled:
        return False
    return not (project.root / str(source.options["directory"])).is_dir()


def _events(project: Project) -> Finding:
    place = _place(project)
    try:
        check_log(place)
    except LogUnusable as error:
        return Finding("events.db", FAIL, str(error), "restore a backup")
    if places.remote(place):
        return Finding("events.db", OK, f"in {places.archive(place).shown(place)}")
    if project.events.stat().st_mode & OTHERS:
        detail = f"{project.events} can be read by others"
        return Finding("events.db", WARN, detail, f"chmod 600 {project.events}")
    return Finding("events.db", OK, f"{project.events.stat().st_size:,} bytes")


def _place(project: Project) -> str:
    try:
        return log_place(project, configuration.read(project.folder))
    except Unreadable:  # told by another check
        return str(project.events)


def _disk(project: Project) -> Finding:
    free = shutil.disk_usage(project.root).free
    detail = f"{free / 1024**3:.1f} GiB free"
    if free < FREE_BYTES_MIN:
        return Finding("disk", FAIL, detail, "free some space before anything else")
    if free < FREE_BYTES_LOW:
        return Finding("disk", WARN, detail, "free some space")
    return Finding("disk", OK, detail)


def _socket(project: Project) -> Finding:
    if not project.control.exists():
        return Finding("socket", OK, "none, since no server runs")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(CONNECT_TIMEOUT_S)
        try:
            client.connect(str(project.control))
        except OSError as error:
            why = errno.errorcode.get(error.errno or 0, "no answer")
            detail = f"left behind by a server that was killed ({why})"
            return Finding("socket", WARN, detail, "nothing: the next `dango serve` does it")
    return Finding("socket", OK, "a server listens")


CHECKS: Final[tuple[Callable[[Project], Finding], ...]] = (
    _folder,
    _key,
    _project_yml,
    _sources_yml,
    _events,
    _disk,
    _socket,
)
