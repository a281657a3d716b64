"""What is published is measured by the monitors that watch it, beside everything else."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from commands.inspecting import DrillDown, Measure, Measured, Measurer, Reading
from commands.kernel import Bus, Command
from commands.monitors import EndMonitorRun, RequestMonitorRun
from commands.policies.jobs import BUG, JobPolicy
from commands.ports import WorkFailed
from domain import model_runs, monitor_runs, syncs
from domain.anomalies import Judgement, Point, judge
from domain.kernel import Event, Recorded
from domain.monitor_runs import (
    MonitorEvaluated,
    MonitorFailed,
    MonitorRunCompleted,
    MonitorRunFailed,
    MonitorRunRequested,
    Part,
)
from domain.monitors import Monitor

DRILLS_MAX: Final = 20  # drill-downs in one run; further alerts are told without

Result = MonitorEvaluated | MonitorFailed
Column = tuple[str, str, str]  # schema, table, column

_log = logging.getLogger("dango.monitors")


class MonitorPolicy(JobPolicy):
    """Asks for runs behind what was published, and carries out those that were asked for."""

    name, what = "monitors", "monitor run"
    begins_at_head = True  # nobody waits for numbers of what was published long ago
    types: tuple[type[Event], ...] = (
        syncs.SyncCompleted,
        model_runs.ModelsBuilt,
        model_runs.ModelsRunFailed,
        MonitorRunRequested,
        MonitorRunCompleted,
        MonitorRunFailed,
    )

    def __init__(
        self,
        bus: Bus,
        warehouse: Measurer,
        *,
        request: Callable[[int], Recorded | None],
        due: Callable[[str], tuple[Sequence[Monitor], int]],
        past: Callable[[str, datetime], Sequence[Point]],
        verdicts: Callable[[], Mapping[str, str]],
        masked: Callable[[], frozenset[Column]],
        open_runs: Callable[[], Sequence[int]],
        clock: Callable[[], datetime],
    ) -> None:
        """`due`: the monitors of a scope that run by themselves, and its newest publication."""
        super().__init__(bus)
        self._warehouse, self._clock = warehouse, clock
        self._request, self._due, self._past = request, due, past
        self._verdicts, self._masked, self._open_runs = verdicts, masked, open_runs

    async def recover(self) -> None:
        """What a dead process was at is begun anew: measuring changes nothing."""
        self.begin_anew(self._open_runs(), self._request)

    async def react(self, recorded: Recorded) -> None:
        """As the policy says. What came while a run went on is asked for when it has ended."""
        match recorded.event:
            case MonitorRunRequested():
                self.begin(recorded)
            case syncs.SyncCompleted(source=name):
                await self._ask(monitor_runs.of_source(name), recorded)
            case model_runs.ModelsBuilt() | model_runs.ModelsRunFailed():
                await self._ask(monitor_runs.MODELS, recorded)
            case MonitorRunCompleted(scope=scope) | MonitorRunFailed(scope=scope):
                if scope != monitor_runs.EVERYTHING:
                    await self._ask(scope, recorded)
            case _:
                pass

    async def _ask(self, scope: str, cause: Recorded) -> None:
        monitors, seen = self._due(scope)
        if monitors:
            command = RequestMonitorRun(scope=scope, monitors=tuple(monitors), seen=seen)
            await self.send(command, cause)

    async def work(self, asked: Recorded) -> Command:
        """As the policy says."""
        begun, job, wanted = self._clock(), asked.position, asked.event
        assert isinstance(wanted, MonitorRunRequested)  # noqa: S101 - tells the type
        measured = await self._warehouse.measure(Measure(monitors=wanted.monitors))
        results = await self._results(job, wanted, measured)
        evaluated = [each for each in results if isinstance(each, MonitorEvaluated)]
        ending = MonitorRunCompleted(
            scope=wanted.scope,
            job=job,
            evaluated=len(evaluated),
            alerts=sum(each.verdict == "alert" for each in evaluated),
            failed=len(results) - len(evaluated),
            snapshot=measured.snapshot,
            duration_s=round((self._clock() - begun).total_seconds(), 3),
        )
        return EndMonitorRun(ending=ending, results=tuple(results))

    def failed(self, asked: Recorded, reason: str) -> Command:
        """As the policy says."""
        wanted = asked.event
        assert isinstance(wanted, MonitorRunRequested)  # noqa: S101 - tells the type
        failed = MonitorRunFailed(scope=wanted.scope, job=asked.position, reason=reason)
        return EndMonitorRun(ending=failed)

    async def _results(
        self, job: int, asked: MonitorRunRequested, measured: Measured
    ) -> list[Result]:
        readings = {each.monitor: each for each in measured.readings}
        before, drills = self._verdicts(), DRILLS_MAX
        results: list[Result] = []
        for monitor in asked.monitors:
            reading = readings.get(monitor.name, Reading(monitor=monitor.name))
            if reading.value is None:
                results.append(_failed(job, monitor, reading.error or BUG))
                continue
            now = Point(self._clock(), reading.value, measured.snapshot)
            judged = judge(
                self._past(monitor.name, now.at), now, monitor.compare, monitor.alert_threshold
            )
            parts: tuple[Part, ...] = ()
            if judged.anomaly and monitor.drill_down and drills > 0:
                drills -= 1
                parts = await self._parts(monitor, judged)
            raised = judged.anomaly and before.get(monitor.name) != "alert"
            results.append(_evaluated(job, monitor, now, judged, parts=parts, raised=raised))
            await asyncio.sleep(0)  # many comparisons are not to hold up who waits for an answer
        return results

    async def _parts(self, monitor: Monitor, judged: Judgement) -> tuple[Part, ...]:
        """Which parts changed; masked columns are not asked for. Without them, none are told."""
        masked = {
            column.casefold()
            for schema, table, column in self._masked()
            if (schema.casefold(), table.casefold())
            == (monitor.schema.casefold(), monitor.table.casefold())
        }
        columns = tuple(name for name in monitor.drill_down if name.casefold() not in masked)
        before = judged.baseline.snapshot if judged.baseline is not None else 0
        task = DrillDown(monitor=monitor, columns=columns, before=before or None)
        try:
            return (await self._warehouse.drill_down(task)).parts if columns else ()
        except WorkFailed as error:
            _log.warning("no drill-down of %s: %s", monitor.name, error.reason)
            return ()


def _failed(job: int, monitor: Monitor, reason: str) -> MonitorFailed:
    return MonitorFailed(
        monitor=monitor.name, job=job, source_table=monitor.source_table, reason=reason
    )


def _evaluated(
    job: int,
    monitor: Monitor,
    now: Point,
    judged: Judgement,
    *,
    parts: tuple[Part, ...],
    raised: bool,
) -> MonitorEvaluated:
    known = "normal" if judged.expected is not None else "no_baseline"
    return MonitorEvaluated(
        monitor=monitor.name,
        job=job,
        source_table=monitor.source_table,
        value=now.value,
        verdict="alert" if judged.anomaly else known,
        compare=monitor.compare.value,
        basis=judged.basis,
        expected=judged.expected,
        deviation=judged.deviation,
        change_pct=judged.change_pct,
        raised=raised,
        drill_down=parts,
        snapshot=now.snapshot,
    )
