"""Backups: one at a time, each moment of the clock once, each ended once."""

from datetime import timedelta

import msgspec
import pytest

from commands.backups import (
    DECIDERS,
    AbandonBackup,
    EndBackup,
    RecordRestore,
    RequestBackup,
    StartBackup,
)
from domain import backups
from domain.backups import (
    BackupFailed,
    BackupMade,
    BackupRequested,
    BackupRestored,
    BackupStarted,
)
from tests.decisions import NOW, Scenario

ASKED, BEGUN = BackupRequested(to="/b"), BackupStarted(job=1)
FAILED = BackupFailed(job=1, reason="no")
MADE = BackupMade(job=1, backup="s-1", upto=1, files=3, size_bytes=9, encrypted=False, digest="d")
WHICH = {"backup": "s-1", "made_at": NOW, "upto": 2, "files": 3, "size_bytes": 9}
RESTORED = BackupRestored(**WHICH, encrypted=False, digest="d")
TOLD = BackupRestored(job=1, **WHICH, encrypted=False, digest="d")
RECORD = RecordRestore(told=RESTORED)
DUE = RequestBackup(to="/b", due_at=NOW)


def given(*events):
    return Scenario(DECIDERS, events)


def test_one_backup_is_made_at_a_time():
    assert [ASKED] == given().when(RequestBackup(to="/b")).decide([])
    for events in ((ASKED,), (ASKED, BEGUN)):
        refusal = given(*events).when(RequestBackup(to="/b")).refused(backups.BackupRunning)
        assert {"job_id": 1} == refusal.facts
    given(ASKED).when(StartBackup(job=1)).then(BEGUN)
    given(ASKED, BEGUN).when(StartBackup(job=1)).then()


def test_a_moment_of_the_clock_leads_to_one_backup():
    due = BackupRequested(to="/b", due_at=NOW)
    given().when(DUE).then(due)
    given(due, BEGUN, FAILED).when(DUE).then()
    given(ASKED).when(DUE).then()
    later = RequestBackup(to="/b", due_at=NOW + timedelta(days=1))
    given(due, BEGUN, FAILED).when(later).then(
        BackupRequested(to="/b", due_at=NOW + timedelta(days=1))
    )


@pytest.mark.parametrize("ending", [MADE, FAILED])
def test_a_backup_ends_once(ending):
    given(ASKED, BEGUN).when(EndBackup(ending=ending)).then(ending)
    given(ASKED).when(EndBackup(ending=ending)).then()
    given(ASKED, BEGUN, FAILED).when(EndBackup(ending=ending)).then()


def test_what_a_dead_process_was_at_has_failed_and_what_waited_waits():
    gone = BackupFailed(job=1, reason=backups.STOPPED)
    given(ASKED, BEGUN).when(AbandonBackup()).then(gone)
    given(ASKED).when(AbandonBackup()).then()


def test_the_backup_that_a_project_was_restored_from_was_made_and_has_not_failed():
    given(ASKED, BEGUN).when(RECORD).then(TOLD)
    given(ASKED, BEGUN, TOLD).when(AbandonBackup()).then()
    given(ASKED, BEGUN, TOLD).when(RequestBackup(to="/b", due_at=NOW)).then(
        BackupRequested(to="/b", due_at=NOW)
    )


def test_a_restore_is_told_once_and_what_runs_later_fails_as_ever():
    again = (BackupRequested(to="/b"), BackupStarted(job=4))
    gone = BackupFailed(job=4, reason=backups.STOPPED)
    given(ASKED, BEGUN, TOLD, *again).when(RECORD).then()
    given(ASKED, BEGUN, TOLD, *again).when(AbandonBackup()).then(gone)


def test_only_the_job_whose_log_was_copied_is_ended_by_a_restore():
    early = msgspec.structs.replace(RESTORED, upto=0)
    told = msgspec.structs.replace(TOLD, job=None, upto=0)
    gone = BackupFailed(job=1, reason=backups.STOPPED)
    given(ASKED, BEGUN).when(RecordRestore(told=early)).then(told)
    given(ASKED, BEGUN, told).when(AbandonBackup()).then(gone)
    given(ASKED).when(RECORD).then(msgspec.structs.replace(TOLD, job=None))
