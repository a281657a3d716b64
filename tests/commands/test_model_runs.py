"""Runs of models: one at a time, and what follows from syncs waits as one."""

import pytest

from commands.model_runs import (
    DECIDERS,
    CancelModels,
    EndModels,
    FollowSync,
    RequestModels,
    StartModels,
    TellModel,
)
from domain import drift, model_runs, models
from domain.sources import SourceRemoved
from tests.decisions import Scenario
from tests.modelled import asked, begun, built, completed, followed, registered

CANCELLING = model_runs.ModelsRunCancelRequested
CANCELLED = model_runs.ModelsRunCancelled
INTERRUPTED = model_runs.ModelsRunInterrupted


def given(*events):
    return Scenario(DECIDERS, events)


@pytest.mark.parametrize(
    "command",
    [
        RequestModels(),
        RequestModels(select=("tag:daily+",), full_refresh=True),
        RequestModels(model="daily", cascade=False),
    ],
)
def test_models_are_asked_for_once_at_a_time(command):
    story = given(registered()).when(command)
    events = story.decide([registered()])

    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    assert [asked(**fields)] == events
    refusal = given(registered(), *events).when(command).refused(model_runs.ModelsRunning)
    assert {"job_id": 2} == refusal.facts


def test_a_model_that_is_not_in_the_project_cannot_be_asked_for():
    events = (registered(), models.ModelRemoved(model="daily"))

    given(*events).when(RequestModels(model="daily")).refused(models.ModelMissing)
    given().when(RequestModels(model="other")).refused(models.ModelMissing)


def test_somebody_may_ask_while_a_run_waits_for_a_sync():
    assert [asked()] == given(followed()).when(RequestModels()).decide([followed()])
    given(followed(), begun(1)).when(RequestModels()).refused(model_runs.ModelsRunning)


def test_what_follows_from_several_syncs_waits_as_one_run():
    given().when(FollowSync(source="orders", sync=5)).then(followed("orders", sync=5))
    extended = model_runs.ModelsRunExtended(job=1, source="users", sync=6)
    given(followed()).when(FollowSync(source="users", sync=6)).then(extended)


def test_what_follows_from_a_sync_comes_behind_a_run_that_goes_on():
    before = (asked(), begun(1))

    given(*before).when(FollowSync(source="orders", sync=5)).then(followed("orders", sync=5))


def test_a_run_starts_when_no_other_one_goes_on():
    given(asked()).when(StartModels(job=1)).then(begun(1))
    given(asked(), begun(1), followed()).when(StartModels(job=3)).then()
    given(asked(), begun(1), followed(), built(1)).when(StartModels(job=3)).then(begun(3))


def test_what_became_of_a_model_is_told_once_and_while_its_run_goes_on():
    told = completed(1)

    given(asked(), begun(1)).when(TellModel(told=told)).then(told)
    given(asked(), begun(1), told).when(TellModel(told=completed(1, rows=8))).then()
    given(asked(), begun(1), built(1)).when(TellModel(told=told)).then()


def test_a_run_ends_in_one_way():
    given(asked(), begun(1)).when(EndModels(ending=built(1))).then(built(1))
    given(asked(), begun(1), CANCELLED(job=1)).when(EndModels(ending=built(1))).then()
    given(asked()).when(EndModels(ending=built(1))).then()


def test_a_run_that_is_interrupted_while_it_is_cancelled_was_cancelled():
    before = (asked(), begun(1), CANCELLING(job=1))

    given(*before).when(EndModels(ending=INTERRUPTED(job=1))).then(CANCELLED(job=1))


def test_what_waits_is_cancelled_at_once_and_what_runs_when_its_worker_is_gone():
    running = (asked(), begun(1))

    assert [CANCELLED(job=1)] == given().when(CancelModels(job=1)).decide([asked()])
    given(*running).when(CancelModels(job=1)).then(CANCELLING(job=1))
    given(*running, built(1)).when(CancelModels(job=1)).refused(model_runs.ModelsRunEnded)


GONE = drift.Change(schema="raw_orders", table="orders", column="id", before="BIGINT")
DRIFTED = drift.DriftDetected(source="orders", job=1, changes=(GONE,), pending=(GONE,))
ACCEPTED = drift.DriftAccepted(source="orders", changes=(GONE,))


def test_a_run_begins_without_what_comes_from_a_source_whose_drift_is_pending():
    held = model_runs.ModelsRunStarted(job=2, held=("orders",))
    given(DRIFTED, asked()).when(StartModels(job=2)).then(held)


@pytest.mark.parametrize(
    "settled",
    [
        ACCEPTED,
        drift.DriftDetected(source="orders", job=2, changes=(GONE,)),
        SourceRemoved(source="orders", schema="raw_orders"),
    ],
)
def test_what_is_settled_is_built_again(settled):
    given(DRIFTED, settled, asked()).when(StartModels(job=3)).then(begun(3))


def test_what_was_left_out_is_built_by_a_run_of_its_own():
    held = model_runs.ModelsRunStarted(job=2, held=("orders",))
    story = given(DRIFTED, followed(sync=5), held, ACCEPTED)
    story.when(FollowSync(source="orders", sync=5)).then(followed(sync=5))
