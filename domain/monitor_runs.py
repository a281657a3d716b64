"""Looking at the numbers that are watched: asked for, evaluated, told.

A run looks at some monitors in one commit of the warehouse. Invariants: a scope (a source, the
models, everything) has at most one run that has not ended; by itself a publication is looked at
once.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from domain.kernel import Boundary, Event, Recorded, Refused, about
from domain.monitors import Monitor

RUNS: Final = "monitor_runs"
EVERYTHING: Final = "all"
MODELS: Final = "models"
PARTS_MAX: Final = 5  # of a drill-down, for each column
KEY_CHARS_MAX: Final = 100


def of_source(name: str) -> str:
    """The scope of a source."""
    return f"source:{name}"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """How much one value of a column has to do with a change; never of a masked column.

    `share` is from 0 to 1, of the changes of all values; `before` None: nobody knows any more.
    """

    column: str
    key: str | None
    now: float
    before: float | None
    share: float


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _RunEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "governance.view"
    scope: str

    def stream(self) -> str:
        return RUNS


class MonitorRunRequested(_RunEvent, frozen=True, kw_only=True, tag="monitor_run_requested"):
    """These monitors are to be looked at. Its position is the job's id."""

    monitors: tuple[Monitor, ...]
    seen: int = 0  # the newest publication that was known then


class _ResultEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "governance.view"
    monitor: str
    job: int
    source_table: str

    def stream(self) -> str:
        return f"monitor:{self.monitor}"


class MonitorEvaluated(_ResultEvent, frozen=True, kw_only=True, tag="monitor_evaluated"):
    """A number, and what is thought of it."""

    value: float
    verdict: str  # normal, alert, no_baseline
    compare: str
    basis: str  # what the verdict rests on: seasonal, day_over_day, threshold, none
    expected: float | None = None
    deviation: float | None = None
    change_pct: float | None = None
    raised: bool = False  # an alert that was none at the time before
    drill_down: tuple[Part, ...] = ()
    snapshot: int = 0


class MonitorFailed(_ResultEvent, frozen=True, kw_only=True, tag="monitor_failed"):
    """The number could not be had."""

    reason: str


class MonitorRunCompleted(_RunEvent, frozen=True, kw_only=True, tag="monitor_run_completed"):
    """All monitors of the run were looked at."""

    job: int
    evaluated: int
    alerts: int
    failed: int
    snapshot: int
    duration_s: float = 0.0


class MonitorRunFailed(_RunEvent, frozen=True, kw_only=True, tag="monitor_run_failed"):
    """The run ended without a result; what was known before stands."""

    job: int
    reason: str


Ending = MonitorRunCompleted | MonitorRunFailed
EVENTS: Final[tuple[type[Event], ...]] = (
    MonitorRunRequested,
    MonitorEvaluated,
    MonitorFailed,
    MonitorRunCompleted,
    MonitorRunFailed,
)


class MonitorRuns(msgspec.Struct, frozen=True):
    """By scope: the run that has not ended, and the newest publication that was looked at."""

    open: Mapping[str, int] = {}
    seen: Mapping[str, int] = {}


def evolve(state: MonitorRuns, recorded: Recorded) -> MonitorRuns:
    """Fold one event."""
    match recorded.event:
        case MonitorRunRequested(scope=scope, seen=seen):
            return MonitorRuns(
                {**state.open, scope: recorded.position}, {**state.seen, scope: seen}
            )
        case MonitorRunCompleted(scope=scope, job=job) | MonitorRunFailed(scope=scope, job=job) if (
            state.open.get(scope) == job
        ):
            return MonitorRuns({k: v for k, v in state.open.items() if k != scope}, state.seen)
        case _:
            return state


def boundary() -> Boundary:
    """All runs."""
    return about(RUNS)


def request(
    state: MonitorRuns, scope: str, monitors: Sequence[Monitor], *, seen: int, wanted: bool
) -> list[Event]:
    """Look at these monitors, once for each publication unless it is `wanted`.

    Raises NothingToMonitor.
    """
    if scope in state.open:
        return []
    if not monitors:
        if wanted:
            raise NothingToMonitor
        return []
    if not wanted and seen <= state.seen.get(scope, -1):
        return []
    return [MonitorRunRequested(scope=scope, monitors=tuple(monitors), seen=seen)]


def end(
    state: MonitorRuns, ending: Ending, results: Sequence[MonitorEvaluated | MonitorFailed]
) -> list[Event]:
    """End the open run of its scope, once."""
    if state.open.get(ending.scope) != ending.job:
        return []
    return [*(result for result in results if result.job == ending.job), ending]


class NothingToMonitor(Refused):
    """No monitor watches anything that there is."""

    def __init__(self) -> None:
        super().__init__("There is nothing to look at yet: no monitor, and no source with data.")
