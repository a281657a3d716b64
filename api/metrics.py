"""GET /metrics: figures for Prometheus, in its text format.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from litestar import Response

from api.call import Call
from api.platform import Platform
from commands.machine import Machine
from projections import health, monitors, sources
from projections.engine import Reader, ViewsBroken

MEDIA_TYPE: Final = "text/plain; version=0.0.4"
SERIES_MAX: Final = 2_000  # of one metric: more sources or monitors than that are left out

Labels = Mapping[str, str]
Sample = tuple[Labels, float]


class Metric(NamedTuple):
    """One metric with its samples; `kind` is gauge or counter."""

    name: str
    kind: str
    help: str
    samples: list[Sample]


async def metrics(call: Call) -> Response[str]:
    """Give figures for Prometheus."""
    platform = call.platform
    machine = None if platform.gauges is None else await platform.gauges.machine()
    try:
        reader = platform.views.current
    except ViewsBroken:
        reader = None
    found = [*_process(platform, reader), *_workers(platform)]
    if machine is not None:
        found += _machine(machine)
    if reader is not None:
        found += _data(reader)
    return Response(text(found), media_type=MEDIA_TYPE)


def text(found: list[Metric]) -> str:
    """The metrics as Prometheus reads them."""
    lines = []
    for metric in found:
        lines.append(f"# HELP {metric.name} {_escaped(metric.help)}")
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        lines += [
            f"{metric.name}{_labels(labels)} {_number(value)}"
            for labels, value in metric.samples[:SERIES_MAX]
        ]
    return "\n".join(lines) + "\n"


def _process(platform: Platform, reader: Reader | None) -> Iterator[Metric]:
    head = platform.history.head()
    lag = 0 if reader is None else max(head - reader.position, 0)
    problems = sum(check() is not None for check in platform.checks)
    uptime = (platform.clock() - platform.started_at).total_seconds()
    yield _one("dango_info", "The version that runs.", 1, {"version": platform.version})
    yield _one("dango_ready", "1 when requests are served rightly.", 0 if problems else 1)
    failing = len(platform.clocks())
    yield _one("dango_clocks_failing", "Clocks that do not notice what is due.", failing)
    yield _one("dango_uptime_seconds", "Since the start of the server.", uptime)
    yield _one("dango_log_position", "The position of the last event.", head)
    yield _one("dango_projections_lag_events", "How far read models are behind the log.", lag)
    broken = int(reader is None)
    yield _one("dango_projections_broken", "1 when the read models have stopped.", broken)
    if platform.gauges is not None:
        rate = platform.gauges.events_per_minute()
        yield _one("dango_events_per_minute", "Events written, mean of five minutes.", rate)


def _workers(platform: Platform) -> Iterator[Metric]:
    if platform.gauges is None:
        return
    every = platform.gauges.workers()
    states = ("idle", "busy", "waiting")
    samples: list[Sample] = [
        ({"kind": each.kind, "state": state}, getattr(each, state))
        for each in every
        for state in states
    ]
    yield Metric("dango_workers", "gauge", "Workers, and tasks that wait for one.", samples)
    for what in ("tasks", "died", "killed"):
        counted: list[Sample] = [({"kind": each.kind}, getattr(each, what)) for each in every]
        words = "Tasks of workers." if what == "tasks" else f"Workers that {_ENDED[what]}."
        yield Metric(f"dango_worker_{what}_total", "counter", words, counted)


def _machine(machine: Machine) -> Iterator[Metric]:
    sizes = machine.sizes
    yield _one("dango_disk_free_bytes", "Free on the project's disk.", machine.disk_free_bytes)
    yield _one("dango_disk_total_bytes", "Size of the project's disk.", machine.disk_total_bytes)
    parts: dict[str, float] = {
        "warehouse": sizes.warehouse + sizes.catalog,
        "events": sizes.events,
        "read_models": sizes.views,
        "uploads": sum(sizes.uploads.values()),
        "dbt": sizes.dbt,
        "logs": sizes.logs,
        "backups": sizes.backups,
    }
    samples: list[Sample] = [({"part": part}, size) for part, size in parts.items()]
    yield Metric("dango_size_bytes", "gauge", "What the project's folders hold.", samples)
    optional = {
        "dango_cpu_percent": ("How busy the processors are.", machine.cpu_pct),
        "dango_memory_total_bytes": ("Memory of the machine.", machine.memory_total_bytes),
        "dango_memory_available_bytes": (
            "Memory that can be had.",
            machine.memory_available_bytes,
        ),
        "dango_resident_memory_bytes": ("Memory of the server.", machine.process_bytes),
        "dango_load1": ("Load of one minute.", machine.load[0] if machine.load else None),
    }
    for name, (words, value) in optional.items():
        if value is not None:
            yield _one(name, words, value)


def _data(reader: Reader) -> Iterator[Metric]:
    summary = health.summary(reader)
    states: list[Sample] = [
        ({"status": status}, count) for status, count in summary.sources_by_status.items()
    ]
    yield Metric("dango_sources", "gauge", "Sources, by state.", states)
    failing: list[Sample] = [
        ({"source": each.name}, each.count) for each in summary.failing_sources
    ]
    yield Metric("dango_sync_failures", "gauge", "Failed syncs in a row.", failing)
    now = reader.now
    ages: list[Sample] = [
        ({"source": name}, (now - at).total_seconds()) for name, at in summary.synced_at.items()
    ]
    yield Metric("dango_source_age_seconds", "gauge", "Since the data was published.", ages)
    rows: list[Sample] = [
        ({"schema": schema}, count) for schema, count in summary.rows_by_schema.items()
    ]
    yield Metric("dango_rows", "gauge", "Rows, by schema.", rows)
    yield _one("dango_failing_models", "Models that fail.", len(summary.failing_models))
    seen = [each for each in monitors.every(reader) if each.result is not None]
    values: list[Sample] = [
        ({"monitor": each.config.name}, each.result.value)
        for each in seen
        if each.result is not None and each.result.value is not None
    ]
    yield Metric("dango_monitor_value", "gauge", "The last value of a monitor.", values)
    alerts: list[Sample] = [
        ({"monitor": each.config.name}, 1)
        for each in seen
        if each.result is not None and each.result.verdict == "alert"
    ]
    yield Metric("dango_monitor_alert", "gauge", "Monitors that are on alert.", alerts)
    refused = int(sources.refusal(reader) is not None)
    yield _one("dango_configuration_refused", "1 when a file is not in force.", refused)


_ENDED: Final = {"died": "ended by themselves", "killed": "were killed"}


def _one(name: str, words: str, value: float, labels: Labels | None = None) -> Metric:
    return Metric(name, "gauge", words, [(labels or {}, value)])


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{_quoted(value)}"' for name, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', '\\"')


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
