"""Rows in memory and rows in the file are the same rows, however few are remembered."""

import contextlib
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.views import batch, schema
from infra.views.batch import Batch
from projections.engine import Table
from projections.table import PROJECTIONS

THINGS = Table(
    name="things",
    columns={"id": "INTEGER NOT NULL", "name": "TEXT NOT NULL", "size": "INTEGER"},
    key=("id",),
)
IDS, NAMES = st.integers(0, 2), st.sampled_from("ab")
STEPS = st.one_of(
    st.tuples(st.just("put"), IDS, NAMES),
    st.tuples(st.just("change"), IDS, NAMES),
    st.tuples(st.just("remove"), IDS, st.none()),
    st.tuples(st.just("remove by name"), st.none(), NAMES),
    st.tuples(st.just("get"), IDS, st.none()),
    st.tuples(st.just("write"), st.none(), st.none()),
    st.tuples(st.just("forget"), st.none(), st.none()),
)


@contextlib.contextmanager
def table():
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        for statement in (*schema.create(THINGS), *schema.indexes(THINGS)):
            database.execute(statement)
        yield database


class Model:
    """The same, said plainly."""

    def __init__(self):
        self.rows, self.past = {}, []

    def set(self, id, name, since):
        before = self.rows.get(id)
        if before is not None and before[0] == name:
            return
        if before is not None:
            self.past.append((id, *before, since))
        self.rows[id] = (name, since)
        if name is None:
            del self.rows[id]


def do(step, rows, model, since):  # noqa: C901 - one branch a step
    kind, id, name = step
    if kind == "put":
        rows.put(THINGS, id=id, name=name, size=None)
        model.set(id, name, since)
    elif kind == "change":
        rows.change(THINGS, id, name=name)
        if id in model.rows:
            model.set(id, name, since)
    elif kind == "remove":
        rows.remove(THINGS, id=id)
        if id in model.rows:
            model.set(id, None, since)
    elif kind == "remove by name":
        rows.remove(THINGS, name=name)
        for each in [id for id, row in model.rows.items() if row[0] == name]:
            model.set(each, None, since)
    elif kind == "get":
        found = rows.get(THINGS, id)
        assert (None if found is None else found["name"]) == model.rows.get(id, (None,))[0]
    else:
        rows.write()
        if kind == "forget":
            rows.forget()


@pytest.mark.parametrize("cached", [-2, 4, 20_000])  # the first: all are forgotten at each write
@given(steps=st.lists(STEPS, min_size=15, max_size=60))
def test_rows_and_their_past_are_what_was_done_to_them(cached, steps):
    model, before = Model(), batch.ROWS_CACHED_MAX
    batch.ROWS_CACHED_MAX = cached
    try:
        with table() as database:
            rows = Batch(database)
            for since, step in enumerate(steps, 1):
                rows.since = since
                do(step, rows, model, since)
            rows.write()
            now = database.execute("SELECT id, name, since FROM things ORDER BY id").fetchall()
            past = database.execute("SELECT id, name, since, until FROM things_past").fetchall()
    finally:
        batch.ROWS_CACHED_MAX = before

    assert sorted((id, *row) for id, row in model.rows.items()) == now
    assert sorted(model.past) == sorted(past)


def test_in_an_empty_table_nothing_is_looked_for():
    with table() as database:
        asked = []
        rows = Batch(database)
        rows.get(THINGS, 1)  # the first asks whether it is empty
        database.set_trace_callback(asked.append)
        for id in range(1_000):
            rows.since = id + 1
            rows.change(THINGS, id, name="a")
            rows.put(THINGS, id=id, name="a", size=None)
        assert [] == asked


def test_in_a_table_that_has_rows_they_are_looked_for():
    with table() as database:
        database.execute("INSERT INTO things VALUES (7, 'a', NULL, 1)")
        rows = Batch(database)

        assert {"id": 7, "name": "a", "size": None} == rows.get(THINGS, 7)
        assert None is rows.get(THINGS, 8)


def test_rows_that_go_are_found_by_their_key():
    walked = []
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        for table in (table for each in PROJECTIONS for table in each.tables):
            if table.grows is None:
                for statement in schema.create(table):
                    database.execute(statement)
                delete, key = schema.delete(table), [None] * len(table.key)
                plan = [step[3] for step in database.execute(f"EXPLAIN QUERY PLAN {delete}", key)]
                if not plan[0].startswith(f"SEARCH {table.name} USING "):
                    walked.append(plan)

    assert [] == walked
