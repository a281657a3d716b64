"""/api/monitoring: the numbers that are watched, what is thought of them, and their past."""

import asyncio
from datetime import datetime
from typing import Final

import msgspec

from api import masks
from api.call import Call
from api.errors import Denied, invalid
from commands.monitors import RequestMonitorRun
from domain import monitor_runs
from domain.monitors import MonitorMissing
from domain.sources import SourceMissing
from projections import models, monitors, sources
from projections.engine import Reader
from projections.monitors import Value, Watched
from projections.pii import Key

DAYS: Final = 30
DAYS_MAX: Final = 366
POINTS_MAX: Final = 10_000  # in one answer, the newest
RUN_S_MAX: Final = 120.0  # that an answer waits for a run
POLL_S: Final = 0.05
UNKNOWN: Final = "unknown"  # the verdict before the first run
TEST_TABLES: Final = ("models", "model_builds", "model_tests", "source_states")


class PartView(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a change is one value's of a column; `contribution_pct` is of all changes."""

    dimension: str
    key: str | None
    value: float
    baseline_value: float | None
    contribution_pct: float


class MetricView(msgspec.Struct, frozen=True, kw_only=True):
    """A number that is watched. `source` is the schema of its table."""

    name: str
    status: str  # normal, alert, no_baseline, error, unknown
    value: float | None
    change_pct: float | None
    comparison_type: str | None
    baseline_value: float | None
    exceeds_threshold: bool
    trend_direction: None = None
    forecast_threshold_days: None = None
    source: str
    table_name: str
    drill_down: list[PartView]
    error: str | None
    deviation: float | None  # from what its past lets expect, in sigmas
    basis: str | None
    evaluated_at: datetime | None
    automatic: bool


class DbtTest(msgspec.Struct, frozen=True, kw_only=True):
    """How a test of a model came out."""

    test_name: str
    status: str | None
    model_name: str | None
    execution_time: float | None


class Monitoring(msgspec.Struct, frozen=True, kw_only=True):
    """All that is watched; `flagged` is the number of alerts."""

    metrics: list[MetricView]
    total: int
    flagged: int
    dbt_tests: list[DbtTest]


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The values of one monitor, or of all."""

    metric: str | None
    days: int
    data_points: list[Value]


async def list_metrics(call: Call) -> Monitoring:
    """Tell what the last runs saw, without running anything."""
    return _answer(call, call.views, None)


async def run(call: Call, source: str | None = None) -> Monitoring:
    """Measure all that is watched now, or that of one source, and tell what came of it."""
    scope = monitor_runs.EVERYTHING
    if source is not None:
        source = _named(call.views, source)
        scope = monitor_runs.of_source(source)
    command = RequestMonitorRun(
        scope=scope,
        monitors=monitors.due(call.views, scope),
        seen=monitors.published(call.views, scope),
        wanted=True,
    )
    outcome = await call.send(command)
    current = call.platform.views.current
    job = outcome.recorded[0].position if outcome.recorded else monitors.running(current, scope)
    if job is not None:
        await _ended(call, scope, job)
    return _answer(call, call.platform.views.current, source)


async def history(call: Call, days: int = DAYS, metric: str | None = None) -> History:
    """Give the values of the last days: of one monitor, or of all."""
    if not 1 <= days <= DAYS_MAX:
        raise invalid("days", f"must be from 1 to {DAYS_MAX}")
    if metric is not None:
        known = {each.config.name for each in monitors.every(call.views)}
        if metric not in known and not monitors.names_ever(call.views, metric):
            raise MonitorMissing(metric)
    found = monitors.values(call.views, metric, days, POINTS_MAX)
    return History(metric=metric, days=days, data_points=found)


async def _ended(call: Call, scope: str, job: int) -> None:
    """Wait until a run has ended. Raises Denied, 503."""
    waited_s = 0.0
    while monitors.running(call.platform.views.current, scope) == job:
        if waited_s >= RUN_S_MAX:
            detail = "The run goes on; ask GET /api/monitoring for what it has seen."
            raise Denied(503, detail, retry_after=10)
        await asyncio.sleep(POLL_S)
        waited_s += POLL_S
    if (reason := monitors.failure(call.platform.views.current, scope, job)) is not None:
        raise Denied(503, f"The run failed: {reason}", retry_after=10)


def _named(reader: Reader, given: str) -> str:
    """The source that is meant, by its own name or by that of its schema. Raises SourceMissing."""
    known = {health.config.name for health in sources.every(reader)}
    found = given if given in known else sources.schemas(reader).get(given)
    if found is None:
        raise SourceMissing(given)
    return found


def _answer(call: Call, reader: Reader, source: str | None) -> Monitoring:
    masked = masks.masked(call)
    metrics = [
        _view(each, masked)
        for each in monitors.every(reader)
        if source is None or each.source == source
    ]
    flagged = sum(metric.status == "alert" for metric in metrics)
    tests = list(reader.kept(TEST_TABLES, _tests) or ())
    return Monitoring(metrics=metrics, total=len(metrics), flagged=flagged, dbt_tests=tests)


def _tests(reader: Reader) -> tuple[DbtTest, ...]:
    return tuple(
        DbtTest(
            test_name=test.test,
            status=test.status,
            model_name=model.config.name,
            execution_time=test.duration_s,
        )
        for model in models.every(reader)
        for test in model.tests
    )


def _view(each: Watched, masked: frozenset[Key]) -> MetricView:
    config, last = each.config, each.result or monitors.Result(verdict=UNKNOWN)
    parts = last.drill_down
    hidden = masks.of_table(masked, config.schema, config.table) if parts else frozenset()
    return MetricView(
        name=config.name,
        status=last.verdict,
        value=last.value,
        change_pct=last.change_pct,
        comparison_type=last.compare or config.compare.value,
        baseline_value=last.expected,
        exceeds_threshold=last.verdict == "alert",
        source=config.schema,
        table_name=config.table,
        drill_down=[
            PartView(
                dimension=part.column,
                key=part.key,
                value=part.now,
                baseline_value=part.before,
                contribution_pct=part.share * 100,
            )
            for part in parts
            # What was found to tell of persons since then is not told any more.
            if part.column.casefold() not in hidden
        ],
        error=last.error,
        deviation=last.deviation,
        basis=last.basis,
        evaluated_at=each.at,
        automatic=config.automatic,
    )
