"""Whoever changes the log is found out, and where."""

import contextlib
import sqlite3
from random import Random

import pytest

from domain.queries import QueryExecuted
from infra.log.envelope import seal
from infra.log.sqlite import SQLiteLog
from infra.log.verify import verify
from tests.decisions import recorded

EVENTS = 2_000
TAMPERINGS = 200
COLUMNS = ("type", "tags", "data", "hash")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "events.db"
    with contextlib.closing(SQLiteLog(path)) as log:
        log.begin()
        log.insert(
            [
                seal(recorded(number, QueryExecuted(query_id=f"q{number}", outcome="answered")))
                for number in range(1, EVENTS + 1)
            ]
        )
        log.commit()
    return path


@pytest.fixture
def database(path):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous=OFF")
        yield database


def test_a_log_that_nobody_changed_proves_itself(path):
    proof = verify(path)

    assert (True, EVENTS, EVENTS, None) == (proof.ok, proof.events, proof.head, proof.position)


def test_the_proof_of_an_empty_log_is_the_genesis(tmp_path):
    SQLiteLog(tmp_path / "events.db").close()

    assert (True, 0, "0" * 64) == (
        (proof := verify(tmp_path / "events.db")).ok,
        proof.head,
        proof.hash,
    )


def row(database, position):
    columns = "CAST(type AS BLOB), tags, data, hash"
    return database.execute(
        f"SELECT {columns} FROM events WHERE position = ?", (position,)
    ).fetchone()


def put(database, position, values):
    database.execute("DELETE FROM events WHERE position = ?", (position,))
    database.execute("INSERT INTO events VALUES (?, CAST(? AS TEXT), ?, ?, ?)", (position, *values))


@contextlib.contextmanager
def restored(database, *positions):
    before = {position: row(database, position) for position in positions}
    try:
        yield
    finally:
        for position, values in before.items():
            put(database, position, values)


def flip(random, value):
    changed = bytearray(value)
    changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def flipped(random, database, column):
    position = random.randint(1, EVENTS)
    with restored(database, position):
        values = list(row(database, position))
        values[column] = flip(random, values[column])
        put(database, position, values)
        yield position


def deleted(random, database):
    position = random.randint(1, EVENTS - 1)
    with restored(database, position):
        database.execute("DELETE FROM events WHERE position = ?", (position,))
        yield position


def exchanged(random, database, with_hashes):
    first, second = sorted(random.sample(range(1, EVENTS + 1), 2))
    with restored(database, first, second):
        one, other = row(database, first), row(database, second)
        put(database, first, other if with_hashes else (*other[:3], one[3]))
        put(database, second, one if with_hashes else (*one[:3], other[3]))
        yield first


def test_any_change_is_found_at_its_first_position(path, database):
    random = Random(7)  # noqa: S311 - seeded
    kinds = [
        *[lambda c=column: flipped(random, database, c) for column in range(len(COLUMNS))],
        lambda: deleted(random, database),
        lambda: exchanged(random, database, with_hashes=True),
        lambda: exchanged(random, database, with_hashes=False),
    ]
    for number in range(TAMPERINGS):
        for position in kinds[number % len(kinds)]():
            proof = verify(path)
            assert (False, position) == (proof.ok, proof.position), f"tampering {number}"
            assert position - 1 == proof.head
    assert verify(path).ok


def test_a_tail_that_was_cut_off_shows_by_the_head_that_was_noted_down(path, database):
    noted = verify(path)
    with restored(database, EVENTS):
        database.execute("DELETE FROM events WHERE position = ?", (EVENTS,))
        database.execute("DELETE FROM event_tags WHERE position = ?", (EVENTS,))
        cut = verify(path)
    database.execute("INSERT INTO event_tags VALUES (?, ?)", (f"query:q{EVENTS}", EVENTS))

    assert (True, EVENTS - 1) == (cut.ok, cut.head)
    assert (noted.head, noted.hash) != (cut.head, cut.hash)


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("DELETE FROM event_tags WHERE position = 7", "INSERT INTO event_tags VALUES (:tag, 7)"),
        (
            "UPDATE event_tags SET tag = 'query:q' WHERE position = 7",
            "UPDATE event_tags SET tag = :tag WHERE position = 7",
        ),
        (
            "INSERT INTO event_tags VALUES ('query:q8', 7)",
            "DELETE FROM event_tags WHERE position = 7 AND tag != :tag",
        ),
    ],
)
def test_a_change_of_the_tags_by_which_events_are_found_is_named(path, database, change, back):
    database.execute(change)
    proof = verify(path)
    database.execute(back, {"tag": "query:q7"})

    assert (False, 7) == (proof.ok, proof.position)
    assert verify(path).ok
