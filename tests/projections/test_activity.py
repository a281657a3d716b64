"""The activity log in words."""

from datetime import timedelta

import msgspec
import pytest

from domain.sources import ConfigurationRefused, SourceReconfigured, SourceRemoved
from domain.upkeep import (
    MaintenanceCompleted,
    MaintenanceFailed,
    MaintenanceRequested,
    MaintenanceStarted,
)
from projections import activity
from projections.engine import stamp
from tests.accounts import created
from tests.datasets import completed, failed, registered, requested, source, started
from tests.decisions import NOW
from tests.projections.reading import reading


@pytest.fixture
def given():
    with reading() as given:
        yield given


@pytest.mark.parametrize(
    ("event", "level", "about", "words"),
    [
        (registered(), "info", "orders", "Source orders was added"),
        (
            SourceReconfigured(source="orders", config=source(), changed=("schema", "table")),
            "info",
            "orders",
            "Source orders was changed: schema, table",
        ),
        (
            SourceRemoved(source="orders", schema="raw_orders"),
            "info",
            "orders",
            "Source orders was removed",
        ),
        (
            ConfigurationRefused(file="sources.yml", reason="a tab", line=3, column=1),
            "error",
            "platform",
            "sources.yml cannot be read, line 3, column 1: a tab",
        ),
        (
            ConfigurationRefused(file="sources.yml", reason="is not UTF-8"),
            "error",
            "platform",
            "sources.yml cannot be read: is not UTF-8",
        ),
        (started(1), "info", "orders", "Starting sync for orders"),
        (completed(1), "success", "orders", "Sync of orders completed: 3 rows in 1.5 s"),
        (
            msgspec.structs.replace(completed(1), duration_s=None),
            "success",
            "orders",
            "Sync of orders completed: 3 rows",
        ),
        (failed(1), "error", "orders", "Sync of orders failed: no"),
        (MaintenanceStarted(job=1), "info", "platform", "Maintaining the warehouse"),
        (
            MaintenanceFailed(job=1, reason="no"),
            "error",
            "platform",
            "Warehouse maintenance failed: no",
        ),
        (
            MaintenanceCompleted(
                job=1, snapshot=2, files_merged=4, snapshots_expired=0, files_removed=5
            ),
            "success",
            "platform",
            "Warehouse maintained: 4 files merged, 5 removed",
        ),
    ],
)
def test_what_happened_is_said(given, event, level, about, words):
    assert [activity.Entry(1, stamp(NOW), level, about, words)] == activity.newest(given(event), 10)


def test_a_request_for_several_sources_is_an_entry_of_each(given):
    reader = given(requested("users", "orders"))

    assert [(1, "orders"), (1, "users")] == [
        (entry.position, entry.source) for entry in activity.newest(reader, 10)
    ]
    assert 1 == len(activity.newest(reader, 10, "users"))


def test_a_sync_that_is_tried_again_names_the_job_before(given):
    reader = given(requested("orders"), requested("orders", retry=1, retry_of=1))

    assert ["Sync of orders is tried again, after job 1", "Sync requested for orders"] == [
        entry.message for entry in activity.newest(reader, 10)
    ]


def test_the_newest_come_first_of_all_or_of_one_source(given):
    reader = given(registered("orders"), registered("users"), requested("orders"))

    assert [3, 2] == [entry.position for entry in activity.newest(reader, 2)]
    assert [3, 1] == [entry.position for entry in activity.newest(reader, 9, "orders")]


@pytest.mark.parametrize("event", [created(), MaintenanceRequested()])
def test_what_concerns_no_source_and_no_operator_is_not_said(given, event):
    assert [] == activity.newest(given(event), 10)


def test_the_past_knows_nothing_of_what_came_later(given):
    reader = given(registered("orders"), registered("users"), as_of=1)

    assert [1] == [entry.position for entry in activity.newest(reader, 10)]


def test_lines_of_one_level_and_of_a_time_are_found(given):
    reader = given(registered(), (NOW + timedelta(hours=1), failed(1)))

    def words(**more):
        return [entry.message for entry in activity.newest(reader, 10, **more)]

    late = NOW + timedelta(minutes=1)
    assert ["Sync of orders failed: no"] == words(level="error") == words(since=late)
    assert 2 == len(words(since=NOW))
    assert [] == words(level="warning") == words(source="users")
