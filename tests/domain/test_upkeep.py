"""Decisions about the upkeep of the warehouse."""

from commands.upkeep import DECIDERS, AbandonMaintenance, EndMaintenance, RequestMaintenance
from domain.upkeep import (
    MaintenanceCompleted,
    MaintenanceFailed,
    MaintenanceRequested,
    MaintenanceRunning,
)
from tests.decisions import Scenario

REQUESTED = MaintenanceRequested()


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


def test_a_round_ends_once():
    given(REQUESTED).when(EndMaintenance(ending=completed(1))).then(completed(1))
    late = EndMaintenance(ending=MaintenanceFailed(job=1, reason="late"))

    given(REQUESTED, completed(1)).when(late).then()


def test_an_ending_of_another_round_changes_nothing():
    given(REQUESTED, completed(1), REQUESTED).when(EndMaintenance(ending=completed(1))).then()


def test_what_a_dead_process_left_open_has_failed():
    reason = "The server stopped while it was going on."

    given(REQUESTED).when(AbandonMaintenance()).then(MaintenanceFailed(job=1, reason=reason))
    given(REQUESTED, completed(1)).when(AbandonMaintenance()).then()
