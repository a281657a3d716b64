"""Monitors: what is watched, and when it is looked at."""

import pytest
from msgspec.structs import replace

from commands.monitors import DECIDERS, ApplyMonitors, EndMonitorRun, RequestMonitorRun
from domain import monitor_runs, monitors, sources
from domain.monitors import Monitor
from tests.decisions import Scenario

SALES = Monitor(name="sales", source_table="raw_shop.sales")
SCOPE = monitor_runs.of_source("shop")
ASK = RequestMonitorRun(scope=SCOPE, monitors=(SALES,), seen=7)


def given(*events):
    return Scenario(DECIDERS, events)


def added(config=SALES):
    return monitors.MonitorAdded(monitor=config.name, config=config)


def asked(seen=7):
    return monitor_runs.MonitorRunRequested(scope=SCOPE, monitors=(SALES,), seen=seen)


def completed(job=1):
    return monitor_runs.MonitorRunCompleted(
        scope=SCOPE, job=job, evaluated=1, alerts=0, failed=0, snapshot=3
    )


def test_what_the_file_says_otherwise_is_told():
    other = replace(SALES, alert_threshold=20.0)
    gone = Monitor(name="gone", source_table="raw_shop.gone")
    changed = monitors.MonitorChanged(monitor="sales", config=other, changed=("alert_threshold",))
    removed = monitors.MonitorRemoved(monitor="gone")

    given().when(ApplyMonitors(monitors=(SALES,))).then(added())
    given(added(), added(gone)).when(ApplyMonitors(monitors=(other,))).then(removed, changed)


def test_a_file_switches_all_of_them():
    off = monitors.MonitoringDisabled()
    given(added()).when(ApplyMonitors(monitors=(SALES,), enabled=False)).then(off)
    given(off).when(ApplyMonitors(monitors=())).then(monitors.MonitoringEnabled())


def test_a_file_that_reads_well_again_is_told():
    refused = sources.ConfigurationRefused(file=monitors.FILE, reason="x")
    accepted = sources.ConfigurationAccepted(file=monitors.FILE)
    given(refused).when(ApplyMonitors(monitors=())).then(accepted)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "a b"),
        ("source_table", "sales"),
        ("source_table", "a.b.c"),
        ("value_expression", " "),
        ("value_expression", "x" * 2_001),
        ("filter", "a\0b"),
        ("alert_threshold", 0.0),
        ("alert_threshold", float("nan")),
        ("drill_down", tuple("abcdef")),
    ],
)
def test_what_cannot_be_asked_is_refused(key, value):
    monitor = replace(SALES, **{key: value})
    refusal = given().when(ApplyMonitors(monitors=(monitor,))).refused(monitors.MonitorInvalid)

    assert key == refusal.key


def test_the_number_of_monitors_is_bounded():
    many = tuple(replace(SALES, name=f"m{n}") for n in range(monitors.MONITORS_MAX + 1))
    given().when(ApplyMonitors(monitors=many)).refused(monitors.TooManyMonitors)


def test_a_publication_is_looked_at_once_and_on_demand_again():
    given().when(ASK).then(asked())
    given(asked()).when(ASK).then()
    given(asked(), completed()).when(ASK).then()
    given(asked(), completed()).when(replace(ASK, wanted=True)).then(asked())
    given(asked(), completed()).when(replace(ASK, seen=8)).then(asked(8))


def test_a_scope_has_one_run_at_a_time():
    given(asked()).when(replace(ASK, seen=8, wanted=True)).then()


def test_without_anything_to_watch_there_is_no_run():
    nothing = replace(ASK, monitors=())
    given().when(nothing).then()
    given().when(replace(nothing, wanted=True)).refused(monitor_runs.NothingToMonitor)


def test_a_run_ends_once_with_its_own_results():
    mine, other = (
        monitor_runs.MonitorFailed(monitor="sales", job=job, source_table="a.b", reason="no")
        for job in (1, 9)
    )
    end = EndMonitorRun(ending=completed(), results=(mine, other))

    given(asked()).when(end).then(mine, completed())
    given(asked(), completed()).when(end).then()
    given(asked()).when(replace(end, ending=completed(9))).then()
