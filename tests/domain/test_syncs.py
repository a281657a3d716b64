"""Decisions about syncs: one open run for a source, ended in exactly one way."""

import hashlib

import msgspec
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
from domain import inputs, syncs
from domain.datasets import FILES_TOLD_MAX, Drift, Format, RefusedFile
from domain.sources import SourceMissing, SourceReconfigured, SourceRemoved
from domain.syncs import SchemaBusy, SyncEnded, SyncRunning, SyncStarted
from tests.datasets import (
    cancel_requested,
    cancelled,
    completed,
    failed,
    file,
    interrupted,
    registered,
    requested,
    source,
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


def start(name="orders", job=JOB, schema=None):
    return StartSync(source=name, job=job, schema=schema or f"raw_{name}", table=name)


def test_a_run_is_taken_once():
    given(*QUEUED).when(start()).then(started(JOB))
    given(*RUNNING).when(start()).then()
    given(*QUEUED, cancelled(JOB, schema="")).when(start()).then()


def test_a_run_that_can_write_nowhere_is_taken_and_ends_without_a_schema():
    nowhere = StartSync(source="orders", job=JOB)
    taken = SyncStarted(source="orders", job=JOB)

    given(*QUEUED).when(nowhere).then(taken)
    given(*QUEUED, taken).when(FAIL).then(failed(JOB, schema=""))


# one writer of a schema


# The configuration gives the schema of `orders` to `sales`, while `orders` is being synced.
TAKEN_OVER = (
    *RUNNING,
    SourceRemoved(source="orders", schema="raw_orders"),
    registered("sales", schema="raw_orders"),
    requested("sales"),
)


@pytest.mark.parametrize("schema", ["raw_orders", "RAW_Orders"])
def test_no_run_starts_to_write_a_schema_that_another_run_still_writes(schema):
    refused = given(*TAKEN_OVER).when(start("sales", 7, schema)).refused(SchemaBusy)

    assert {"job_id": JOB, "source": "orders"} == refused.facts


def test_a_schema_that_two_sources_exchanged_is_written_by_one_run_at_a_time():
    moved = SourceReconfigured(
        source="orders", config=source(schema="raw_users"), changed=("schema",)
    )
    both = (*RUNNING, moved, requested("users"))

    given(*both).when(start("users", 6, "raw_orders")).refused(SchemaBusy)
    given(*both).when(start("users", 6)).then(started(6, "users"))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_schema_is_free_when_its_run_has_ended(ending):
    given(*TAKEN_OVER, ending).when(start("sales", 7, "raw_orders")).then(
        started(7, "sales", "raw_orders")
    )


# how a run ends


@pytest.mark.parametrize(
    ("command", "ending"),
    [
        (COMPLETE, completed(JOB, rejected=None)),
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


FILES = tuple(file(f"{number:03d}.csv", size_bytes=number % 40) for number in range(100))


def complete(files):
    account = None if files is None else inputs.Account(files=files)
    command = msgspec.structs.replace(COMPLETE, account=account)
    (event,) = given().when(command).decide(RUNNING)
    return event


def test_an_ending_names_the_largest_files_and_counts_and_proves_all():
    event = complete(FILES)

    assert FILES_TOLD_MAX == len(event.files)
    assert [39, 39, 38, 38] == [told.size_bytes for told in event.files[:4]]
    assert ["039.csv", "079.csv"] == [told.path for told in event.files[:2]]
    assert (100, sum(told.size_bytes for told in FILES)) == (event.file_count, event.file_bytes)


def test_a_manifest_is_of_the_set_of_files_and_of_all_that_identifies_them():
    one, other = file("a.csv", 3, "ab"), file("b.csv", 4, "cd")
    known = hashlib.sha256(b"a.csv\0003\000ab\nb.csv\0004\000cd\n").hexdigest()

    assert known == complete((one, other)).manifest == complete((other, one)).manifest
    for changed in (file("c.csv", 3, "ab"), file("a.csv", 5, "ab"), file("a.csv", 3, "ef")):
        assert known != complete((changed, other)).manifest


def test_files_that_only_a_dead_process_knew_are_not_made_up():
    unknown, none = complete(None), complete(())

    assert (None, None, None, ()) == (
        unknown.file_count,
        unknown.file_bytes,
        unknown.manifest,
        unknown.files,
    )
    assert (0, 0, hashlib.sha256(b"").hexdigest()) == (
        none.file_count,
        none.file_bytes,
        none.manifest,
    )


def test_a_queued_run_is_cancelled_at_once_and_a_running_one_by_its_worker():
    cancel = CancelSync(sources=("orders", "users"), job=JOB)

    assert [cancel_requested(JOB), cancelled(JOB, "users", "")] == given().when(cancel).decide(
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
    given(*RUNNING, cancel_requested(JOB)).when(COMPLETE).then(completed(JOB, rejected=None))


def test_a_run_that_was_being_cancelled_when_the_process_died_is_cancelled():
    given(*RUNNING, cancel_requested(JOB)).when(INTERRUPT).then(cancelled(JOB))


def test_an_interrupted_run_tells_how_often_it_was_tried():
    again = (*BOTH, requested(retry=1, retry_of=1), started(JOB))

    given(*again).when(INTERRUPT).then(interrupted(JOB, retry=1))


# what a run finds out


CSV = Format(format="csv", columns={"id": "BIGINT"}, delimiter=";")
GONE = Drift(table="orders", missing=("old",))


def accounted(**fields):
    account = inputs.Account(**fields)
    return msgspec.structs.replace(COMPLETE, account=account)


def told(*events, **fields):
    made = given().when(accounted(**fields)).decide([*RUNNING, *events])
    return [each for each in made if not isinstance(each, syncs.SyncCompleted)]


def test_a_format_is_told_when_it_is_found_and_not_again():
    found = inputs.FileFormatFound(source="orders", job=JOB, table="orders", found=CSV)

    assert [found] == told(formats={"orders": CSV})
    assert [] == told(found, formats={"orders": CSV})


def test_columns_that_stay_away_are_told_once():
    drifted = inputs.ColumnsDrifted(source="orders", job=JOB, drift=GONE)
    more = Drift(table="orders", missing=("old", "other"))

    assert [drifted] == told(drift=(GONE,))
    assert [] == told(drifted, drift=(GONE,))
    assert [more] == [each.drift for each in told(drifted, drift=(more,))]


def test_an_ending_tells_which_files_were_left_out():
    refused = tuple(
        RefusedFile(file=f"{n}.csv", reason=f"{n}.csv is odd.") for n in range(FILES_TOLD_MAX + 2)
    )
    *_, ending = given().when(accounted(refused=refused)).decide(RUNNING)

    assert (refused[:FILES_TOLD_MAX], len(refused)) == (ending.refused, ending.refused_count)
    assert "0.csv is odd. 21 more of its files cannot be read either." == syncs.left_out(ending)
