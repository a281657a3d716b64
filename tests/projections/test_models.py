"""The models and their runs, as they are read."""

import pytest

from domain import model_runs, models
from projections import model_runs as runs
from projections import models as views
from projections import sources
from tests import datasets
from tests.decisions import ago
from tests.modelled import (
    asked,
    begun,
    built,
    checked,
    completed,
    failed,
    followed,
    model,
    reconfigured,
    registered,
)
from tests.projections.reading import reading

SYNCED = (
    datasets.registered(),
    datasets.requested(),
    datasets.started(2),
    datasets.completed(2),
)


@pytest.fixture
def given():
    with reading() as given:
        yield given


def test_a_model_that_never_ran_has_no_status(given):
    state = views.one(given(registered()), "daily")

    assert (model(), None, None, ()) == (state.config, state.status, state.rows, state.tests)
    assert views.one(given(registered(), models.ModelRemoved(model="daily")), "daily") is None


def test_a_model_stands_as_its_last_run_left_it(given):
    story = (registered(), asked(), begun(2), completed(2), checked(2, "daily", "pass", "warn"))
    state = views.one(given(*story), "daily")

    assert ("success", 7, 0.5, 2) == (state.status, state.rows, state.duration_s, state.job)
    assert ["pass", "warn"] == [test.status for test in state.tests]


def test_what_could_not_be_built_keeps_the_rows_that_it_had_and_says_why(given):
    wrong = completed(5, status="error", message="no such column", file="m.sql", line=3, sql="x")
    story = (registered(), asked(), begun(2), completed(2), built(2), asked(), wrong)
    state = views.one(given(*story), "daily")

    assert ("error", 7) == (state.status, state.rows)
    fault = views.Fault(message="no such column", file="m.sql", line=3, sql="x")
    assert fault == state.fault


@pytest.mark.parametrize(
    "later", [reconfigured("daily", "checksum", checksum="c2"), datasets.completed(2)]
)
def test_a_model_is_stale_when_its_code_or_its_data_is_newer(given, later):
    early = [ago(event, hours=1) for event in (*SYNCED, registered(), asked(), completed(6))]

    assert "success" == views.one(given(*early), "daily").status
    assert "stale" == views.one(given(*early, later), "daily").status


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ((completed(6, status="error"),), "partial"),
        ((completed(6), checked(6, "daily", "pass", "fail")), "partial"),
        ((completed(6), checked(6, "daily", "pass", "warn")), "synced"),
        ((completed(6, status="error"), completed(9)), "synced"),
        ((completed(6, status="error"), completed(9, status="skipped")), "partial"),
        ((completed(6, status="error"), models.ModelRemoved(model="daily")), "synced"),
    ],
)
def test_a_model_that_failed_does_not_hide_behind_its_source(given, events, status):
    reader = given(*SYNCED, registered(), asked(), *events)

    assert status == sources.one(reader, "orders").status


def test_a_model_is_a_commit_that_queries_of_the_past_can_name(given):
    story = (registered(), asked(), begun(2), completed(2, snapshot=11), built(2, snapshot=11))

    assert 11 == sources.snapshot(given(*story))
    assert sources.snapshot(given(*story, as_of=3)) is None


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ((), "queued"),
        ((begun(1),), "running"),
        ((begun(1), built(1)), "success"),
        ((begun(1), failed(1)), "failed"),
        ((model_runs.ModelsRunCancelled(job=1),), "cancelled"),
        ((begun(1), model_runs.ModelsRunInterrupted(job=1)), "interrupted"),
    ],
)
def test_a_run_is_where_its_last_event_left_it(given, events, status):
    reader = given(asked(), *events)

    assert status == runs.one(reader, 1).status
    assert (status in ("queued", "running")) == bool(runs.unended(reader))


def test_a_run_that_follows_from_syncs_is_found_by_each_of_them(given):
    extended = model_runs.ModelsRunExtended(job=1, source="users", sync=8)
    reader = given(followed("orders", sync=7), extended)

    assert [[1], [1], []] == [[r.job for r in runs.of_sync(reader, sync)] for sync in (7, 8, 9)]
    assert ("orders", "users") == runs.one(reader, 1).asked.sources


def test_a_run_tells_what_became_of_each_model(given):
    started = model_runs.ModelStarted(job=1, model="daily")
    other = completed(1, "other", status="error", message="no")
    reader = given(asked(), begun(1), started, other, completed(1))

    found = [(result.model, result.status) for result in runs.results(reader, 1)]
    assert [("daily", "success"), ("other", "error")] == found
