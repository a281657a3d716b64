"""Beginning a project."""

from typing import Any, Final

from commands.kernel import Command
from domain import projects
from domain.kernel import Decider


class CreateProject(Command, frozen=True, kw_only=True):
    """Begin."""

    project_id: str
    name: str


DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    CreateProject: Decider[projects.Project, CreateProject](
        initial=projects.Project(),
        boundary=lambda _: projects.boundary(),
        evolve=projects.evolve,
        decide=lambda state, command: projects.create(
            state, projects.ProjectCreated(project_id=command.project_id, name=command.name)
        ),
    )
}
