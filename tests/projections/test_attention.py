"""Which sources need somebody: why, and since when."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.drift import Change, DriftAccepted, DriftDetected
from domain.freshness import SourceTurnedStale
from domain.notifications import NotificationsConfigured, Wanted
from domain.pii import Finding, Looked, PiiScanned, PiiScanRequested
from domain.schedules import Kind, Schedule, ScheduleCreated
from domain.sources import SourceReconfigured, SourceRemoved
from projections import attention, sources
from tests.datasets import completed, failed, registered, requested, source, started, table
from tests.decisions import NOW, ago
from tests.projections.reading import reading

SYNCED = (registered(), requested(), started(2), completed(2))
REMOVED = Change(schema="raw_orders", table="orders", column="note", before="VARCHAR")
BROKEN = DriftDetected(source="orders", job=2, changes=(REMOVED,), pending=(REMOVED,))
LOOKED = (Looked(schema="raw_orders", table="orders", columns=table().columns),)
FOUND = Finding(
    schema="raw_orders", table="orders", column="id", kind="X", confidence=0.9, samples=3
)
SCANNED = (
    PiiScanRequested(source="orders", tables=LOOKED, whole=True),
    PiiScanned(source="orders", job=5, findings=(FOUND,), tables=LOOKED),
)


@pytest.fixture
def given():
    with reading() as given:
        yield given


def needs(reader):
    found = attention.every(reader, sources.every(reader))
    return {reason.kind: reason.since for reason in found["orders"].reasons} if found else {}


def test_a_source_that_is_well_needs_nobody(given):
    assert {} == needs(given(*SYNCED))


def test_a_source_needs_its_first_sync_since_it_was_registered(given):
    then = ago(registered(), days=3)

    assert {attention.NEVER_SYNCED: NOW - timedelta(days=3)} == needs(given(then))


def test_failures_in_a_row_are_counted_since_the_first(given):
    again = (requested(), started(6), failed(6), requested(), started(9), failed(9))
    first = [ago(event, hours=2) for event in again[:3]]
    reader = given(*SYNCED, *first, *again[3:])

    assert {attention.SYNC_FAILED: NOW - timedelta(hours=2)} == needs(reader)
    (found,) = attention.every(reader, sources.every(reader)).values()
    assert "The last 2 syncs failed" == found.message
    assert {} == needs(given(*SYNCED, *again, requested(), started(12), completed(12)))


def test_rows_that_were_left_out_are_told_until_none_are(given):
    partial = replace(completed(2), rejected=3)
    reader = given(*SYNCED[:3], partial)

    assert {attention.REJECTS: NOW} == needs(reader)
    assert {} == needs(given(*SYNCED[:3], partial, requested(), started(6), completed(6)))


def test_data_grows_stale(given):
    old = [ago(event, days=8) for event in SYNCED]

    assert {attention.STALE: NOW - timedelta(days=1)} == needs(given(*old))
    daily = Schedule(name="nightly", kind=Kind.SYNC, cron="@daily", sources=("orders",))
    planned = ScheduleCreated(schedule="nightly", config=daily)
    assert {attention.STALE: NOW - timedelta(days=7)} == needs(given(*old, planned))
    patient = NotificationsConfigured(wanted=Wanted(stale_after_hours=9 * 24))
    assert {} == needs(given(*old, planned, patient))
    turned = SourceTurnedStale(source="orders", synced_at=NOW, after_hours=168.0)
    assert {attention.STALE: NOW} == needs(given(*old, turned))


def test_breaking_drift_needs_somebody_until_it_is_accepted(given):
    reader = given(*SYNCED, BROKEN)

    assert {attention.DRIFT: NOW} == needs(reader)
    assert (REMOVED,) == attention.every(reader, sources.every(reader))["orders"].changes
    accepted = DriftAccepted(source="orders", changes=(REMOVED,))
    assert {} == needs(given(*SYNCED, BROKEN, accepted))


def test_findings_that_nobody_has_looked_at_need_somebody(given):
    assert {attention.PII: NOW} == needs(given(*SYNCED, *SCANNED))


def test_the_most_urgent_reason_comes_first(given):
    ended = (requested(), started(6), failed(6))
    reader = given(*SYNCED, BROKEN, *ended, *SCANNED)

    (found,) = attention.every(reader, sources.every(reader)).values()
    assert [attention.SYNC_FAILED, attention.DRIFT] == [r.kind for r in found.reasons][:2]
    assert NOW == found.since


def test_a_source_that_is_switched_off_only_needs_what_cannot_wait(given):
    config = source(enabled=False)
    off = SourceReconfigured(source="orders", config=config, changed=("enabled",))

    assert {} == needs(given(registered(), off))
    assert {attention.DRIFT: NOW} == needs(given(*SYNCED, BROKEN, off))


def test_a_source_that_is_gone_needs_nobody_and_did(given):
    gone = SourceRemoved(source="orders", schema="raw_orders")

    assert {} == needs(given(registered(), gone))
    assert {attention.NEVER_SYNCED: NOW} == needs(given(registered(), gone, as_of=1))
