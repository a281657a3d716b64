"""The sources as they stand."""

from datetime import timedelta

import pytest

from domain.datasets import Column
from domain.sources import SourceReconfigured, SourceRemoved
from projections import sources
from tests.datasets import (
    cancel_requested,
    cancelled,
    completed,
    failed,
    interrupted,
    registered,
    requested,
    source,
    started,
    table,
)
from tests.decisions import NOW, ago
from tests.projections.reading import reading

JOB = 2
SYNCED = (registered(), requested(), started(JOB), completed(JOB))


@pytest.fixture
def given():
    with reading() as given:
        yield given


def orders(reader):
    return sources.one(reader, "orders")


def test_a_new_source_has_never_been_synced(given):
    found = orders(given(registered()))

    assert source() == found.config
    assert ("not_synced", None, None, ()) == (
        found.status,
        found.row_count,
        found.synced_at,
        found.tables,
    )


def test_what_is_not_there_is_none(given):
    assert None is sources.one(given(registered()), "nothing")


@pytest.mark.parametrize(
    ("events", "status", "last"),
    [
        ([], "not_synced", None),
        ([requested()], "queued", None),
        ([requested(), started(JOB)], "syncing", None),
        ([requested(), started(JOB), completed(JOB)], "synced", "success"),
        ([requested(), started(JOB), completed(JOB, rows=0)], "empty", "success"),
        ([requested(), started(JOB), failed(JOB)], "failed", "failed"),
        ([requested(), cancelled(JOB)], "not_synced", "cancelled"),
        ([requested(), started(JOB), cancel_requested(JOB)], "syncing", None),
        ([requested(), started(JOB), interrupted(JOB)], "not_synced", "interrupted"),
    ],
)
def test_the_status_is_what_the_last_run_led_to(given, events, status, last):
    found = orders(given(registered(), *events))

    assert (status, last) == (found.status, found.last_status)


@pytest.mark.parametrize("ending", [cancelled(5), interrupted(5)])
def test_a_run_that_stopped_leaves_a_synced_source_synced(given, ending):
    found = orders(given(*SYNCED, requested(), started(6), ending))

    assert ("synced", 3, NOW) == (found.status, found.row_count, found.synced_at)


def test_a_run_that_failed_leaves_the_data_of_the_one_before(given):
    events = (*SYNCED, requested(), started(5), failed(5, reason="a bad line"))
    found = orders(given(*(ago(event, hours=2) for event in events[:4]), *events[4:]))

    assert ("failed", "a bad line", 3) == (found.status, found.error, found.row_count)
    assert (NOW - timedelta(hours=2), NOW) == (found.synced_at, found.last_at)


def test_a_sync_that_succeeds_again_forgets_the_error(given):
    again = (requested(), started(5), completed(5, rows=9))
    found = orders(given(registered(), requested(), started(JOB), failed(JOB), *again))

    assert ("synced", None, 9) == (found.status, found.error, found.row_count)


def test_tables_are_those_of_the_last_publication(given):
    first = completed(JOB, tables=(table("a", 1), table("b", 2)))
    second = completed(5, tables=(table("b", 4), table("c", 8)))
    events = (registered(), requested(), started(JOB), first)

    before = orders(given(*events))
    after = orders(given(*events, requested(), started(6), second))

    assert (["a", "b"], 3) == ([found.name for found in before.tables], before.row_count)
    assert (["b", "c"], 12) == ([found.name for found in after.tables], after.row_count)
    assert (Column(name="id", type="BIGINT"),) == after.tables[0].columns


def test_a_changed_configuration_leaves_the_state_alone(given):
    changed = source(description="all", enabled=False)
    event = SourceReconfigured(source="orders", config=changed, changed=("description", "enabled"))

    found = orders(given(*SYNCED, event))

    assert (changed, "synced", 3) == (found.config, found.status, found.row_count)


def test_a_source_that_was_removed_is_gone_with_its_tables_and_comes_back_new(given):
    removed = SourceRemoved(source="orders", schema="raw_orders")

    assert () == sources.every(given(*SYNCED, removed))
    back = orders(given(*SYNCED, removed, registered()))
    assert ("not_synced", ()) == (back.status, back.tables)


def test_all_sources_come_by_name_each_with_its_own_tables(given):
    events = (
        registered("users"),
        registered("orders"),
        requested("users", "orders"),
        started(3, "users"),
        completed(3, "users"),
        started(3, "orders"),
        completed(3, "orders"),
    )
    found = sources.every(given(*events))

    assert ["orders", "users"] == [each.config.name for each in found]
    assert [["orders"], ["users"]] == [[t.name for t in each.tables] for each in found]
    assert list(found) == [sources.one(given(*events), name) for name in ("orders", "users")]


def test_the_past_shows_what_was(given):
    history = (*SYNCED, requested(), started(5), completed(5, rows=9))

    seen = [
        (found.status, found.row_count, found.job)
        for position in range(1, 8)
        if (found := orders(given(*history, as_of=position)))
    ]

    assert [
        ("not_synced", None, None),
        ("queued", None, 2),
        ("syncing", None, 2),
        ("synced", 3, 2),
        ("queued", 3, 5),
        ("syncing", 3, 5),
        ("synced", 9, 5),
    ] == seen


def test_the_newest_commit_counts_in_whatever_order_commits_were_recorded(given):
    events = (
        registered("orders"),
        registered("users"),
        requested("orders", "users"),
        started(3),
        started(3, "users"),
        completed(3, snapshot=8),
        completed(3, "users", snapshot=7),
    )

    seen = [sources.snapshot(given(*events, as_of=position)) for position in (5, 6, 7)]

    assert [None, 8, 8] == seen
    assert 8 == sources.snapshot(given(*events))
