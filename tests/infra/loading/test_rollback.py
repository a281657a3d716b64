"""A source goes back to what it was before a run; what a run changed can be looked at."""

from typing import Any

import msgspec

from commands import ports
from infra.loading import state
from infra.warehouse.changes import changes
from tests.infra.loading.conftest import Trial


def back(trial: Trial, run: int, **fields: Any) -> ports.Loaded:
    return trial.load(job=90, rollback_of=run, **fields)


def test_a_rollback_brings_rows_columns_state_and_rejects_back(trial: Trial) -> None:
    trial.file("a.csv", "id\n1\n")
    trial.load(job=1)
    before = state.read(trial.lake, "s")
    good = "".join(f"{n},x\n" for n in range(200))
    trial.file("a.csv", f"id,more\n{good}1,2,3\n")
    trial.load(job=2)
    trial.file("b.csv", "id\n3\n")
    trial.load(job=3)
    done = back(trial, 2)

    assert [(1,)] == trial.rows()
    assert {"id": "BIGINT"} == trial.types()
    assert before == state.read(trial.lake, "s")
    assert [("s", 1)] == [(table.name, table.row_count) for table in done.tables]
    assert (
        []
        == trial.lake.execute(
            "SELECT 1 FROM duckdb_tables() WHERE table_name = '_rejects'"
        ).fetchall()
    )

    again = trial.load(job=91)
    assert (201, ["a.csv", "b.csv"]) == (again.rows, [file.path for file in again.files])


def test_a_rollback_of_the_first_run_leaves_nothing(trial: Trial) -> None:
    trial.file("a.csv", "id\n1\n")
    trial.load(job=1)
    done = back(trial, 1)

    assert () == done.tables
    assert state.State() == state.read(trial.lake, "s")
    assert 1 == trial.load(job=2).rows


def test_a_rollback_can_be_undone(trial: Trial) -> None:
    trial.file("a.csv", "id\n1\n")
    trial.load(job=1)
    trial.file("a.csv", "id\n2\n")
    trial.load(job=2)
    back(trial, 2)
    trial.load(job=95, rollback_of=90)

    assert [(2,)] == trial.rows()


def test_a_run_that_changed_nothing_is_not_undone(trial: Trial) -> None:
    trial.file("a.csv", "id\n1\n")
    trial.load(job=1)
    trial.load(job=2)

    trial.refused("changed nothing", rollback_of=2)


def test_the_rows_that_a_run_changed_are_shown_page_by_page(trial: Trial) -> None:
    trial.file("a.csv", "id,v\n1,a\n2,a\n3,a\n")
    trial.load(job=1, primary_key=["id"])
    trial.file("b.csv", "id,v\n2,b\n4,b\n")
    trial.load(job=2, primary_key=["id"])
    asked = ports.ChangesOf(source="s", job=2, schema="raw_s", limit=2)
    first = changes(trial.lake, asked)
    rest = changes(trial.lake, msgspec.structs.replace(asked, offset=2))

    assert {"s": {"inserted": 2, "deleted": 1}} == first.counts
    assert ("change", "id", "v", "_dango_file", "_dango_run") == first.columns
    rows = [*msgspec.json.decode(first.rows), *msgspec.json.decode(rest.rows)]
    assert [("deleted", 2, "a"), ("inserted", 2, "b"), ("inserted", 4, "b")] == sorted(
        tuple(row[:3]) for row in rows
    )
    assert ([2, 1], [True, False]) == ([first.row_count, rest.row_count], [first.more, rest.more])
    nothing = changes(trial.lake, msgspec.structs.replace(asked, job=77))
    assert (None, {}) == (nothing.snapshot, nothing.counts)


def test_values_of_masked_columns_are_not_read_at_all(trial: Trial) -> None:
    trial.file("a.csv", "id,Mail\n1,a@example.org\n2,\n")
    trial.load(job=1)
    asked = ports.ChangesOf(source="s", job=1, schema="raw_s", masked={"s": ("mail", "gone")})
    found = changes(trial.lake, asked)

    assert [("inserted", 1, "***"), ("inserted", 2, None)] == sorted(
        tuple(row[:3]) for row in msgspec.json.decode(found.rows)
    )
    assert b"example" not in bytes(found.rows)
    other = msgspec.structs.replace(asked, masked={"t": ("mail",)})
    assert b"a@example.org" in bytes(changes(trial.lake, other).rows)
