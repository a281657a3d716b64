"""The intents around notebooks and their locks."""

from collections.abc import Sequence
from typing import Any, Final, assert_never

from commands.kernel import Command
from domain import notebooks
from domain.kernel import Boundary, Decider, Event


class CreateNotebook(Command, frozen=True, kw_only=True):
    """Make a notebook from a template; its file is there already."""

    notebook: str
    notebook_id: str
    template: str
    creator: str


class CopyNotebook(Command, frozen=True, kw_only=True):
    """Make a copy, which is there already."""

    notebook: str
    notebook_id: str
    origin: str
    creator: str


class AdoptNotebooks(Command, frozen=True, kw_only=True):
    """Take files for notebooks that no command made."""

    notebooks: tuple[str, ...]


class DeleteNotebook(Command, frozen=True, kw_only=True):
    """Delete a notebook; `manages` is whether others' may be."""

    notebook: str
    deleter: str
    manages: bool = False


class AcquireNotebookLock(Command, frozen=True, kw_only=True):
    """Begin to edit; `lapsed` is the lock that has run out by the clock, if one has."""

    notebook: str
    lock: str
    holder: str
    lapsed: str | None = None


class ReleaseNotebookLock(Command, frozen=True, kw_only=True):
    """Edit no more."""

    notebook: str
    lock: str
    holder: str


class ExpireNotebookLock(Command, frozen=True, kw_only=True):
    """Nothing was heard of the holder for too long."""

    notebook: str
    lock: str


class ForceNotebookLock(Command, frozen=True, kw_only=True):
    """End somebody else's lock."""

    notebook: str
    lock: str


class StartNotebookSession(Command, frozen=True, kw_only=True):
    """The process of a lock can be talked to."""

    notebook: str
    lock: str


class EndNotebookSession(Command, frozen=True, kw_only=True):
    """The process of a lock is gone."""

    notebook: str
    lock: str
    reason: str


NotebookCommand = (
    CreateNotebook
    | CopyNotebook
    | AdoptNotebooks
    | DeleteNotebook
    | AcquireNotebookLock
    | ReleaseNotebookLock
    | ExpireNotebookLock
    | ForceNotebookLock
    | StartNotebookSession
    | EndNotebookSession
)


def boundary(command: NotebookCommand) -> Boundary:
    """What counts."""
    match command:
        case AdoptNotebooks():
            return notebooks.boundary(*command.notebooks)
        case CopyNotebook():
            return notebooks.boundary(command.notebook, command.origin)
        case _:
            return notebooks.boundary(command.notebook)


def decide(state: notebooks.Notebooks, command: NotebookCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case CreateNotebook():
            return notebooks.make(state, _created(command))
        case CopyNotebook():
            return notebooks.make(state, _copied(command))
        case AdoptNotebooks():
            return notebooks.adopt(state, command.notebooks)
        case DeleteNotebook(notebook=name):
            return notebooks.delete(state, name, command.deleter, manages=command.manages)
        case _:
            return _of_lock(state, command)


def _of_lock(
    state: notebooks.Notebooks,
    command: AcquireNotebookLock
    | ReleaseNotebookLock
    | ExpireNotebookLock
    | ForceNotebookLock
    | StartNotebookSession
    | EndNotebookSession,
) -> Sequence[Event]:
    name, lock = command.notebook, command.lock
    match command:
        case AcquireNotebookLock(holder=holder):
            wanted = notebooks.NotebookLockAcquired(notebook=name, lock=lock, holder=holder)
            return notebooks.acquire(state, wanted, command.lapsed)
        case ReleaseNotebookLock(holder=holder):
            return notebooks.release(state, name, lock, holder)
        case ExpireNotebookLock():
            return notebooks.expire(state, name, lock)
        case ForceNotebookLock():
            return notebooks.force(state, name, lock)
        case StartNotebookSession():
            return notebooks.begin(state, name, lock)
        case EndNotebookSession():
            return notebooks.end(state, name, lock, command.reason)
        case _:
            assert_never(command)


def _created(command: CreateNotebook) -> notebooks.NotebookCreated:
    return notebooks.NotebookCreated(
        notebook=command.notebook,
        notebook_id=command.notebook_id,
        template=command.template,
        creator=command.creator,
    )


def _copied(command: CopyNotebook) -> notebooks.NotebookCopied:
    return notebooks.NotebookCopied(
        notebook=command.notebook,
        notebook_id=command.notebook_id,
        origin=command.origin,
        creator=command.creator,
    )


_DECIDER: Final = Decider[notebooks.Notebooks, NotebookCommand](
    initial={}, boundary=boundary, evolve=notebooks.evolve, decide=decide
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    CreateNotebook: _DECIDER,
    CopyNotebook: _DECIDER,
    AdoptNotebooks: _DECIDER,
    DeleteNotebook: _DECIDER,
    AcquireNotebookLock: _DECIDER,
    ReleaseNotebookLock: _DECIDER,
    ExpireNotebookLock: _DECIDER,
    ForceNotebookLock: _DECIDER,
    StartNotebookSession: _DECIDER,
    EndNotebookSession: _DECIDER,
}
