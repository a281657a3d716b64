"""Pictures of time: a run of models, the calendar of a source, events over time."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages import calendar, times
from domain import model_runs
from projections import model_runs as runs
from projections import syncs
from projections.engine import stamp
from projections.syncs import Day
from tests import datasets, modelled
from tests.pages.site import Site, look
from tests.pages.test_sources import tell
from tests.projections.reading import reading

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TODAY = date(2026, 1, 1)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@given(st.lists(st.datetimes(datetime(2020, 1, 1), datetime(2026, 1, 1)), min_size=2))  # noqa: DTZ001
def test_every_event_stands_in_one_bar_and_each_bar_names_its_part_of_time(found):
    at = sorted((each.replace(tzinfo=UTC) for each in found), reverse=True)
    spread = times.histogram([stamp(each) for each in at], "type:sync_* since:2d")
    assert len(at) == sum(bar.count for bar in spread.bars)
    assert len(spread.bars) <= times.BARS
    for bar in spread.bars:
        assert bar.count == sum(bar.since <= each < bar.until for each in at)
        assert bar.filter.startswith("type:sync_* since:20")
        assert 0 <= bar.box.x <= bar.box.x + bar.box.w <= times.WIDTH
    assert "type:sync_*" == spread.wider


def test_one_event_has_no_picture_and_a_filter_without_a_range_none_to_leave():
    at = stamp(NOON)
    assert times.histogram([at], "") is None
    assert times.histogram([at, at], "type:x").wider is None


def test_the_calendar_shows_half_a_year_of_whole_weeks_up_to_today():
    days = [Day(TODAY, 2, 0), Day(date(2025, 12, 31), 1, 1), Day(date(2025, 12, 1), 0, 3),
            Day(date(2024, 1, 1), 1, 0)]  # fmt: skip
    found = calendar.calendar(days, TODAY)
    assert ["bad", "warn", "good"] == [each.shape for each in found.squares]
    assert ["2025-12-01", "2025-12-31", "2026-01-01"] == [str(e.day) for e in found.squares]
    assert (calendar.WEEKS - 1) * 7 + TODAY.weekday() + 1 - 3 == found.quiet.count("M")
    places = [(each.x, each.y) for each in found.squares]
    assert len(places) == len(set(places))
    assert all(x + found.side <= found.width for x, _ in places)
    assert all(y + found.side <= found.height for _, y in places)
    assert "1 days with syncs that succeeded, 1 with failures alone" in found.said


def test_a_run_counts_for_the_day_on_which_it_ended_last():
    begun = [datasets.requested("orders"), datasets.started(1, "orders")]
    ends = [datasets.completed(1, "orders")]
    with reading() as given_events:
        reader = given_events(*begun, *ends)
        assert [Day(TODAY, 1, 0)] == syncs.days(reader, "orders", TODAY)
        assert [] == syncs.days(reader, "items", TODAY)
        assert [] == syncs.days(reader, "orders", TODAY + timedelta(days=1))


def test_a_model_began_as_long_before_its_end_as_it_took():
    told = modelled.completed(1, "daily", duration_s=90.0)
    with reading() as given_events:
        reader = given_events(
            modelled.asked(), modelled.begun(1), model_runs.ModelStarted(job=1, model="daily"),
            told, model_runs.ModelStarted(job=1, model="late"),
        )  # fmt: skip
        first, second = runs.spans(reader, 1)
        assert ("daily", "success", 90.0) == (first.model, first.status, first.duration_s)
        assert timedelta(seconds=90) == first.ended - first.began
        assert ("late", "running", None) == (second.model, second.status, second.ended)


@tell
async def test_a_run_of_models_is_a_picture_and_a_table(site, people):
    await site.define(modelled.model("daily"), modelled.model("weekly"))
    done = await site.build(daily=("success",), weekly=("error",))
    path = f"/model-runs/{done.event.job}"
    page = await look(people["viewer"], path)
    labels = [values.get("aria-label", "") for tag, values in page.tags if tag == "svg"]
    assert any(label.startswith("daily: Succeeded") for label in labels)
    assert any(label.startswith("weekly: Failed") for label in labels)
    assert "Column x is not there." in page.text
    assert page.has("a", href="/models/daily")
    assert (await look(people["viewer"], "/models")).has("a", href=path)
    assert 404 == (await look(people["viewer"], "/model-runs/1")).status
    past = await look(people["viewer"], f"{path}?as_of={done.event.job}")
    assert "No model was begun yet." in past.text


@tell
async def test_bars_over_the_log_lead_to_its_parts(site, people):
    await site.configure("orders")
    await site.succeed("orders")
    site.clock.forward(hours=5)
    await site.fail("orders", "no")
    page = await look(people["admin"], "/events?q=stream:source:orders")
    links = [v for tag, v in page.tags if tag == "a" and " from " in v.get("aria-label", "")]
    assert 2 <= len(links)
    last = await look(people["admin"], links[-1]["href"])
    assert "Sync of orders failed" in last.text
    assert "Sync of orders completed" not in last.text
    assert last.has("a", href="/events?q=stream%3Asource%3Aorders")  # and back to all of time


@tell
async def test_a_source_has_its_calendar(site, people):
    await site.configure("orders")
    await site.succeed("orders")
    page = await look(people["viewer"], "/sources/orders")
    assert "2026-01-01: 1 succeeded, 0 failed" in page.text
    past = await look(people["viewer"], "/sources/orders?as_of=6")
    assert "2026-01-01: 1" not in past.text
