"""Which versions of the project were put on this server, by whom, and whether that went well.

What brings a version here records it: a script, a pipeline, a person. Free text is not taken, since
an event is for ever. Invariant: a deployment is recorded once.
"""

import re
from typing import ClassVar, Final

import msgspec

from domain.kernel import Boundary, Event, Recorded, Refused, about

ALL: Final = "deployments"
MODELS_MAX: Final = 500  # that one deployment names
_COMMIT: Final = re.compile(r"[0-9a-fA-F]{4,64}")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}")
_MODEL: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """One version that was put here."""

    success: bool = True
    version: str | None = None  # of the project, or of the program
    commit: str | None = None
    branch: str | None = None
    clean: bool | None = None  # nothing was changed since the commit
    files: int | None = None  # that were brought
    models_changed: tuple[str, ...] = ()
    models_added: tuple[str, ...] = ()
    models_removed: tuple[str, ...] = ()
    duration_s: float | None = None
    dry_run: bool = False


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class DeploymentRecorded(Event, frozen=True, kw_only=True, tag="deployment_recorded"):
    """A version of the project was put on the server, or that was tried."""

    permission: ClassVar[str] = "platform.manage"
    deployment: str  # its id
    told: Deployment

    def stream(self) -> str:
        return f"deployment:{self.deployment}"

    def labels(self) -> tuple[str, ...]:
        return (ALL,)


EVENTS: Final[tuple[type[Event], ...]] = (DeploymentRecorded,)


class Deployments(msgspec.Struct, frozen=True):
    """Those that are recorded."""

    known: frozenset[str] = frozenset()


def evolve(state: Deployments, recorded: Recorded) -> Deployments:
    """Fold one event."""
    match recorded.event:
        case DeploymentRecorded(deployment=name):
            return Deployments(state.known | {name})
        case _:
            return state


def boundary(deployment: str) -> Boundary:
    """All that happened to this deployment."""
    return about(f"deployment:{deployment}")


def record(state: Deployments, deployment: str, told: Deployment) -> list[Event]:
    """Record a deployment. Raises DeploymentInvalid."""
    models = (*told.models_changed, *told.models_added, *told.models_removed)
    checks = (
        ("commit", told.commit is None or _COMMIT.fullmatch(told.commit), "is no commit's hash"),
        ("branch", told.branch is None or _WORD.fullmatch(told.branch), "is no branch's name"),
        ("version", told.version is None or _WORD.fullmatch(told.version), "is no version"),
        ("files", told.files is None or told.files >= 0, "must be 0 or more"),
        ("duration", told.duration_s is None or told.duration_s >= 0, "must be 0 or more"),
        ("models", len(models) <= MODELS_MAX, f"names more than {MODELS_MAX} models"),
        ("models", all(map(_MODEL.fullmatch, models)), "names something that is no model"),
    )
    for key, holds, reason in checks:
        if not holds:
            raise DeploymentInvalid(key, reason)
    if deployment in state.known:
        return []
    return [DeploymentRecorded(deployment=deployment, told=told)]


class DeploymentInvalid(Refused):
    """What is told of a deployment is not what it should be."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key} {reason}", fields=[{"path": key, "message": reason}])
