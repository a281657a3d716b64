"""Answers that are kept until one of the tables behind them changes."""

import ast
import contextlib
import importlib
import inspect
import sqlite3
from functools import partial
from pathlib import Path

import pytest

import api
import projections
from domain.queries import QueryExecuted
from infra.views import schema, views
from infra.views.store import Store
from infra.views.views import Current
from projections.engine import Projection, Table
from projections.table import PROJECTIONS
from tests.decisions import NOW, history

LIST = Table(name="list", columns={"name": "TEXT NOT NULL"}, key=("name",))
OTHER = Table(name="other", columns={"name": "TEXT NOT NULL"}, key=("name",))


def enlist(rows, event, _):
    rows.put(LIST if event.query_id.startswith("list") else OTHER, name=event.query_id)


PROJECTION = Projection(name="list", tables=(LIST, OTHER), on={QueryExecuted: enlist})


class Served:
    """A store that is written to, and the reader over it."""

    def __init__(self, path):
        changed = {}
        with contextlib.closing(Store.create(path, [PROJECTION], [QueryExecuted])) as store:
            store.finish()
        self.store = Store(path, [PROJECTION], [QueryExecuted], changed)
        self.reader = Current(path, lambda: NOW, changed)
        self.path, self.looks, self.number = path, 0, 0

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


def test_what_need_not_be_looked_up_is_known_beforehand(served):
    holds = partial(served.reader.holds, ("list",), served.look, 0)
    before, _, after = holds(), served.count(), holds()
    served.happen("list 1")

    assert (False, True, False) == (before, after, holds())


def test_the_past_keeps_an_answer_for_as_long_as_it_looks_at_one_position(served):
    served.happen("list 1")
    served.happen("list 2")
    past = views.Past(served.path, lambda: NOW, (LIST, OTHER))
    with contextlib.closing(past):
        found = []
        for position in (1, 2):
            reader = past.at(position, NOW)
            found.append([reader.kept(("list",), served.look, 0) for _ in "ab"])

    assert [[1, 1], [2, 2]] == found
    assert 2 == served.looks


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


def kept_answers():
    """Every call of `kept` that the program has: its place, its tables, its look."""
    root = Path(api.__file__).parent.parent
    folders = [Path(each.__file__).parent for each in (projections, api)]
    paths = {path for folder in folders for path in folder.rglob("*.py")}
    for path in sorted(paths - {root / "api" / "call.py"}):  # hands on what the others name
        tree = ast.parse(path.read_text())
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "kept":
                name = path.relative_to(root).with_suffix("").as_posix().replace("/", ".")
                module = importlib.import_module(name)
                tables, look = (
                    eval(compile(ast.Expression(each), name, "eval"), vars(module))  # noqa: S307 - ours
                    for each in call.args[:2]
                )
                yield pytest.param(frozenset(tables), look, id=f"{name}:{call.lineno}")


@pytest.mark.parametrize(("named", "look"), list(kept_answers()))
def test_an_answer_names_every_table_that_it_reads(named, look):
    read, within = set(), set(named)

    class Spy:
        now = NOW

        def kept(self, tables, look, *keys):
            within.update(tables)
            return look(self, *keys)

        def row(self, sql, /, **values):
            return next(iter(self.rows(sql, **values)), None)

        def rows(self, sql, /, **values):
            with contextlib.closing(blank()) as database:
                database.set_authorizer(authorize)
                return database.execute(sql, values).fetchall()

    def authorize(action, table, *_):
        if action == sqlite3.SQLITE_READ:
            read.add(table)
        return sqlite3.SQLITE_OK

    asked_for = len(inspect.signature(look).parameters) - 1
    look(Spy(), *[False] * asked_for)
    assert read
    assert read - {"sqlite_master", "json_each"} <= named
    assert within == named


def blank():
    database = sqlite3.connect(":memory:")
    for projection in PROJECTIONS:
        for table in projection.tables:
            for statement in schema.create(table):
                database.execute(statement)
    return database
