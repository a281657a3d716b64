"""Answers that are kept until one of the tables behind them changes."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

import projections
from domain.queries import QueryExecuted
from infra.views import schema, views
from infra.views.store import Store
from infra.views.views import Current
from projections import api_keys, sessions, users
from projections.engine import Projection, Table
from projections.table import PROJECTIONS
from tests.decisions import NOW, history

LIST = Table(name="list", columns={"name": "TEXT NOT NULL"}, key=("name",))
OTHER = Table(name="other", columns={"name": "TEXT NOT NULL"}, key=("name",))


def enlist(rows, event, _):
    rows.put(LIST if event.query_id.startswith("list") else OTHER, name=event.query_id)


PROJECTION = Projection(name="list", tables=(LIST, OTHER), on={QueryExecuted: enlist})
# Every function of a projection whose answer is kept, with a key that it can be asked for.
KEPT = [(sessions.by_proof, "session"), (api_keys.by_proof, "key"), (users.one, "user")]


class Served:
    """A store that is written to, and the reader over it."""

    def __init__(self, path):
        changed = {}
        with contextlib.closing(Store.create(path, [PROJECTION], [QueryExecuted])) as store:
            store.finish()
        self.store = Store(path, [PROJECTION], [QueryExecuted], changed)
        self.reader = Current(path, lambda: NOW, changed)
        self.looks, self.number = 0, 0

    def happen(self, name):
        self.number += 1
        events = history(*[QueryExecuted(query_id=name, outcome="")] * self.number)
        self.store.apply(events[-1:])

    def count(self, least=0):
        return self.reader.kept(("list",), self.look, least)

    def look(self, reader, least):
        self.looks += 1
        (number,) = reader.row("SELECT count(*) FROM list")
        return number if number >= least else None


@pytest.fixture
def served(tmp_path):
    made = Served(tmp_path / "views.db")
    with contextlib.closing(made.store), contextlib.closing(made.reader):
        yield made


def test_an_answer_is_looked_up_once_until_its_table_changes(served):
    assert [served.count(), served.count()] == [0, 0]
    assert served.looks == 1
    served.happen("list 1")
    assert [served.count(), served.count()] == [1, 1]
    assert served.looks == 2


def test_another_table_may_change(served):
    served.count()
    served.happen("other 1")
    served.count()
    assert served.looks == 1


def test_a_change_in_the_midst_of_a_look_is_not_missed(served):
    def slow(reader):
        seen = served.look(reader, 0)
        if served.number == 0:
            served.happen("list 1")
        return seen

    assert [served.reader.kept(("list",), slow) for _ in range(2)] == [0, 1]


def test_what_is_not_there_is_not_kept(served):
    assert [served.count(least=1), served.count(least=1)] == [None, None]
    assert served.looks == 2


def test_no_more_answers_are_kept_than_allowed(served, monkeypatch):
    monkeypatch.setattr(views, "FOUND_KEPT_MAX", 2)
    for least in (0, -1, -2, 0):
        served.count(least)
    assert served.looks == 4


def test_a_file_that_was_exchanged_is_looked_into_again(served, tmp_path):
    served.count()
    with served.reader.set_aside(tmp_path / "views.db"):
        pass
    served.count()
    assert served.looks == 2


@pytest.mark.parametrize(("ask", "key"), KEPT, ids=["session", "key", "user"])
def test_an_answer_names_every_table_that_it_reads(ask, key):
    read, named = set(), set()

    class Spy:
        def kept(self, tables, look, *keys):
            named.update(tables)
            return look(self, *keys)

        def row(self, sql, /, **values):
            with contextlib.closing(blank()) as database:
                database.set_authorizer(authorize)
                return database.execute(sql, values).fetchone()

    def authorize(action, table, *_):
        if action == sqlite3.SQLITE_READ:
            read.add(table)
        return sqlite3.SQLITE_OK

    ask(Spy(), key)
    assert read
    assert read - {"sqlite_master"} == named


def test_every_kept_answer_is_among_those_tested():
    folder = Path(projections.__file__).parent
    used = sum(path.read_text().count("reader.kept(") for path in folder.glob("*.py"))
    assert used == len(KEPT)


def blank():
    database = sqlite3.connect(":memory:")
    for projection in PROJECTIONS:
        for table in projection.tables:
            for statement in schema.create(table):
                database.execute(statement)
    return database
