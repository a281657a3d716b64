"""Jobs and their runs."""

import pytest

from projections import syncs
from tests.datasets import (
    cancel_requested,
    cancelled,
    completed,
    failed,
    interrupted,
    registered,
    requested,
    started,
    table,
)
from tests.decisions import NOW, ago
from tests.projections.reading import reading

BOTH = (registered("orders"), registered("users"), requested("orders", "users"))
JOB = 3


@pytest.fixture
def given():
    with reading() as given:
        yield given


def test_a_job_has_a_run_for_each_of_its_sources(given):
    asked = requested("users", "orders", full_refresh=True, start_date="2026-01-01")
    runs = syncs.of_job(given(*BOTH[:2], asked), JOB)

    assert [("orders", "queued"), ("users", "queued")] == [(r.source, r.status) for r in runs]
    assert {(True, "2026-01-01", "user:someone", NOW)} == {
        (run.full_refresh, run.start_date, run.requested_by, run.requested_at) for run in runs
    }
    assert [] == syncs.of_job(given(*BOTH), 2)


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([], "queued"),
        ([started(JOB)], "running"),
        ([started(JOB), cancel_requested(JOB)], "running"),
        ([started(JOB), completed(JOB)], "success"),
        ([started(JOB), failed(JOB)], "failed"),
        ([started(JOB), cancelled(JOB)], "cancelled"),
        ([cancelled(JOB)], "cancelled"),
        ([started(JOB), interrupted(JOB)], "interrupted"),
    ],
)
def test_a_run_is_where_its_last_event_left_it(given, events, status):
    reader = given(*BOTH, *events)
    runs = {run.source: run.status for run in syncs.of_job(reader, JOB)}

    assert {"orders": status, "users": "queued"} == runs
    unended = [run.source for run in syncs.unended(reader)]
    assert (["orders", "users"] if status in ("queued", "running") else ["users"]) == unended


def test_a_run_that_succeeded_tells_what_it_loaded_and_what_is_there_now(given):
    done = completed(JOB, rows=3, tables=(table("a", 10), table("b", 20)))
    (run, _) = syncs.of_job(given(*BOTH, ago(started(JOB), minutes=5), done), JOB)

    assert (3, 30, JOB, None) == (run.rows, run.total_rows, run.snapshot, run.error)
    assert NOW == run.ended_at > run.started_at


def test_a_run_that_failed_tells_where(given):
    (run, _) = syncs.of_job(given(*BOTH, started(JOB), failed(JOB)), JOB)

    assert ("no", "a.csv", 7) == (run.error, run.error_file, run.error_line)


def test_a_run_that_was_interrupted_says_why(given):
    (run, _) = syncs.of_job(given(*BOTH, started(JOB), interrupted(JOB)), JOB)

    assert "The server stopped while the sync was running." == run.error


def test_the_runs_of_a_source_come_newest_first_and_not_all(given):
    rounds = [requested(), started(4), failed(4), requested(), cancelled(7), requested()]
    reader = given(*BOTH[:2], requested(), cancelled(JOB), *rounds)

    assert [10, 8] == [run.job for run in syncs.of_source(reader, "orders", 2)]
    assert [] == syncs.of_source(reader, "users", 2)


@pytest.mark.parametrize(
    ("states", "word"),
    [
        (["queued"], "queued"),
        (["queued", "success"], "running"),
        (["running", "failed"], "running"),
        (["success", "failed", "cancelled"], "failed"),
        (["interrupted", "cancelled", "success"], "interrupted"),
        (["cancelled", "success"], "cancelled"),
        (["success", "success"], "success"),
    ],
)
def test_a_job_is_what_its_runs_are(given, states, word):
    (run, _) = syncs.of_job(given(*BOTH), JOB)
    fields = {name: getattr(run, name) for name in run.__struct_fields__}

    assert word == syncs.job_status([syncs.Run(**{**fields, "status": s}) for s in states])


def test_the_past_shows_what_was(given):
    history = (*BOTH, started(JOB), completed(JOB))

    seen = [
        [run.status for run in syncs.of_job(given(*history, as_of=position), JOB)]
        for position in (2, 3, 4, 5)
    ]

    assert [[], ["queued"] * 2, ["running", "queued"], ["success", "queued"]] == seen


def test_a_run_shows_where_it_may_write_from_its_start_on(given):
    queued, running = (
        syncs.of_job(given(*events), JOB)[0] for events in (BOTH, (*BOTH, started(JOB)))
    )

    assert (None, None) == (queued.schema_name, queued.table_name)
    assert ("raw_orders", "orders") == (running.schema_name, running.table_name)
