"""The initial sync: a token is good once, a run is one job, sources can be skipped."""

from commands.initial_syncs import (
    DECIDERS,
    CancelInitialSync,
    IssueDeployToken,
    SkipInitialSource,
    StartInitialSync,
)
from domain import initial_syncs, sources
from domain.syncs import SyncEnded, SyncRunning
from tests.accounts import restored
from tests.datasets import cancel_requested, cancelled, completed, registered, requested, started
from tests.decisions import Scenario

ISSUE = IssueDeployToken(proof="p1")
ISSUED = initial_syncs.DeployTokenIssued(proof="p1")
START = StartInitialSync(sources=("orders", "users"), proof="p1")
BEGUN = initial_syncs.InitialSyncStarted(sources=("orders", "users"), proof="p1")
THERE = (registered("orders"), registered("users"))
ALL = requested("orders", "users")


def given(*events):
    return Scenario(DECIDERS, events)


def test_a_token_is_made_and_another_takes_its_place():
    given().when(ISSUE).then(ISSUED)
    again = initial_syncs.DeployTokenIssued(proof="p2")
    given(ISSUED, again, *THERE).when(START).refused(initial_syncs.DeployTokenSpent)


def test_a_run_is_one_job_and_takes_its_token():
    story = given(ISSUED, *THERE).when(START)
    assert [BEGUN, ALL] == story.decide(story._events)
    ended = (completed(5, "orders"), completed(5, "users"))
    given(ISSUED, *THERE, BEGUN, ALL, *ended).when(START).refused(initial_syncs.DeployTokenSpent)


def test_an_admin_needs_no_token_and_leaves_one_alone():
    plain = StartInitialSync(sources=("orders",))
    begun = initial_syncs.InitialSyncStarted(sources=("orders",))
    story = given(ISSUED, *THERE).when(plain)
    assert [begun, requested("orders")] == story.decide(story._events)
    rest = (begun, requested("orders"), completed(5))
    story = given(ISSUED, *THERE, *rest).when(START)
    assert [BEGUN, ALL] == story.decide(story._events)


def test_no_run_begins_beside_a_sync_or_without_sources():
    given(*THERE, requested("users")).when(StartInitialSync(sources=("users",))).refused(
        SyncRunning
    )
    given(*THERE).when(StartInitialSync(sources=())).refused(initial_syncs.NoSources)
    given(*THERE).when(StartInitialSync(sources=("no",))).refused(sources.SourceMissing)


def test_a_source_that_runs_is_skipped_and_one_that_waits_too():
    run = (*THERE, BEGUN, ALL, started(4, "orders"))
    skipped = initial_syncs.InitialSourceSkipped(source="orders", job=4)
    given(*run).when(SkipInitialSource(source="orders", job=4)).then(skipped, cancel_requested(4))
    waiting = initial_syncs.InitialSourceSkipped(source="users", job=4)
    given(*run).when(SkipInitialSource(source="users", job=4)).then(
        waiting, cancelled(4, "users", schema="")
    )


def test_a_run_is_cancelled_as_a_whole_and_an_ended_one_is_not():
    run = (*THERE, BEGUN, ALL, started(4, "orders"))
    cancel = CancelInitialSync(sources=("orders", "users"), job=4)
    given(*run).when(cancel).then(
        initial_syncs.InitialSyncCancelled(job=4),
        cancel_requested(4),
        cancelled(4, "users", schema=""),
    )
    ended = (completed(4, "orders"), completed(4, "users"))
    given(*THERE, BEGUN, ALL, *ended).when(cancel).refused(SyncEnded)


def test_a_restore_ends_the_token_unless_keys_are_kept():
    given(ISSUED, *THERE, restored()).when(START).refused(initial_syncs.DeployTokenSpent)
    kept = given(ISSUED, *THERE, restored(keys_ended=False)).when(START)
    assert [BEGUN, ALL] == kept.decide(kept._events)
