"""Decisions about which sources there are."""

import pytest

from commands.sources import DECIDERS, ApplySources, RefuseConfiguration
from domain.sources import (
    ConfigurationAccepted,
    ConfigurationRefused,
    SchemaTaken,
    SourceReconfigured,
    SourceRemoved,
)
from tests.datasets import registered, source
from tests.decisions import Scenario

BROKEN = ConfigurationRefused(file="sources.yml", reason="a tab", line=3, column=1)
REFUSE = RefuseConfiguration(file="sources.yml", reason="a tab", line=3, column=1)


def given(*events):
    return Scenario(DECIDERS, events)


def apply(*wanted):
    return ApplySources(sources=wanted)


def test_what_the_file_names_first_appears():
    given().when(apply(source("orders"), source("users"))).then(
        registered("orders"), registered("users")
    )


def test_only_what_differs_happened():
    changed = source("orders", description="all of them", labels=("shop",))

    given(registered("orders"), registered("users")).when(apply(changed, source("users"))).then(
        SourceReconfigured(source="orders", config=changed, changed=("description", "labels"))
    )


def test_a_secret_that_changed_is_seen_by_its_fingerprint():
    changed = source(fingerprint="f2")

    given(registered()).when(apply(changed)).then(
        SourceReconfigured(source="orders", config=changed, changed=("fingerprint",))
    )


def test_what_the_file_names_no_more_is_removed_before_others_appear():
    renamed = source("sales", schema="raw_orders")

    given(registered("orders")).when(apply(renamed)).then(
        SourceRemoved(source="orders", schema="raw_orders"),
        registered("sales", schema="raw_orders"),
    )


def test_a_source_that_was_removed_can_come_back():
    removed = SourceRemoved(source="orders", schema="raw_orders")

    given(registered(), removed).when(apply(source())).then(registered())


@pytest.mark.parametrize("schema", ["raw_orders", "RAW_Orders"])
def test_a_schema_belongs_to_one_source(schema):
    both = apply(source("orders"), source("users", schema=schema))

    refused = given().when(both).refused(SchemaTaken)

    assert "'users'" in refused.detail
    assert "'orders'" in refused.detail


def test_two_sources_may_exchange_their_schemas():
    one = source("orders", schema="raw_users")
    other = source("users", schema="raw_orders")

    given(registered("orders"), registered("users")).when(apply(one, other)).then(
        SourceReconfigured(source="orders", config=one, changed=("schema",)),
        SourceReconfigured(source="users", config=other, changed=("schema",)),
    )


def test_a_broken_file_is_told_once():
    given(registered()).when(REFUSE).then(BROKEN)


def test_a_file_that_broke_again_after_a_change_is_told_again():
    accepted = ConfigurationAccepted(file="sources.yml")

    given(BROKEN, registered(), accepted).when(REFUSE).then(BROKEN)


def test_a_file_that_reads_well_again_is_told_once():
    accepted = ConfigurationAccepted(file="sources.yml")

    given(BROKEN).when(ApplySources(sources=())).then(accepted)


def test_a_file_that_is_broken_in_another_way_is_told():
    other = RefuseConfiguration(file="sources.yml", reason="a tab", line=4, column=1)

    given(BROKEN).when(other).then(
        ConfigurationRefused(file="sources.yml", reason="a tab", line=4, column=1)
    )
