"""The first sync of a deployment: all sources as one job, asked for with a token that is good once.

Invariants: one token at a time, and each begins one run within its life; a run is begun while no
source is being synced. The token reaches `status` too, until that run ends, and no later one; it
is known by a keyed digest. A restore that does not keep keys ends it.
"""

from datetime import datetime, timedelta
from typing import ClassVar, Final

import msgspec

from domain import backups, syncs
from domain.kernel import Boundary, Event, Recorded, Refused, about
from domain.syncs import Syncs

STREAM: Final = "initial_sync"
MARK: Final = "dango_dt_"  # what a token begins with
TOKEN_LIFE: Final = timedelta(hours=72)  # as long as an invite; a forgotten one opens nothing


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _InitialEvent(Event, frozen=True, kw_only=True):
    def stream(self) -> str:
        return STREAM


class DeployTokenIssued(_InitialEvent, frozen=True, kw_only=True, tag="deploy_token_issued"):
    """A token was made; one before it is good no more."""

    proof: str  # keyed digest
    expires_at: datetime | None = None  # None: of before tokens had an end


class InitialSyncStarted(_InitialEvent, frozen=True, kw_only=True, tag="initial_sync_started"):
    """All enabled sources are synced; the job is the request that follows at once."""

    permission: ClassVar[str] = "source.view"
    sources: tuple[str, ...]
    proof: str | None = None  # of the token that it was begun with; that one is used up


class InitialSourceSkipped(_InitialEvent, frozen=True, kw_only=True, tag="initial_source_skipped"):
    """A source of the run was passed over."""

    permission: ClassVar[str] = "source.view"
    source: str
    job: int


class InitialSyncCancelled(_InitialEvent, frozen=True, kw_only=True, tag="initial_sync_cancelled"):
    """The run was stopped."""

    permission: ClassVar[str] = "source.view"
    job: int


EVENTS: Final[tuple[type[Event], ...]] = (
    DeployTokenIssued,
    InitialSyncStarted,
    InitialSourceSkipped,
    InitialSyncCancelled,
)


class Initial(msgspec.Struct, frozen=True):
    """The token that is good, what of the last run was stopped, and the syncs that go on."""

    proof: str | None = None
    skipped: frozenset[tuple[str, int]] = frozenset()
    cancelled: frozenset[int] = frozenset()
    going: Syncs = Syncs()


def evolve(state: Initial, recorded: Recorded) -> Initial:
    """Fold one event."""
    replace = msgspec.structs.replace
    match recorded.event:
        case DeployTokenIssued(proof=proof):
            return replace(state, proof=proof)
        case InitialSyncStarted(proof=proof):
            return state if proof is None else replace(state, proof=None)
        case backups.BackupRestored(keys_ended=True):
            return replace(state, proof=None)
        case InitialSourceSkipped(source=name, job=job):
            return replace(state, skipped=state.skipped | {(name, job)})
        case InitialSyncCancelled(job=job):
            return replace(state, cancelled=state.cancelled | {job})
        case _:
            return replace(state, going=syncs.evolve(state.going, recorded))


def boundary(names: tuple[str, ...] = ()) -> Boundary:
    """The initial sync, and these sources."""
    return (*about(STREAM), *backups.restores(), *syncs.boundary(names))


def issue(state: Initial, wanted: DeployTokenIssued) -> list[Event]:
    """Make a token."""
    return [] if state.proof == wanted.proof else [wanted]


def start(state: Initial, wanted: InitialSyncStarted) -> list[Event]:
    """Begin a run. Raises DeployTokenSpent, NoSources, SyncRunning, SourceMissing."""
    if wanted.proof is not None and state.proof != wanted.proof:
        raise DeployTokenSpent
    if not wanted.sources:
        raise NoSources
    request = syncs.request(state.going, syncs.SyncRequested(sources=wanted.sources))
    return [wanted, *request]


def skip(state: Initial, source: str, job: int) -> list[Event]:
    """Pass a source over, running or not. Raises SyncEnded."""
    if (source, job) in state.skipped:
        return []
    return [InitialSourceSkipped(source=source, job=job), *syncs.cancel(state.going, [source], job)]


def cancel(state: Initial, names: tuple[str, ...], job: int) -> list[Event]:
    """Stop all of a run. Raises SyncEnded."""
    if job in state.cancelled:
        return []
    return [InitialSyncCancelled(job=job), *syncs.cancel(state.going, names, job)]


class DeployTokenSpent(Refused):
    """The token began a run already, or another one was made since."""

    def __init__(self) -> None:
        super().__init__("The deploy token is not good any more; make another: dango deploy-token.")


class NoSources(Refused):
    """There is nothing to sync."""

    def __init__(self) -> None:
        super().__init__("No source is enabled.")


class NoInitialSync(Refused):
    """None goes on."""

    def __init__(self) -> None:
        super().__init__("No sync in progress")
