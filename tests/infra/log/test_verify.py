"""Whoever changes the log is found out, and where."""

import contextlib
import sqlite3

import pytest

from domain.queries import QueryExecuted
from infra.log.envelope import seal
from infra.log.sqlite import SQLiteLog
from infra.log.verify import verify
from projections.audit import Noted
from tests.decisions import recorded

EVENTS = 2_000


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


def test_a_head_that_was_noted_is_compared(path):
    head = verify(path)

    assert head == verify(path, Noted(EVENTS, head.hash))
    other = verify(path, Noted(EVENTS, "0" * 64))
    assert (False, EVENTS, EVENTS - 1) == (other.ok, other.position, other.head)
    cut = verify(path, Noted(EVENTS + 1, head.hash))
    assert (False, EVENTS + 1, EVENTS) == (cut.ok, cut.position, cut.head)


@pytest.mark.parametrize(
    ("change", "back"),
    [
        (
            "DELETE FROM event_tags WHERE position = 7",
            "INSERT INTO event_tags VALUES (:tag, 'query_executed', 7)",
        ),
        (
            "UPDATE event_tags SET type = 'x' WHERE position = 7",
            "UPDATE event_tags SET type = 'query_executed' WHERE position = 7",
        ),
        (
            "UPDATE event_tags SET tag = 'query:q' WHERE position = 7",
            "UPDATE event_tags SET tag = :tag WHERE position = 7",
        ),
        (
            "INSERT INTO event_tags VALUES ('query:q8', 'query_executed', 7)",
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
