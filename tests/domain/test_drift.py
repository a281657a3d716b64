"""Drift: what changed between two publications, what of it breaks, who is held back."""

import msgspec
import pytest

from commands import drift as commands
from commands import syncs as sync_commands
from commands.drift import AcceptDrift
from commands.syncs import CompleteSync
from domain import datasets, drift, inputs, syncs
from domain.drift import Change, DriftAccepted, DriftDetected, NoDrift
from domain.sources import SourceMissing, SourceRemoved
from tests.datasets import completed, registered, requested, started
from tests.decisions import Scenario, history, within

DECIDERS = {**sync_commands.DECIDERS, **commands.DECIDERS}
PLAIN = {"id": "BIGINT", "note": "VARCHAR", "amount": "INTEGER"}


def given(*events):
    return Scenario(DECIDERS, events)


def table(name="orders", /, **columns):
    found = tuple(datasets.Column(name=key, type=kind) for key, kind in columns.items())
    return datasets.Table(schema="raw_orders", name=name, row_count=3, columns=found)


def published(*tables):
    """A source that has published this once."""
    return (registered(), requested(), started(2), completed(2, tables=tables), requested(), RUN)


RUN = started(5)


def change(column=None, before=None, after=None, table="orders"):
    return Change(schema="raw_orders", table=table, column=column, before=before, after=after)


REMOVED = change("note", "VARCHAR")


def detected(*changes, pending=(), job=5):
    return DriftDetected(source="orders", job=job, changes=changes, pending=pending)


def complete(*tables, job=5, drifted=()):
    account = inputs.Account(drift=drifted) if drifted else None
    return CompleteSync(
        source="orders", job=job, rows=3, tables=tables, snapshot=job, duration_s=1.5,
        account=account,
    )  # fmt: skip


def told(scenario):
    """The events about drift that a completion leads to."""
    return [e for e in scenario.decide(scenario._events) if isinstance(e, DriftDetected)]


def test_what_is_published_first_drifts_from_nothing():
    scenario = given(registered(), requested(), started(2)).when(complete(table(**PLAIN), job=2))

    assert [] == told(scenario)


def test_the_same_columns_again_are_no_drift():
    assert [] == told(given(*published(table(**PLAIN))).when(complete(table(**PLAIN))))


@pytest.mark.parametrize(
    ("now", "changes", "breaking"),
    [
        ({**PLAIN, "more": "DATE"}, [change("more", None, "DATE")], False),
        ({"id": "BIGINT", "amount": "INTEGER"}, [REMOVED], True),
        ({**PLAIN, "amount": "BIGINT"}, [change("amount", "INTEGER", "BIGINT")], False),
        ({**PLAIN, "amount": "VARCHAR"}, [change("amount", "INTEGER", "VARCHAR")], True),
        ({**PLAIN, "_dango_run": "BIGINT"}, [], False),
    ],
)
def test_what_goes_or_becomes_narrower_breaks_and_what_comes_does_not(now, changes, breaking):
    found = told(given(*published(table(**PLAIN))).when(complete(table(**now))))

    pending = tuple(changes) if breaking else ()
    assert ([detected(*changes, pending=pending)] if changes else []) == found


def test_drift_is_told_in_the_transaction_that_ends_the_run():
    scenario = given(*published(table(**PLAIN))).when(complete(table(id="BIGINT")))

    kinds = [type(event) for event in scenario.decide(scenario._events)]
    assert [DriftDetected, syncs.SyncCompleted] == kinds


def test_a_table_that_goes_breaks_and_is_told_once():
    before = (table(**PLAIN), table("items", id="BIGINT"))
    found = told(given(*published(*before)).when(complete(table(**PLAIN))))

    gone = change(None, drift.WHOLE, table="items")
    assert [detected(gone, pending=(gone,))] == found
    assert "table_removed" == gone.kind


def test_a_column_that_the_input_lacks_has_gone_though_its_table_keeps_it():
    lacking = (datasets.Drift(table="orders", missing=("note",)),)
    scenario = given(*published(table(**PLAIN))).when(complete(table(**PLAIN), drifted=lacking))

    assert [detected(REMOVED, pending=(REMOVED,))] == told(scenario)


def test_what_is_undone_is_pending_no_more():
    narrow = (table(id="BIGINT", amount="INTEGER"),)
    events = (*published(table(**PLAIN)), detected(REMOVED, pending=(REMOVED,)))
    events = (*events, completed(5, tables=narrow), requested(), started(9))
    found = told(given(*events).when(complete(table(**PLAIN), job=9)))

    assert [detected(change("note", None, "VARCHAR"), job=9)] == found


def test_what_changes_twice_is_compared_with_what_was_accepted():
    first = change("amount", "INTEGER", "VARCHAR")
    events = (*published(table(**PLAIN)), detected(first, pending=(first,)))
    wide = (table(**{**PLAIN, "amount": "VARCHAR"}),)
    events = (*events, completed(5, tables=wide), requested(), started(9))
    now = table(**{**PLAIN, "amount": "BIGINT"})

    assert [detected(change("amount", "VARCHAR", "BIGINT"), job=9)] == told(
        given(*events).when(complete(now, job=9))
    )


def test_accepting_takes_all_that_is_pending_once():
    events = (*published(table(**PLAIN)), detected(REMOVED, pending=(REMOVED,)))

    accepted = DriftAccepted(source="orders", changes=(REMOVED,))
    given(*events).when(AcceptDrift(source="orders")).then(accepted)


def test_only_drift_that_there_is_can_be_accepted():
    given(registered()).when(AcceptDrift(source="orders")).refused(NoDrift)
    given(registered()).when(AcceptDrift(source="others")).refused(SourceMissing)


def test_a_source_is_held_until_its_drift_is_accepted_undone_or_the_source_is_gone():
    events = [registered(), detected(REMOVED, pending=(REMOVED,))]
    endings = (
        DriftAccepted(source="orders", changes=(REMOVED,)),
        detected(change("note", None, "VARCHAR")),
        SourceRemoved(source="orders", schema="raw_orders"),
    )

    assert frozenset({"orders"}) == holding(events)
    for ending in endings:
        assert frozenset() == holding([*events, ending]), ending


def holding(events):
    state = drift.Drifts()
    for item in history(*events):
        assert within(drift.holding(), item.event)
        state = drift.evolve(state, item)
    return drift.held(state)


@pytest.mark.parametrize(
    ("before", "after", "holds"),
    [
        ("INTEGER", "BIGINT", True),
        ("TINYINT", "HUGEINT", True),
        ("UINTEGER", "HUGEINT", True),
        ("BIGINT", "INTEGER", False),
        ("BIGINT", "DOUBLE", False),
        ("FLOAT", "DOUBLE", True),
        ("DECIMAL(10,2)", "DECIMAL(12,2)", True),
        ("DECIMAL(10,2)", "DECIMAL(10,3)", False),
        ("DATE", "TIMESTAMP", False),
        ("VARCHAR", "BIGINT", False),
    ],
)
def test_a_type_widens_when_it_holds_every_value_of_its_kind(before, after, holds):
    assert holds is drift.widens(before, after)


def test_nothing_of_a_source_that_is_gone_is_compared_with_one_of_its_name():
    again = (SourceRemoved(source="orders", schema="raw_orders"), registered(), requested())
    events = (*published(table(**PLAIN))[:4], *again, started(7))

    assert [] == told(given(*events).when(complete(table(id="VARCHAR"), job=7)))


def test_changes_come_back_as_they_were_written():
    event = detected(REMOVED, change("more", None, "DATE"), pending=(REMOVED,))

    assert event == msgspec.json.decode(msgspec.json.encode(event), type=DriftDetected)
