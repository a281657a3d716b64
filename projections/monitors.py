"""What is watched, what was seen last, and the values of the past."""

import functools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from domain import model_runs, monitor_runs, monitors, sources, syncs
from domain.anomalies import PAST, Point
from domain.kernel import Recorded
from domain.monitor_runs import Part
from domain.monitors import Monitor
from projections.engine import Projection, Reader, Rows, Table, stamp

MONITORS: Final = Table(
    name="monitors",
    columns={"name": "TEXT NOT NULL", "config": "TEXT NOT NULL"},
    key=("name",),
    few=True,
)
AUTOMATIC: Final = Table(
    name="automatic_monitors",
    columns={"source": "TEXT NOT NULL", "configs": "TEXT NOT NULL"},  # JSON array of Monitor
    key=("source",),
    few=True,
)
SWITCH: Final = Table(
    name="monitoring",
    columns={"id": "INTEGER NOT NULL", "enabled": "INTEGER NOT NULL"},
    key=("id",),
    few=True,
)
RUNS: Final = Table(
    name="monitor_runs",
    columns={
        "scope": "TEXT NOT NULL",
        "job": "INTEGER NOT NULL",  # the open one, or the last
        "status": "TEXT NOT NULL",  # running, success, failed
        "at": "TEXT NOT NULL",
        "error": "TEXT",
    },
    key=("scope",),
    few=True,
)
# Of each monitor the last result; the values of all times are apart.
RESULTS: Final = Table(
    name="monitor_results",
    columns={
        "monitor": "TEXT NOT NULL",
        "at": "TEXT NOT NULL",
        "verdict": "TEXT NOT NULL",  # normal, alert, no_baseline, error
        "result": "TEXT NOT NULL",  # JSON of Result
    },
    key=("monitor",),
    few=True,
)
VALUES: Final = Table(
    name="monitor_values",
    columns={
        "position": "INTEGER NOT NULL",
        "monitor": "TEXT NOT NULL",
        "at": "TEXT NOT NULL",
        "value": "REAL NOT NULL",
        "snapshot": "INTEGER NOT NULL",
    },
    key=("position",),
    grows="position",
    indexes=("monitor, at",),
)
PUBLISHED: Final = Table(
    name="monitored_publications",
    columns={"scope": "TEXT NOT NULL", "position": "INTEGER NOT NULL"},
    key=("scope",),
    few=True,
)
PUBLISHED_KEPT: Final = 1_024  # sources whose tables are known; they seldom change
READ: Final = (MONITORS.name, AUTOMATIC.name, RESULTS.name, "source_states")


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of a monitor; with an `error` nothing."""

    value: float | None = None
    verdict: str = "error"
    compare: str | None = None
    expected: float | None = None
    deviation: float | None = None
    change_pct: float | None = None
    basis: str | None = None
    drill_down: tuple[Part, ...] = ()
    error: str | None = None
    job: int = 0


_json: Final = msgspec.json.Encoder().encode
_monitor: Final = msgspec.json.Decoder(Monitor)
_monitors: Final = msgspec.json.Decoder(tuple[Monitor, ...])
_result: Final = msgspec.json.Decoder(Result)


def _text(value: Any) -> str:
    return _json(value).decode()


def _written(rows: Rows, e: monitors.MonitorAdded | monitors.MonitorChanged, _: Recorded) -> None:
    rows.put(MONITORS, name=e.monitor, config=_text(e.config))


def _removed(rows: Rows, e: monitors.MonitorRemoved, _: Recorded) -> None:
    rows.remove(MONITORS, name=e.monitor)


def _switched(
    rows: Rows, e: monitors.MonitoringEnabled | monitors.MonitoringDisabled, _: Recorded
) -> None:
    rows.put(SWITCH, id=1, enabled=int(isinstance(e, monitors.MonitoringEnabled)))


def _published(rows: Rows, e: syncs.SyncCompleted, r: Recorded) -> None:
    tables = tuple([(table.schema, table.name) for table in e.tables])
    rows.put(AUTOMATIC, source=e.source, configs=_row_counts(e.source, tables))
    rows.put(PUBLISHED, scope=monitor_runs.of_source(e.source), position=r.position)


@functools.lru_cache(maxsize=PUBLISHED_KEPT)
def _row_counts(source: str, tables: tuple[tuple[str, str], ...]) -> str:
    return _text([monitors.row_count(source, *table) for table in tables])


def _built(rows: Rows, _: model_runs.ModelsBuilt | model_runs.ModelsRunFailed, r: Recorded) -> None:
    rows.put(PUBLISHED, scope=monitor_runs.MODELS, position=r.position)


def _source_removed(rows: Rows, e: sources.SourceRemoved, _: Recorded) -> None:
    rows.remove(AUTOMATIC, source=e.source)


def _requested(rows: Rows, e: monitor_runs.MonitorRunRequested, r: Recorded) -> None:
    values = {"job": r.position, "status": "running", "at": stamp(r.at), "error": None}
    rows.put(RUNS, scope=e.scope, **values)


def _completed(rows: Rows, e: monitor_runs.MonitorRunCompleted, r: Recorded) -> None:
    rows.change(RUNS, e.scope, status="success", at=stamp(r.at))


def _run_failed(rows: Rows, e: monitor_runs.MonitorRunFailed, r: Recorded) -> None:
    rows.change(RUNS, e.scope, status="failed", at=stamp(r.at), error=e.reason)


def _evaluated(rows: Rows, e: monitor_runs.MonitorEvaluated, r: Recorded) -> None:
    values = {name: getattr(e, name) for name in Result.__struct_fields__ if name != "error"}
    _put_result(rows, e.monitor, Result(**values), r)
    rows.put(
        VALUES,
        position=r.position,
        monitor=e.monitor,
        at=stamp(r.at),
        value=e.value,
        snapshot=e.snapshot,
    )


def _failed(rows: Rows, e: monitor_runs.MonitorFailed, r: Recorded) -> None:
    _put_result(rows, e.monitor, Result(error=e.reason, job=e.job), r)


def _put_result(rows: Rows, monitor: str, result: Result, r: Recorded) -> None:
    at = stamp(r.at)
    rows.put(RESULTS, monitor=monitor, at=at, verdict=result.verdict, result=_text(result))


PROJECTION: Final = Projection(
    name="monitors",
    tables=(MONITORS, AUTOMATIC, SWITCH, RUNS, RESULTS, VALUES, PUBLISHED),
    on={
        monitors.MonitorAdded: _written,
        monitors.MonitorChanged: _written,
        monitors.MonitorRemoved: _removed,
        monitors.MonitoringEnabled: _switched,
        monitors.MonitoringDisabled: _switched,
        syncs.SyncCompleted: _published,
        model_runs.ModelsBuilt: _built,
        model_runs.ModelsRunFailed: _built,
        sources.SourceRemoved: _source_removed,
        monitor_runs.MonitorRunRequested: _requested,
        monitor_runs.MonitorRunCompleted: _completed,
        monitor_runs.MonitorRunFailed: _run_failed,
        monitor_runs.MonitorEvaluated: _evaluated,
        monitor_runs.MonitorFailed: _failed,
    },
)


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """A monitor, whose its table is, and what was seen last."""

    config: Monitor
    source: str | None  # None: a model's table, or nobody's
    at: datetime | None = None
    result: Result | None = None


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a monitor."""

    metric: str
    value: float
    recorded_at: datetime


def every(reader: Reader) -> tuple[Watched, ...]:
    """All monitors by name; those of the file go before those that are there by themselves."""
    return reader.kept(READ, _every) or ()


def _every(reader: Reader) -> tuple[Watched, ...]:
    known: dict[str, Monitor] = {}
    owners: dict[str, str] = {}
    sql = "SELECT source, configs FROM automatic_monitors JOIN source_states s ON s.name = source"
    for source, configs in reader.rows(sql):
        for config in _monitors.decode(configs):
            known[config.name] = config
            owners[config.schema] = source
    for (config,) in reader.rows("SELECT config FROM monitors"):
        written = _monitor.decode(config)
        known[written.name] = written
    last = reader.rows("SELECT monitor, at, result FROM monitor_results")
    results = {name: more for name, *more in last}
    return tuple(
        _watched(known[name], owners.get(known[name].schema), results.get(name))
        for name in sorted(known)
    )


def _watched(config: Monitor, source: str | None, last: Sequence[Any] | None) -> Watched:
    if last is None:
        return Watched(config=config, source=source)
    at, result = datetime.fromisoformat(last[0]), _result.decode(last[1])
    return Watched(config=config, source=source, at=at, result=result)


def enabled(reader: Reader) -> bool:
    """Whether monitors run by themselves."""
    row = reader.row("SELECT enabled FROM monitoring WHERE id = 1")
    return row is None or bool(row[0])


def due(reader: Reader, scope: str) -> tuple[Monitor, ...]:
    """The monitors that a scope is about."""
    return tuple(
        each.config
        for each in every(reader)
        if scope == monitor_runs.EVERYTHING
        or (scope == monitor_runs.MODELS and each.source is None)
        or (each.source is not None and scope == monitor_runs.of_source(each.source))
    )


def published(reader: Reader, scope: str) -> int:
    """The position of the newest publication of a scope."""
    sql = "SELECT max(position) FROM monitored_publications WHERE :scope IN (scope, 'all')"
    row = reader.row(sql, scope=scope)
    return int(row[0] or 0) if row else 0


def open_runs(reader: Reader) -> list[int]:
    """The jobs that have not ended, oldest first."""
    found = reader.rows("SELECT job FROM monitor_runs WHERE status = 'running' ORDER BY job")
    return [job for (job,) in found]


def running(reader: Reader, scope: str) -> int | None:
    """The open run of a scope."""
    sql = "SELECT job FROM monitor_runs WHERE scope = :scope AND status = 'running'"
    row = reader.row(sql, scope=scope)
    return None if row is None else int(row[0])


def failure(reader: Reader, scope: str, job: int) -> str | None:
    """Why a run ended without a result, if it did and was the last one."""
    sql = "SELECT error FROM monitor_runs WHERE scope = :scope AND job = :job"
    row = reader.row(sql, scope=scope, job=job)
    return None if row is None else row[0]


def past(reader: Reader, monitor: str, now: datetime, span: timedelta = PAST) -> list[Point]:
    """The values that a new one is compared with, in order of time: the last one of each hour."""
    rows = reader.rows(
        "SELECT max(at), value, snapshot FROM monitor_values"
        " WHERE monitor = :monitor AND at >= :since GROUP BY substr(at, 1, 13) ORDER BY at",
        monitor=monitor,
        since=stamp(now - span),
    )
    return [Point(datetime.fromisoformat(at), value, snapshot) for at, value, snapshot in rows]


def values(reader: Reader, metric: str | None, days: int, limit: int) -> list[Value]:
    """The values of one monitor, or of all, in order of time; the newest, when there are more."""
    rows = reader.rows(
        "SELECT monitor, value, at FROM monitor_values"
        " WHERE (:metric IS NULL OR monitor = :metric) AND at >= :since"
        " ORDER BY at DESC, position DESC LIMIT :limit",
        metric=metric,
        since=stamp(reader.now - timedelta(days=days)),
        limit=limit,
    )
    return [
        Value(metric=name, value=value, recorded_at=datetime.fromisoformat(at))
        for name, value, at in reversed(rows)
    ]


def names_ever(reader: Reader, metric: str) -> bool:
    """Whether there is or was a monitor of this name that has values."""
    sql = "SELECT 1 FROM monitor_values WHERE monitor = :metric LIMIT 1"
    return reader.row(sql, metric=metric) is not None
