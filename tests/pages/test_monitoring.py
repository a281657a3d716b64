"""The numbers that are watched: what is expected of them, drawn and in figures; the forms."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages import bands
from commands.monitors import EndMonitorRun, RequestMonitorRun
from domain.anomalies import Compare, Point, judge
from domain.monitor_runs import EVERYTHING, MonitorEvaluated, MonitorRunCompleted
from projections import monitors
from tests.pages.site import PASSWORD, Site, look
from tests.pages.test_sources import actions, tell

METRIC = "orders_orders_row_count"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NEW = {"name": "turnover", "source_table": "raw_orders.orders", "value_expression": "sum(id)"}


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def daily(values):
    return [Point(NOON + timedelta(days=day), value) for day, value in enumerate(values)]


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80),
    st.sampled_from([each for each in Compare if each is not Compare.NONE]),
    st.one_of(st.none(), st.floats(1, 200)),
    st.floats(-2e6, 2e6),
)
def test_what_lies_within_the_bounds_is_no_anomaly_and_what_lies_beyond_is_one(
    values, compare, threshold, value
):
    past = daily(values)
    now = past[-1].at + timedelta(days=1)
    found = judge(past, Point(now, value), compare, threshold)
    if found.low is None or found.high is None:
        return
    near = max(1e-6, abs(found.low), abs(found.high)) * 1e-6
    if found.low + near < value < found.high - near:
        assert not found.anomaly
    if value < found.low - near or value > found.high + near:
        assert found.anomaly


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=60))
def test_the_picture_of_any_numbers_stays_within_its_frame(values):
    points = daily(values)
    found = bands.band(bands.seen(points, NOON, Compare.SEASONAL, None))
    for path in (found.line, found.area, found.off.replace("h0", " ")):
        numbers = [float(each) for each in re.findall(r"-?[0-9.]+", path)]
        assert all(0 <= x <= bands.WIDTH for x in numbers[::2])
        assert all(0 <= y <= bands.HEIGHT for y in numbers[1::2])


def test_of_many_values_the_last_of_each_day_is_shown_and_an_odd_one_marked():
    hours = [NOON + timedelta(hours=hour) for hour in range(24 * 60)]
    points = [Point(at, 100.0 + at.hour) for at in hours]
    points[-1] = Point(points[-1].at, 9.0)
    found = bands.seen(points, NOON, Compare.SEASONAL, None)
    assert len(found) <= bands.SHOWN_MAX
    assert [True] == [each.anomaly for each in found][-1:]
    assert not any(each.anomaly for each in found[:-1])


async def measured(site, value):
    """A look at all that is watched, of which each number is this."""
    watched = monitors.due(site.views.current, EVERYTHING)
    asked = RequestMonitorRun(scope=EVERYTHING, monitors=watched, seen=1, wanted=True)
    job = (await site.tell(asked)).position
    results = tuple(
        MonitorEvaluated(
            monitor=each.name,
            job=job,
            source_table=each.source_table,
            value=value,
            verdict="alert" if value > 100 else "normal",
            compare="seasonal",
            basis="seasonal",
            expected=10.0,
        )
        for each in watched
    )
    ending = MonitorRunCompleted(
        scope=EVERYTHING, job=job, evaluated=1, alerts=0, failed=0, snapshot=1
    )
    await site.tell(EndMonitorRun(ending=ending, results=results))


@tell
async def test_a_number_is_shown_with_its_verdict_and_its_past(site, people):
    viewer = people["viewer"]
    assert "Nothing is watched yet" in (await look(viewer, "/monitoring")).text
    await site.configure("orders")
    await site.succeed("orders")
    assert "Not measured yet" in (await look(viewer, "/monitoring")).text
    for value in (*range(10, 22), 4321.0):
        await measured(site, float(value))
        site.clock.forward(days=1)
    viewer = await site.logged_in("viewer@example.org", PASSWORD)  # its session has run out
    page = await look(viewer, "/monitoring")
    assert "1 of 1 number not as expected." in page.text
    assert page.has("a", href=f"/monitoring?metric={METRIC}#history")
    one = await look(viewer, f"/monitoring?metric={METRIC}")
    assert (200, []) == (one.status, one.wrong)
    assert one.has("path", **{"class": "off"})
    assert one.has("path", **{"class": "area"})
    assert "4,321" in one.text
    assert one.has("details", id="values")
    past = await look(viewer, f"/monitoring?metric={METRIC}&as_of={site.log.head() - 4}")
    assert "4,321" not in past.text
    for query, status in (("metric=none", 404), (f"metric={METRIC}&days=0", 422),
                          (f"metric={METRIC}&days=x", 422)):  # fmt: skip
        assert status == (await look(viewer, f"/monitoring?{query}")).status


@tell
async def test_monitors_are_added_changed_and_removed_by_who_governs(site, people):
    admin = people["admin"]
    await site.configure("orders")
    await site.succeed("orders")
    assert {"/logout", "/monitoring/run"} == actions(await look(people["viewer"], "/monitoring"))
    made = await admin.post("/monitoring", data=NEW)
    assert (303, "/monitoring?metric=turnover#history") == (
        made.status_code,
        made.headers.get("location"),
    ), made.text
    page = await look(admin, "/monitoring?metric=turnover")
    assert {"/monitors/turnover", "/monitors/turnover/remove"} <= actions(page)
    changed = await admin.post("/monitors/turnover", data={"alert_threshold": "20"})
    assert 303 == changed.status_code, changed.text
    assert "within 20" in (await look(admin, "/monitoring?metric=turnover")).text
    again = await admin.post("/monitoring", data={**NEW, "name": "t2", "source_table": "nonsense"})
    assert (422, True) == (again.status_code, "data-problem" in again.text)
    assert 303 == (await admin.post("/monitors/turnover/remove")).status_code
    assert "turnover" not in (await look(admin, "/monitoring")).text
    assert 404 == (await admin.post("/monitors/none/remove")).status_code
    for path in ("/monitoring", "/monitors/turnover", "/monitors/turnover/remove"):
        assert 403 == (await people["editor"].post(path, data=NEW)).status_code
