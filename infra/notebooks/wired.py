"""Notebooks of a project, wired: folder, processes and the policy over them."""

from pathlib import Path
from typing import Final

from commands.kernel import Clock
from commands.policies.notebooks import Held, NotebookPolicy
from commands.sessions import Seen
from domain import permissions, users
from infra.clocks import Every
from infra.notebooks.files import NotebookFolder
from infra.notebooks.sessions import MarimoSessions
from infra.views.views import Views
from infra.workers.pool import Pool
from infra.writer import Writer
from projections import notebooks
from projections import users as accounts

BASE: Final = "/notebooks/marimo/"  # what the ways in show editors under
RUNS: Final = "notebooks.execute"
LOOK_EVERY_S: Final = 5.0  # at the locks that may have run out


def sessions(pool: Pool, root: Path) -> MarimoSessions:
    """The processes that notebooks are edited in."""
    return MarimoSessions(pool, root, lambda name: BASE + name)


def policy(
    writer: Writer, views: Views, root: Path, found: MarimoSessions, *, seen: Seen, clock: Clock
) -> NotebookPolicy:
    """What starts and ends them."""

    def held() -> list[Held]:
        locks = notebooks.locks(views.current)
        return [Held(each.notebook, each.lock, each.holder, each.at) for each in locks]

    def may(actor: str) -> bool:
        account = accounts.one(views.current, actor.removeprefix(users.tag("")))
        active = account is not None and account.status is users.Standing.ACTIVE
        return account is not None and active and permissions.may(account.role, RUNS)

    folder = NotebookFolder(root)
    return NotebookPolicy(writer, folder, found, held=held, may=may, seen=seen, clock=clock)


def clock(watched: NotebookPolicy) -> Every:
    """What ends locks that nobody is heard of any more."""
    return Every("the locks of notebooks", watched.look, LOOK_EVERY_S)
