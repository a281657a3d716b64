"""The doctor's look at the files of a project: reads, changes nothing, opens no log for writing."""

import errno
import importlib.util
import shutil
import socket
import stat
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Final, NamedTuple

from domain import machine
from domain.kernel import Refused
from domain.sources import Source, Sources, apply
from infra import event_log, master_keys, server
from infra.configuration import monitors, notifications, pii_overrides, schedules, sources
from infra.configuration import project as configuration
from infra.configuration.documents import Unreadable
from infra.log import places
from infra.project import Project

CONNECT_TIMEOUT_S: Final = 2.0  # of the control socket
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
LISTENS: Final = "a server listens"
EXTENSIONS: Final = ("duckdb_extension_ducklake", "duckdb_extension_sqlite_scanner")
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
        found = master_keys.load(project.master_key)
    except (master_keys.KeyUnusable, OSError) as error:
        remedy = "put back the key of this project; without it nothing opens"
        return Finding("master key", FAIL, str(error), remedy)
    older = len(found.keys) - 1
    if older:
        detail = f"{older} older beside it, which seals nothing once the project was opened"
        remedy = "restart the server, then keep the first one alone in it"
        return Finding("master key", WARN, detail, remedy)
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


def _others_yml(project: Project) -> Finding:
    """The further files that people edit: none of them has to be there."""
    reads: tuple[tuple[Path, Callable[[Path], object]], ...] = (
        (project.schedules_yml, schedules.read),
        (project.schedules_yml, notifications.read),
        (project.monitors_yml, monitors.read),
        (project.pii_overrides_yml, pii_overrides.read),
    )
    broken, there = [], []
    for path, read in reads:
        try:
            read(path)
        except Unreadable as error:
            broken.append(str(error))
        if path.exists() and path.name not in there:
            there.append(path.name)
    if broken:
        remedy = "correct the file; the last good one is in force until then"
        return Finding("other files", WARN, "; ".join(dict.fromkeys(broken)), remedy)
    return Finding("other files", OK, ", ".join(there) or "none")


def _private(project: Project) -> Finding:
    """Whether others can read what holds values of secrets."""
    files = (project.root / ".env", project.seen, project.folder / "dlt" / "secrets.toml")
    open_ones = [path for path in files if path.exists() and path.stat().st_mode & OTHERS]
    open_ones += [p for p in project.folder.glob("views-*.db") if p.stat().st_mode & OTHERS]
    if open_ones:
        names = " ".join(str(path) for path in open_ones)
        return Finding("private files", WARN, f"others can read {names}", f"chmod 600 {names}")
    return Finding("private files", OK, "readable by their owner alone")


def _port(project: Project) -> Finding:
    """Whether the next server could listen."""
    try:
        platform = configuration.read(project.folder).platform
    except Unreadable:
        return Finding("port", WARN, "project.yml does not say which", "correct project.yml")
    where = f"{platform.host}:{platform.port}"
    if _socket(project).detail == LISTENS:
        return Finding("port", OK, f"{where}, or what --port says; a server runs")
    try:
        server.listen(platform.host, platform.port).close()
    except server.PortTaken:
        detail = f"something else listens on {where}"
        return Finding("port", WARN, detail, "end it, or set platform.port in project.yml")
    return Finding("port", OK, f"{where} is free")


def _engine(_: Project) -> Finding:
    """Whether the engine's extensions are there, of its own version."""
    missing = [name for name in EXTENSIONS if importlib.util.find_spec(name) is None]
    if missing:
        return Finding("engine", FAIL, f"{', '.join(missing)} is not installed", "install it anew")
    versions = {name: metadata.version(name.replace("_", "-")) for name in ("duckdb", *EXTENSIONS)}
    own = versions["duckdb"]
    others = [name for name, version in versions.items() if not version.startswith(own)]
    if others:
        detail = f"{', '.join(others)} is not of DuckDB's version {own}"
        return Finding("engine", FAIL, detail, "install the versions of requirements.lock")
    return Finding("engine", OK, f"DuckDB {own} with its extensions")


def _lacks_directory(project: Project, source: Source) -> bool:
    if source.type != "csv" or not source.enabled:
        return False
    return not (project.root / str(source.options["directory"])).is_dir()


def _events(project: Project) -> Finding:
    place = _place(project)
    try:
        event_log.check(place)
    except event_log.LogUnusable as error:
        return Finding("events.db", FAIL, str(error), "restore a backup")
    if places.remote(place):
        return Finding("events.db", OK, f"in {places.archive(place).shown(place)}")
    if project.events.stat().st_mode & OTHERS:
        detail = f"{project.events} can be read by others"
        return Finding("events.db", WARN, detail, f"chmod 600 {project.events}")
    return Finding("events.db", OK, f"{project.events.stat().st_size:,} bytes")


def _place(project: Project) -> str:
    try:
        return event_log.place(project, configuration.read(project.folder))
    except Unreadable:  # told by another check
        return str(project.events)


def _disk(project: Project) -> Finding:
    total, used, free = shutil.disk_usage(project.root)
    detail = f"{free / 1024**3:.1f} GiB free"
    match machine.disk(free_bytes=free, used_bytes=used, total_bytes=total):
        case machine.Level.CRITICAL:
            return Finding("disk", FAIL, detail, "free some space before anything else")
        case machine.Level.WARNING:
            return Finding("disk", WARN, detail, "free some space")
        case machine.Level.OK:
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
    return Finding("socket", OK, LISTENS)


CHECKS: Final[tuple[Callable[[Project], Finding], ...]] = (
    _folder,
    _key,
    _project_yml,
    _sources_yml,
    _others_yml,
    _private,
    _engine,
    _events,
    _disk,
    _socket,
    _port,
)
