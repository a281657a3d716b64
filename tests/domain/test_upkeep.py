"""Decisions about the upkeep of the warehouse."""

from commands.upkeep import (
    DECIDERS,
    AbandonMaintenance,
    EndMaintenance,
    RequestMaintenance,
    StartMaintenance,
)
from domain.upkeep import (
    MaintenanceCompleted,
    MaintenanceFailed,
    MaintenanceRequested,
    MaintenanceRunning,
    MaintenanceStarted,
)
from tests.decisions import Scenario

REQUESTED, STARTED = MaintenanceRequested(), MaintenanceStarted(job=1)


def completed(job):
    return MaintenanceCompleted(
        job=job, snapshot=9, files_merged=2, snapshots_expired=1, files_removed=3
    )


def given(*events):
    return Scenario(DECIDERS, events)


def test_one_round_goes_on_at_a_time():
    assert [REQUESTED] == given().when(RequestMaintenance()).decide([])

    refused = given(REQUESTED).when(RequestMaintenance()).refused(MaintenanceRunning)

    assert {"job_id": 1} == refused.facts


def test_the_next_round_may_begin_when_one_has_ended():
    again = given().when(RequestMaintenance())

    assert [REQUESTED] == again.decide([REQUESTED, completed(1)])
    assert [REQUESTED] == again.decide([REQUESTED, MaintenanceFailed(job=1, reason="no")])


def test_a_round_is_taken_once():
    start = StartMaintenance(job=1)

    given(REQUESTED).when(start).then(STARTED)
    given(REQUESTED, STARTED).when(start).then()
    given(REQUESTED, STARTED, completed(1), REQUESTED).when(start).then()


def test_a_round_that_was_taken_ends_once():
    end = EndMaintenance(ending=completed(1))
    given(REQUESTED).when(end).then()
    given(REQUESTED, STARTED).when(end).then(completed(1))
    late = EndMaintenance(ending=MaintenanceFailed(job=1, reason="late"))

    given(REQUESTED, STARTED, completed(1)).when(late).then()


def test_an_ending_of_another_round_changes_nothing():
    events = (REQUESTED, STARTED, completed(1), REQUESTED, MaintenanceStarted(job=4))

    given(*events).when(EndMaintenance(ending=completed(1))).then()


def test_what_a_dead_process_left_running_has_failed_and_what_waited_waits_on():
    reason = "The server stopped while it was going on."
    failed = MaintenanceFailed(job=1, reason=reason)

    given(REQUESTED, STARTED).when(AbandonMaintenance()).then(failed)
    given(REQUESTED).when(AbandonMaintenance()).then()
    given(REQUESTED, STARTED, completed(1)).when(AbandonMaintenance()).then()
