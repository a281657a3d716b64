"""Which columns tell of persons: scans, people's word, and what is masked."""

from datetime import timedelta

import msgspec
import pytest

from domain.datasets import Column, Table
from domain.pii import Finding, Looked, PiiScanFailed, PiiScanned, PiiScanRequested
from domain.pii_overrides import PiiOverridden, PiiOverrideRemoved, PiiStatus
from domain.sources import SourceRemoved
from projections import pii
from tests.datasets import completed, registered, requested, started
from tests.decisions import NOW, ago
from tests.projections.reading import reading

COLUMNS = tuple(Column(name=name, type="VARCHAR") for name in ("email", "Note", "zip"))
TABLE = Table(schema="raw_orders", name="orders", row_count=3, columns=COLUMNS)
PUBLISHED = (registered(), requested(), started(2), completed(2, tables=(TABLE,)))


@pytest.fixture
def given():
    with reading() as given:
        yield given


def found(column, confidence=0.9, kind="EMAIL_ADDRESS"):
    return Finding(
        schema="raw_orders", table="orders", column=column, kind=kind,
        confidence=confidence, samples=3,
    )  # fmt: skip


def scan(*findings, columns=COLUMNS, job=5):
    looked = (Looked(schema="raw_orders", table="orders", columns=columns),)
    asked = PiiScanRequested(source="orders", tables=looked, whole=columns == COLUMNS)
    return asked, PiiScanned(source="orders", job=job, findings=findings, tables=looked)


def said(column, status):
    return PiiOverridden(source="orders", table="orders", column=column, status=PiiStatus(status))


def key(column):
    return "raw_orders", "orders", column


def masked(reader):
    return {column for _, _, column in pii.masked_columns(reader)}


def test_what_counts_is_masked_and_what_is_doubtful_is_not(given):
    reader = given(*PUBLISHED, *scan(found("email"), found("zip", 0.4)))

    assert {key("email")} == pii.masked_columns(reader)
    assert 2 == len(pii.findings(reader)["orders"])


def test_what_people_say_goes_before_what_scans_find(given):
    scanned = (*PUBLISHED, *scan(found("email")))

    assert set() == masked(given(*scanned, said("email", "not_pii")))
    assert {"email", "Note"} == masked(given(*scanned, said("note", "pii")))
    left = PiiOverrideRemoved(source="orders", table="orders", column="email")
    assert {"email"} == masked(given(*scanned, said("email", "not_pii"), left))


def test_nothing_is_masked_of_what_never_was_there(given):
    assert set() == masked(given(registered(), said("email", "pii")))


GONE = SourceRemoved(source="orders", schema="raw_orders")


def test_the_tables_of_a_source_that_is_gone_stay_masked(given):
    scanned = (*PUBLISHED, *scan(found("email")))

    reader = given(*scanned, GONE)
    assert {key("email")} == pii.masked_columns(reader)
    assert {"email"} == masked(given(*PUBLISHED, said("email", "pii"), GONE))
    assert {"email"} == masked(given(*PUBLISHED, GONE, said("email", "pii")))
    assert set() == masked(given(*scanned, GONE, said("email", "not_pii")))
    assert {} == pii.findings(reader)
    assert {} == pii.unreviewed(reader)


def test_a_source_that_comes_back_finds_its_tables_masked(given):
    again = (GONE, registered(), requested(), started(9), completed(9, tables=(TABLE,)))
    reader = given(*PUBLISHED, *scan(found("email")), *again)

    assert {"email"} == masked(reader)
    cleared = given(*PUBLISHED, *scan(found("email")), *again, *scan(job=12))
    assert set() == masked(cleared)


def test_a_column_that_is_not_delivered_any_more_stays_masked(given):
    fewer = msgspec.structs.replace(TABLE, columns=COLUMNS[1:])
    later = (requested(), started(7), completed(7, tables=(fewer,)))
    reader = given(*PUBLISHED, *scan(found("email")), *later, *scan(columns=COLUMNS[1:], job=10))

    assert {"email"} == masked(reader)


def test_a_table_that_a_source_has_left_for_another_schema_stays_masked(given):
    moved = msgspec.structs.replace(TABLE, schema="raw_shop")
    later = (requested(), started(7), completed(7, tables=(moved,)))
    reader = given(*PUBLISHED, *scan(found("email")), *later, said("note", "pii"))

    assert {key("email"), key("Note"), ("raw_shop", "orders", "Note")} == pii.masked_columns(reader)


@pytest.mark.parametrize("rejected", [1, None])
def test_rows_that_could_not_be_taken_are_masked_as_whole_lines(given, rejected):
    synced = (registered(), requested(), started(2), completed(2, tables=(), rejected=rejected))
    word = PiiOverridden(source="orders", table="_rejects", column="raw", status=PiiStatus.NOT_PII)
    lines = {("raw_orders", "_rejects", "raw"), ("raw_orders", "_rejects", "reason")}

    assert lines == pii.masked_columns(given(*synced))
    assert {"reason"} == masked(given(*synced, word))
    assert set() == masked(given(*PUBLISHED))


def test_what_another_source_loads_into_a_table_is_masked_until_it_was_looked_through(given):
    other = (
        registered("shop"),
        requested("shop"),
        started(9, "shop"),
        completed(9, "shop", tables=(TABLE,)),
    )
    before = (*PUBLISHED, *scan(found("email")), GONE, *other)
    looked = (Looked(schema="raw_orders", table="orders", columns=COLUMNS),)
    asked = PiiScanRequested(source="shop", tables=looked)
    ended = PiiScanned(source="shop", job=12, findings=(), tables=looked)

    assert {"email"} == masked(given(*before))
    assert set() == masked(given(*before, asked, ended))


def test_a_look_at_some_columns_leaves_what_was_found_in_others(given):
    later = scan(found("Note"), columns=(COLUMNS[1],), job=7)
    reader = given(*PUBLISHED, *scan(found("email")), *later)

    assert {"email", "Note"} == masked(reader)


def test_what_is_not_found_again_is_no_finding_any_more(given):
    reader = given(*PUBLISHED, *scan(found("email"), found("Note")), *scan(found("Note"), job=7))

    assert {"Note"} == masked(reader)


def test_a_finding_keeps_its_id_and_the_day_it_was_made_first(given):
    first = [ago(event, days=3) for event in scan(found("email"))]
    reader = given(*PUBLISHED, *first, *scan(found("email", 0.95), job=7))

    (finding,) = pii.findings(reader)["orders"]
    assert (NOW - timedelta(days=3), NOW) == (finding.since, finding.scanned_at)
    before = given(*PUBLISHED, *first)
    assert finding.id == pii.findings(before)["orders"][0].id


def test_a_finding_is_reviewed_when_somebody_has_said_a_word(given):
    scanned = (*PUBLISHED, *scan(found("email"), found("Note"), found("zip", 0.2)))

    left = pii.unreviewed(given(*scanned, said("email", "pii")))
    assert ["Note"] == [each.finding.column for each in left["orders"]]
    assert {} == pii.unreviewed(given(*scanned, said("EMAIL", "pii"), said("note", "not_pii")))


def test_a_scan_is_open_until_it_has_ended(given):
    asked, scanned = scan()

    assert [5] == pii.open_scans(given(*PUBLISHED, asked))
    assert [] == pii.open_scans(given(*PUBLISHED, asked, scanned))
    failed = PiiScanFailed(source="orders", job=5, reason="no")
    assert [] == pii.open_scans(given(*PUBLISHED, asked, failed))


def test_what_was_masked_can_be_looked_back_at(given):
    events = (*PUBLISHED, *scan(found("email")), said("email", "not_pii"))

    assert set() == masked(given(*events))
    assert {"email"} == masked(given(*events, as_of=6))
