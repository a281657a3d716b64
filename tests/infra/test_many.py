"""Many rows with one statement: the rows of one by one, in their order."""

import contextlib
import sqlite3

import pytest

from infra import many

UPSERT = "INSERT INTO t VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET text = excluded.text"


@pytest.fixture
def database():
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        made.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT, extra BLOB) STRICT")
        made.execute("ALTER TABLE t DROP COLUMN extra")
        yield made


@pytest.mark.parametrize("count", [0, 1, 2, 5, 32, 33, 99, 100, 101, 133, 1000])
def test_every_row_is_written_and_no_other(database, count):
    rows = [(number, f"row {number}") for number in range(count)]
    many.execute(database, "INSERT INTO t VALUES (?, ?)", rows)
    assert database.execute("SELECT * FROM t ORDER BY id").fetchall() == rows


def test_of_two_rows_with_one_key_the_later_one_stays(database):
    many.execute(database, UPSERT, [(1, "first"), (2, "other"), (1, "second")])
    assert database.execute("SELECT * FROM t ORDER BY id").fetchall() == [
        (1, "second"),
        (2, "other"),
    ]


def test_a_row_that_does_not_fit_fails_the_statement(database):
    with pytest.raises(sqlite3.IntegrityError):
        many.execute(database, "INSERT INTO t VALUES (?, ?)", [(1, "a"), (1, "b")])


def test_rows_of_nothing_are_rows(database):
    many.execute(database, "INSERT INTO t VALUES (?, ?)", [(1, None), (None, None), (None, "x")])
    assert len(database.execute("SELECT * FROM t").fetchall()) == 3
