"""Laws over all projections that there are."""

import contextlib
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel import tags
from domain.registry import EVENTS
from infra.views.store import Store, connect, differences
from projections import audit
from projections.table import PROJECTIONS
from tests import shapes
from tests.decisions import NOW, recorded
from tests.folding import build
from tests.projections.reading import TABLES

COUNT = 150


def by_name(thing):
    return thing.name


def test_no_two_tables_have_one_name():
    names = [name for table in TABLES for name in (table.name, f"{table.name}_past")]

    assert len(names) == len(set(names))
    assert len(PROJECTIONS) == len({projection.name for projection in PROJECTIONS})


@pytest.mark.parametrize("table", TABLES, ids=by_name)
def test_keys_and_indexes_name_columns(table):
    columns = [index.partition(" WHERE ")[0] for index in table.indexes]
    indexed = {name.strip() for index in columns for name in index.split(",")}

    assert {*table.key, *indexed} <= set(table.columns)
    assert table.grows is None or table.grows in table.columns


@pytest.mark.parametrize("table", TABLES, ids=by_name)
def test_no_column_is_called_like_the_machinery(table):
    assert set() == {"since", "until", "rowid", "k0", "k1", "k2"} & set(table.columns)


@pytest.mark.parametrize("projection", PROJECTIONS, ids=by_name)
def test_a_projection_listens_to_events_that_there_are(projection):
    assert set(projection.on) <= set(EVENTS)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(max_examples=5)
def test_every_event_has_its_row_in_the_audit_index(kind, data):
    event = data.draw(shapes.of(kind))
    row = audit.PROJECTION.row(7, kind.type_name(), recorded(7, event), tags(event))

    assert (7, kind.type_name(), event.stream()) == (row[0], row[3], row[4])
    assert len(audit.EVENTS.columns) == len(row)


def some(seed):
    """Events that no decision stands behind, in any order: what was stored must be shown."""
    random = Random(seed)  # noqa: S311 - seeded

    def leaf(kind, field):
        values = {str: "ab", int: range(9), float: (0.5,), bool: (False, True), type(None): (None,)}
        return random.choice(values.get(kind, (NOW,)))

    for position in range(1, COUNT + 1):
        event = shapes.made(random.choice(EVENTS), random, leaf)
        if len(set(tags(event))) == len(tags(event)):  # no source is named twice in one request
            yield recorded(position, event)


@pytest.mark.parametrize("seed", range(8))
def test_any_events_in_any_order_lead_to_rows_and_always_to_the_same(tmp_path, seed):
    log = list(some(seed))
    build(tmp_path / "whole.db", PROJECTIONS, EVENTS, log)
    store = Store.create(tmp_path / "single.db", PROJECTIONS, EVENTS)
    for item in log:
        store.apply([item])
    store.finish()
    store.close()

    with contextlib.closing(connect(tmp_path / "whole.db", readonly=True)) as whole:
        assert [] == list(differences(whole, tmp_path / "single.db", TABLES))
