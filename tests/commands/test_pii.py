"""Scans for personal data: what is due, one at a time; and what people say instead."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from commands import pii as commands
from commands import pii_overrides as override_commands
from commands.kernel import Keep
from commands.pii import EndPiiScan, RequestPiiScan
from commands.pii_overrides import ApplyPiiOverrides, applying
from domain import datasets, pii
from domain.pii import Finding, Looked, NothingToScan, PiiScanFailed, PiiScanned, PiiScanRequested
from domain.pii_overrides import FILE, Override, PiiOverridden, PiiOverrideRemoved, PiiStatus, Wish
from domain.sources import ConfigurationAccepted, ConfigurationRefused, SourceMissing, SourceRemoved
from tests.datasets import completed, registered, requested, started
from tests.decisions import NOW, Scenario, ago

DECIDERS = {**commands.DECIDERS, **override_commands.DECIDERS}
JOB = 5


def given(*events):
    return Scenario(DECIDERS, events)


def columns(*names, kind="VARCHAR"):
    return tuple(datasets.Column(name=name, type=kind) for name in names)


def table(*names, kind="VARCHAR"):
    found = columns(*names, kind=kind)
    return datasets.Table(schema="raw_orders", name="orders", row_count=3, columns=found)


def looked(*names, kind="VARCHAR"):
    return Looked(schema="raw_orders", table="orders", columns=columns(*names, kind=kind))


def published(*names, kind="VARCHAR", job=2):
    return (requested(), started(job), completed(job, tables=(table(*names, kind=kind),)))


def asked(*names, whole=True, kind="VARCHAR"):
    return PiiScanRequested(source="orders", tables=(looked(*names, kind=kind),), whole=whole)


def scanned(*names, job=JOB):
    found = Finding(
        schema="raw_orders", table="orders", column="email", kind="EMAIL_ADDRESS",
        confidence=0.9, samples=3,
    )  # fmt: skip
    return PiiScanned(source="orders", job=job, findings=(found,), tables=(looked(*names),))


REQUEST = RequestPiiScan(source="orders", at=NOW)
WANTED = RequestPiiScan(source="orders", at=NOW, wanted=True)
FIRST = (registered(), *published("email", "id"))
SCANNED = (*FIRST, asked("email", "id"), scanned("email", "id"))


def test_what_is_published_first_is_looked_at_as_a_whole():
    given(*FIRST).when(REQUEST).then(asked("email", "id"))


def test_columns_of_our_own_are_not_looked_at():
    given(registered(), *published("email", "_dango_run")).when(REQUEST).then(asked("email"))


def test_what_was_looked_at_today_is_not_due():
    given(*SCANNED, *published("email", "id", job=7)).when(REQUEST).then()


def test_only_what_is_new_or_has_another_type_is_due():
    more = published("email", "id", "phone", job=7)
    given(*SCANNED, *more).when(REQUEST).then(asked("phone", whole=False))
    retyped = published("email", "id", kind="BIGINT", job=7)
    given(*SCANNED, *retyped).when(REQUEST).then(asked("email", "id", whole=False, kind="BIGINT"))


def test_everything_is_due_once_a_day():
    events = (*FIRST, asked("email", "id"), ago(scanned("email", "id"), days=1))

    given(*events).when(REQUEST).then(asked("email", "id"))
    later = RequestPiiScan(source="orders", at=NOW - timedelta(minutes=1))
    given(*events).when(later).then()


def test_whoever_wants_it_has_everything_looked_at():
    given(*SCANNED).when(WANTED).then(asked("email", "id"))


def test_a_source_is_looked_through_by_one_scan_at_once():
    given(*FIRST, asked("email", "id")).when(WANTED).then()


def test_only_what_is_there_can_be_looked_at():
    given().when(WANTED).refused(SourceMissing)
    given(registered()).when(WANTED).refused(NothingToScan)
    given(registered()).when(REQUEST).then()
    gone = SourceRemoved(source="orders", schema="raw_orders")
    given(*SCANNED, gone, registered()).when(WANTED).refused(NothingToScan)


def test_a_scan_ends_once_and_only_the_one_that_is_open():
    failed = PiiScanFailed(source="orders", job=JOB, reason="no")
    for ending in (scanned("email", "id"), failed):
        told = ending if ending is failed else replace(ending, fresh=1)
        given(*FIRST, asked("email", "id")).when(EndPiiScan(ending=ending)).then(told)
        given(*SCANNED).when(EndPiiScan(ending=ending)).then()
    other = scanned("email", job=JOB + 1)
    given(*FIRST, asked("email", "id")).when(EndPiiScan(ending=other)).then()


def test_what_was_found_before_is_not_fresh():
    again = scanned("email", "id", job=JOB + 2)
    events = (*SCANNED, asked("email", "id"))
    given(*events).when(EndPiiScan(ending=again)).then(again)


def test_what_a_failed_scan_did_not_look_at_stays_due():
    failed = PiiScanFailed(source="orders", job=JOB, reason="no")

    given(*FIRST, asked("email", "id"), failed).when(REQUEST).then(asked("email", "id"))


def test_a_scan_is_bounded_and_the_rest_is_due_afterwards(monkeypatch):
    monkeypatch.setattr(pii, "COLUMNS_MAX", 1)

    given(*FIRST).when(REQUEST).then(asked("email"))
    given(*FIRST, asked("email"), scanned("email")).when(REQUEST).then(asked("id", whole=False))


# what people say

SAID = Override(source="orders", table="orders", column="note", status=PiiStatus.PII, proof="p1")
OVERRIDDEN = PiiOverridden(
    source="orders", table="orders", column="note", status=PiiStatus.PII, proof="p1"
)
REMOVED = PiiOverrideRemoved(source="orders", table="orders", column="note")


def say(*overrides):
    return ApplyPiiOverrides(overrides=overrides, texts=b"[]")


def test_what_the_file_says_anew_or_no_more_happens():
    given().when(say(SAID)).then(OVERRIDDEN)
    given(OVERRIDDEN).when(say(SAID)).then()
    given(OVERRIDDEN).when(say()).then(REMOVED)


def test_another_reason_is_another_word():
    other = Override(
        source="orders", table="orders", column="note", status=PiiStatus.PII, proof="p2"
    )
    overridden = PiiOverridden(
        source="orders", table="orders", column="note", status=PiiStatus.PII, proof="p2"
    )

    given(OVERRIDDEN).when(say(other)).then(overridden)


def test_a_file_that_reads_well_again_is_accepted():
    refused = ConfigurationRefused(file=FILE, reason="no")

    given(refused, OVERRIDDEN).when(say(SAID)).then(ConfigurationAccepted(file=FILE))
    other = ConfigurationRefused(file="sources.yml", reason="no")
    given(other, OVERRIDDEN).when(say(SAID)).then()


def test_who_said_it_and_why_goes_to_the_vault_alone():
    wish = Wish(
        source="orders", table="orders", column="note", status=PiiStatus.PII,
        reason="Anna saw names", set_by="anna@example.org",
    )  # fmt: skip
    command = applying((wish,), lambda kind, text: f"digest of {len(kind + text)}")

    (kept,) = command.vault()
    assert isinstance(kept, Keep)
    assert b"anna@example.org" in kept.value
    assert "anna" not in str(command.overrides).casefold()


@pytest.mark.parametrize("confidence", [pii.CONFIDENCE_MIN, 1.0])
def test_a_finding_counts_from_a_confidence_on(confidence):
    found = Finding(schema="s", table="t", column="c", kind="X", confidence=confidence, samples=1)

    assert found.counts
    less = Finding(schema="s", table="t", column="c", kind="X", confidence=0.49, samples=1)
    assert not less.counts
