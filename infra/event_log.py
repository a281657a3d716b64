"""The event log of a project: where it lies, and whether it is one that can be used."""

from domain.projects import ProjectCreated
from infra.configuration.project import Settings
from infra.log.places import archive, remote
from infra.log.port import Place
from infra.project import Project


class LogUnusable(Exception):
    """The event log is missing, empty or damaged."""


def check(place: Place) -> None:
    """Whether the log there begins a project. Raises LogUnusable."""
    found, shown = archive(place), archive(place).shown(place)
    try:
        if not found.exists(place):
            hint = " It may lie elsewhere: dango events move." if remote(place) else ""
            message = f"{shown} is missing. For a new project: dango init. Else restore it.{hint}"
            raise LogUnusable(message)
        first = next(found.stream(place, upto=1), None)
    except found.ERRORS as error:
        raise LogUnusable(f"{shown} cannot be read ({error}); restore it from a backup.") from None
    if first is None or first[1] != ProjectCreated.type_name():
        raise LogUnusable(f"{shown} does not begin a project; restore it from a backup.")


def place(project: Project, settings: Settings) -> str:
    """Where the log lies: in its own file below the project, or as project.yml says."""
    block = settings.storage
    return f"{block.events}#{block.events_schema}" if block.events else str(project.events)
