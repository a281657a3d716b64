"""Moving the log of a project between its own file and the database that project.yml names."""

from typing import NamedTuple

from infra import event_log, keys, master_keys
from infra.configuration import project as configuration
from infra.log import move as logs
from infra.log.places import archive
from infra.log.port import Log
from infra.log.vault import Vault
from infra.project import Project
from infra.runtime import clock


class Moved(NamedTuple):
    """Where the log lies now, and what of it; api/cli/world.py says what is what."""

    target: str
    events: int
    sealed: int
    head: int
    hash: str
    aside: str | None


def move(project: Project, *, back: bool, told: logs.Told) -> Moved:
    """Move it, and put the old one away under another name.

    Raises NotMoved, ProjectInUse, LogInUse, KeyUnusable, VaultDamaged.
    """
    with project.held():
        settings = configuration.read(project.folder)
        if settings.storage.events is None:
            raise logs.NotMoved(f"storage.events of {project.folder}/project.yml names no database")
        source, target = str(project.events), event_log.place(project, settings)
        if back:
            source, target = target, source
        masters = master_keys.load(project.master_key)

        def prove(log: Log) -> None:
            Vault(log, keys.unlock(masters, log), clock).prove()

        found = logs.move(source, target, prove=prove, told=told)
        there = archive(target)
        sealed = len(there.beside(target).vault)
    return Moved(there.shown(target), found.events, sealed, found.head, found.hash, found.aside)
