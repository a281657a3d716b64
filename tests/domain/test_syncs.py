"""Decisions about syncs: one open run for a source, ended in exactly one way."""

import pytest

from commands.syncs import (
    DECIDERS,
    CancelSync,
    CompleteSync,
    ConfirmCancel,
    FailSync,
    InterruptSync,
    RequestSync,
    StartSync,
)
from domain.sources import SourceMissing, SourceRemoved
from domain.syncs import SyncEnded, SyncRunning
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
from tests.decisions import Scenario

JOB = 3  # the request's position behind two sources
BOTH = (registered("orders"), registered("users"))
QUEUED = (*BOTH, requested())
RUNNING = (*QUEUED, started(JOB))
ENDINGS = [completed(JOB), failed(JOB), cancelled(JOB), interrupted(JOB)]
COMPLETE = CompleteSync(
    source="orders",
    job=JOB,
    rows=3,
    tables=(table(),),
    files=(),
    snapshot=JOB,
    duration_s=1.5,
)
FAIL = FailSync(source="orders", job=JOB, reason="no", file="a.csv", line=7, duration_s=0.5)
CONFIRM = ConfirmCancel(source="orders", job=JOB)
INTERRUPT = InterruptSync(source="orders", job=JOB)


def given(*events):
    return Scenario(DECIDERS, events)


def request(*names, **fields):
    return RequestSync(sources=names or ("orders",), **fields)


def test_a_sync_is_asked_for_with_all_its_wishes():
    wishes = {"full_refresh": True, "start_date": "2026-01-01", "allow_empty": True}
    command = request("orders", "users", **wishes)

    assert [requested("orders", "users", **wishes)] == given().when(command).decide(BOTH)


def test_a_source_has_one_open_run():
    for open_run in (QUEUED, RUNNING, (*RUNNING, cancel_requested(JOB))):
        refused = given(*open_run).when(request()).refused(SyncRunning)
        assert {"job_id": JOB, "source": "orders"} == refused.facts


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_source_can_be_synced_again_when_its_run_has_ended(ending):
    assert [requested()] == given().when(request()).decide([*RUNNING, ending])


def test_several_sources_are_synced_all_or_none():
    given(*RUNNING).when(request("users", "orders")).refused(SyncRunning)
    given(*BOTH).when(request("users", "nothing")).refused(SourceMissing)


def test_a_source_that_is_named_twice_is_wanted_once_and_none_is_nothing():
    assert [requested()] == given().when(request("orders", "orders")).decide(BOTH)
    given(*BOTH).when(RequestSync(sources=())).then()


def test_the_run_of_another_source_is_in_nobodys_way():
    assert [requested("users")] == given().when(request("users")).decide(RUNNING)


def test_a_source_that_was_removed_cannot_be_synced():
    removed = SourceRemoved(source="orders", schema="raw_orders")

    given(*BOTH, removed).when(request()).refused(SourceMissing)


def test_a_run_is_taken_once():
    start = StartSync(source="orders", job=JOB)

    given(*QUEUED).when(start).then(started(JOB))
    given(*RUNNING).when(start).then()
    given(*QUEUED, cancelled(JOB)).when(start).then()


@pytest.mark.parametrize(
    ("command", "ending"),
    [
        (COMPLETE, completed(JOB)),
        (FAIL, failed(JOB)),
        (CONFIRM, cancelled(JOB)),
        (INTERRUPT, interrupted(JOB)),
    ],
)
def test_a_running_run_ends_in_one_way(command, ending):
    given(*RUNNING).when(command).then(ending)
    for other in ENDINGS:
        given(*RUNNING, other).when(command).then()


@pytest.mark.parametrize("command", [COMPLETE, FAIL, CONFIRM, INTERRUPT])
def test_a_run_that_nobody_took_does_not_end_like_one_that_ran(command):
    given(*QUEUED).when(command).then()


@pytest.mark.parametrize("command", [COMPLETE, FAIL, CONFIRM, INTERRUPT])
def test_an_ending_of_an_earlier_job_does_not_end_the_open_run(command):
    given(*RUNNING, failed(JOB), requested(), started(6)).when(command).then()


def test_a_queued_run_is_cancelled_at_once_and_a_running_one_by_its_worker():
    cancel = CancelSync(sources=("orders", "users"), job=JOB)

    assert [cancel_requested(JOB), cancelled(JOB, "users")] == given().when(cancel).decide(
        [*BOTH, requested("orders", "users"), started(JOB)]
    )


def test_what_is_being_cancelled_is_not_cancelled_twice():
    cancel = CancelSync(sources=("orders",), job=JOB)

    given(*RUNNING).when(cancel).then(cancel_requested(JOB))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_job_that_has_ended_cannot_be_cancelled(ending):
    cancel = CancelSync(sources=("orders",), job=JOB)

    given(*RUNNING, ending).when(cancel).refused(SyncEnded)
    given(*RUNNING, ending, requested()).when(cancel).refused(SyncEnded)


def test_a_run_may_still_complete_while_it_is_being_cancelled():
    given(*RUNNING, cancel_requested(JOB)).when(COMPLETE).then(completed(JOB))


def test_an_interrupted_run_tells_how_often_it_was_tried():
    again = (*BOTH, requested(retry=1, retry_of=1), started(JOB))

    given(*again).when(INTERRUPT).then(interrupted(JOB, retry=1))
