"""A project begins."""

from typing import ClassVar, Final

import msgspec

from domain.kernel import Boundary, Event, Recorded, about

TAG: Final = "project"


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class ProjectCreated(Event, frozen=True, kw_only=True, tag="project_created"):
    """The first event of every log."""

    permission: ClassVar[str] = "config.view"
    project_id: str
    name: str

    def stream(self) -> str:
        return TAG


EVENTS: Final[tuple[type[Event], ...]] = (ProjectCreated,)


class Project(msgspec.Struct, frozen=True):
    """Whether there is one."""

    created: bool = False


def evolve(state: Project, recorded: Recorded) -> Project:
    """Fold one event."""
    return Project(created=True) if isinstance(recorded.event, ProjectCreated) else state


def boundary() -> Boundary:
    """The project itself."""
    return about(TAG)


def create(state: Project, created: ProjectCreated) -> list[Event]:
    """Begin, once."""
    return [] if state.created else [created]
