"""Taking what the configuration says about monitors, and looking at what they watch."""

from collections.abc import Sequence
from typing import Any, Final, assert_never

from commands.kernel import Command
from domain import monitor_runs, monitors
from domain.kernel import Decider, Event


class ApplyMonitors(Command, frozen=True, kw_only=True):
    """monitors.yml reads like this now."""

    monitors: tuple[monitors.Monitor, ...]
    enabled: bool = True


class RequestMonitorRun(Command, frozen=True, kw_only=True):
    """Look at these monitors; `seen` is the position of the newest publication that is known."""

    scope: str
    monitors: tuple[monitors.Monitor, ...]
    seen: int
    wanted: bool = False


class EndMonitorRun(Command, frozen=True, kw_only=True):
    """A run has ended like this."""

    ending: monitor_runs.MonitorRunCompleted | monitor_runs.MonitorRunFailed
    results: tuple[monitor_runs.MonitorEvaluated | monitor_runs.MonitorFailed, ...] = ()


RunCommand = RequestMonitorRun | EndMonitorRun


def decide(state: monitors.Monitors, command: ApplyMonitors) -> Sequence[Event]:
    """Choose the decision."""
    return monitors.apply(state, command.monitors, enabled=command.enabled)


def decide_run(state: monitor_runs.MonitorRuns, command: RunCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case RequestMonitorRun(scope=scope, monitors=wanted):
            return monitor_runs.request(
                state, scope, wanted, seen=command.seen, wanted=command.wanted
            )
        case EndMonitorRun():
            return monitor_runs.end(state, command.ending, command.results)
        case _:
            assert_never(command)


_MONITORS: Final = Decider(
    initial=monitors.Monitors(),
    boundary=lambda _: monitors.boundary(),
    evolve=monitors.evolve,
    decide=decide,
)
_RUNS: Final = Decider(
    initial=monitor_runs.MonitorRuns(),
    boundary=lambda _: monitor_runs.boundary(),
    evolve=monitor_runs.evolve,
    decide=decide_run,
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    ApplyMonitors: _MONITORS,
    RequestMonitorRun: _RUNS,
    EndMonitorRun: _RUNS,
}
