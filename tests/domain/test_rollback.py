"""Undoing a run: a job like a sync, with an event of its own."""

from commands.syncs import DECIDERS, CompleteSync, RequestSync
from domain import syncs
from tests.datasets import registered, requested, started, table
from tests.decisions import Scenario


def test_a_rollback_is_a_job_that_ends_with_the_event():
    asked = requested(rollback_of=7)
    command = CompleteSync(source="orders", job=2, rows=0, tables=(table(),), snapshot=5)
    made = Scenario(DECIDERS, ()).when(command).decide([registered(), asked, started(2)])

    back = syncs.SourceRolledBack(source="orders", job=2, undone=7, snapshot=5)
    assert back == made[0]
    assert isinstance(made[1], syncs.SyncCompleted)


def test_a_rollback_waits_for_nobody_and_keeps_others_out():
    command = RequestSync(sources=("orders",), rollback_of=7)

    Scenario(DECIDERS, [registered(), requested()]).when(command).refused(syncs.SyncRunning)
