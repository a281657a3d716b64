"""Rows that keep their past, whatever is done to them, and files that are compared."""

import contextlib
from random import Random

import msgspec
import pytest

from domain.queries import QueryExecuted
from infra import many
from infra.views.store import Store, connect, differences
from infra.views.views import Past
from projections.engine import Projection, Table, Unapplicable
from tests.decisions import NOW, recorded
from tests.folding import build

STEPS = 60
THINGS = Table(
    name="things",
    columns={"room": "TEXT NOT NULL", "shelf": "INTEGER NOT NULL", "content": "TEXT"},
    key=("room", "shelf"),
    indexes=("content",),
)
NOTES = Table(
    name="notes",
    columns={"position": "INTEGER NOT NULL", "text": "TEXT NOT NULL"},
    key=("position",),
    grows="position",
)
PEOPLE = Table(name="people", columns={"name": "TEXT NOT NULL", "mood": "TEXT"}, key=("name",))
TABLES = (THINGS, NOTES, PEOPLE, msgspec.structs.replace(PEOPLE, name="few_people", few=True))


class House:
    """Does the same at random to rows and to a dict, several things with one event."""

    def __init__(self, seed):
        self.random = Random(seed)  # noqa: S311 - seeded
        self.known, self.people = {}, {}
        self.projection = Projection(name="house", tables=TABLES, on={QueryExecuted: self.apply})

    def apply(self, rows, event, r):
        rows.put(NOTES, position=r.position, text=event.query_id)
        self.meet(rows)
        for _ in range(self.random.randint(0, 3)):
            self.random.choice([self.put, self.put, self.change, self.remove, self.empty])(rows)
        if r.position == STEPS // 2:
            self.clear(rows)

    def meet(self, rows):
        name, mood = self.random.choice("abcd"), self.random.choice(["glad", "sad", None])
        for people in TABLES[2:]:
            if mood is None:
                rows.remove(people, ("nobody",), (name,))
            else:
                rows.put(people, name=name, mood=mood)
        self.people.pop(name, None)
        if mood is not None:
            self.people[name] = mood

    def place(self):
        return self.random.choice("ab"), self.random.randint(1, 2)

    def put(self, rows):
        (room, shelf), content = self.place(), self.random.choice(["x", "y", None])
        rows.put(THINGS, room=room, shelf=shelf, content=content)
        self.known[room, shelf] = content

    def change(self, rows):
        place, content = self.place(), self.random.choice(["x", "y"])
        assert (place in self.known) == rows.change(THINGS, place, content=content)
        if place in self.known:
            self.known[place] = content

    def remove(self, rows):
        room, shelf = self.place()
        rows.remove(THINGS, room=room, shelf=shelf)
        self.known.pop((room, shelf), None)

    def empty(self, rows):
        room = self.random.choice("ab")
        before = rows.get(THINGS, (room, 1))
        assert ((room, 1) in self.known) == (before is not None)
        rows.remove(THINGS, room=room)
        self.known = {place: value for place, value in self.known.items() if place[0] != room}

    def clear(self, rows):
        rows.clear(THINGS)
        self.known.clear()

    def content(self):
        things = sorted((*place, content) for place, content in self.known.items())
        return things, sorted(self.people.items())


def events(count=STEPS):
    return [
        recorded(number, QueryExecuted(query_id=f"q{number}", outcome=""))
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("batch", "statement"), [(1, 100), (7, 100), (STEPS, 100), (STEPS, 3)])
def test_the_rows_of_any_position_are_those_that_were_there(
    tmp_path, monkeypatch, seed, batch, statement
):
    monkeypatch.setattr(many, "ROWS_A_STATEMENT", statement)
    house, path, moments = House(seed), tmp_path / "views.db", [([], [])]
    log = events()
    apply = house.apply

    def noted(rows, event, r):
        apply(rows, event, r)
        moments.append(house.content())

    projection = Projection(name="house", tables=TABLES, on={QueryExecuted: noted})
    store = Store.create(path, [projection], [QueryExecuted])
    for start in range(0, STEPS, batch):
        store.apply(log[start : start + batch])
    store.finish()
    store.close()

    with contextlib.closing(Past(path, lambda: NOW, TABLES)) as past:
        for position, expected in enumerate(moments):
            past.at(position, NOW)
            sql = "SELECT room, shelf, content FROM things ORDER BY room, shelf"
            things = past.rows(sql)
            for people in ("people", "few_people"):
                found = past.rows(f"SELECT name, mood FROM {people} ORDER BY name")
                assert expected == (things, found), f"as of {position}"
            assert [(position,)] == past.rows("SELECT count(*) FROM notes")


def folded(path, seed=1, count=STEPS):
    build(path, [House(seed).projection], [QueryExecuted], events(count))
    return path


def compared(one, other):
    with contextlib.closing(connect(one, readonly=True)) as database:
        return list(differences(database, other, TABLES))


def test_two_folds_of_one_log_do_not_differ(tmp_path):
    assert [] == compared(folded(tmp_path / "one.db"), folded(tmp_path / "other.db"))


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE things SET content = 'z' WHERE rowid_is", "things: room"),
        ("UPDATE notes SET text = 'z' WHERE position = 9", "notes: position 9 differs"),
        ("DELETE FROM notes WHERE position = 60", "notes: position 60 differs"),
        ("DELETE FROM things_past WHERE until = (SELECT max(until) FROM things_past)", "things_pa"),
        ("UPDATE things_past SET content = 'z' WHERE room = 'a'", "things_past: room 'a'"),
        ("INSERT INTO things VALUES ('c', 1, NULL, 60)", "things: room 'c', shelf 1 differs"),
    ],
)
def test_any_row_that_differs_is_named(tmp_path, sql, told):
    one, other = folded(tmp_path / "one.db"), folded(tmp_path / "other.db")
    with contextlib.closing(connect(one)) as database:
        database.execute(sql.replace("WHERE rowid_is", ""))

    (found,) = compared(one, other)
    assert found.startswith(told)
    assert 1 == len(compared(other, one))


def test_events_of_a_batch_that_fails_leave_no_row(tmp_path):
    def apply(rows, event, r):
        rows.put(NOTES, position=r.position, text="")
        if r.position == 4:
            raise ValueError

    projection = Projection(name="house", tables=(NOTES,), on={QueryExecuted: apply})
    with contextlib.closing(
        Store.create(tmp_path / "views.db", [projection], [QueryExecuted])
    ) as store:
        store.apply(events(2))
        with pytest.raises(Unapplicable, match="event 4"):
            store.apply(events(4)[2:])

        store.apply(events(3)[2:])
        assert 3 == store.position
        assert [(3,)] == store._database.execute("SELECT count(*) FROM notes").fetchall()
