"""How the columns of sources changed, and what waits to be accepted."""

import pytest

from domain.drift import Change, DriftAccepted, DriftDetected
from domain.sources import SourceRemoved
from projections import drift
from tests.datasets import registered
from tests.decisions import NOW, ago
from tests.projections.reading import reading

REMOVED = Change(schema="raw_orders", table="orders", column="note", before="VARCHAR")
ADDED = Change(schema="raw_orders", table="orders", column="more", after="DATE")
BROKEN = DriftDetected(source="orders", job=2, changes=(REMOVED, ADDED), pending=(REMOVED,))


@pytest.fixture
def given():
    with reading() as given:
        yield given


def test_changes_are_listed_newest_first_and_by_source_and_table(given):
    later = DriftDetected(source="orders", job=4, changes=(ADDED,))
    reader = given(registered(), BROKEN, later)

    assert [ADDED, REMOVED, ADDED] == [each.change for each in drift.newest(reader, 10)]
    assert 3 == len({each.id for each in drift.newest(reader, 10)})
    assert 2 == len(drift.newest(reader, 2))
    assert [] == drift.newest(reader, 10, source="other")
    assert [] == drift.newest(reader, 10, table="other")
    assert 3 == len(drift.newest(reader, 10, source="orders", table="orders"))


def test_a_source_is_held_since_its_first_breaking_change(given):
    reader = given(registered(), ago(BROKEN, days=2), BROKEN)

    assert (REMOVED,) == drift.pending(reader)["orders"].changes
    assert 2 == (NOW - drift.pending(reader)["orders"].at).days
    assert frozenset({"orders"}) == drift.held(reader)


@pytest.mark.parametrize(
    "ending",
    [
        DriftAccepted(source="orders", changes=(REMOVED,)),
        DriftDetected(source="orders", job=4, changes=(ADDED,)),
        SourceRemoved(source="orders", schema="raw_orders"),
    ],
)
def test_what_is_settled_holds_nothing_any_more_and_was_held_before(given, ending):
    events = (registered(), BROKEN, ending)

    assert frozenset() == drift.held(given(*events))
    assert frozenset({"orders"}) == drift.held(given(*events, as_of=2))
