"""What a commit makes of staged rows: the ways of writing, columns that change, counts, state."""

import time
from typing import Any

import msgspec
import pytest

from commands import ports
from infra.loading import staged as staging
from infra.loading import state
from infra.loading.publish import publish
from infra.loading.staged import Reject, Staged, StagedTable
from tests.infra.loading.conftest import Trial


class Story:
    """Loads into raw_s.s, one after the other."""

    def __init__(self, trial: Trial) -> None:
        self.trial, self.job = trial, 0

    def load(self, select: str, *, file: str | None = None, **fields: Any) -> ports.Loaded:
        return self.publish(Staged(tables=(self.staged(select, file=file, **fields),)))

    def staged(self, select: str, *, file: str | None = None, **fields: Any) -> StagedTable:
        self.job += 1
        trial = self.trial
        made = staging.copy(trial.lake, self.load_of(), trial.settings, "s", select, file=file)
        return msgspec.structs.replace(made, **fields)

    def publish(self, staged: Staged, **fields: Any) -> ports.Loaded:
        load = self.load_of(**fields)
        return publish(self.trial.lake, load, self.trial.settings, self.trial.desk, staged)

    def load_of(self, **fields: Any) -> ports.Load:
        known = {"source": "s", "type": "t", "author": "a", "schema": "raw_s", "table": "s"}
        return ports.Load(**known, job=self.job, root="/", **fields)

    def rows(self, columns: str = "*") -> list[tuple[Any, ...]]:
        sql = f"SELECT {columns} FROM lake.raw_s.s ORDER BY ALL"
        return self.trial.lake.execute(sql).fetchall()

    def types(self) -> dict[str, str]:
        return self.trial.types()


@pytest.fixture
def story(trial: Trial) -> Story:
    return Story(trial)


def counts(loaded: ports.Loaded) -> tuple[int | None, int | None, int | None]:
    (table,) = loaded.tables
    return table.inserted, table.updated, table.deleted


def test_appended_rows_stand_beside_those_of_before(story: Story) -> None:
    first = story.load("SELECT 1 AS id", write="append")
    second = story.load("SELECT 2 AS id", write="append")

    assert [(1, None, 1), (2, None, 2)] == story.rows()
    assert [(1, 0, 0), (1, 0, 0)] == [counts(first), counts(second)]
    assert 2 == second.tables[0].row_count


def test_merged_rows_take_the_place_of_their_keys(story: Story) -> None:
    story.load("SELECT i AS id, 'a' AS v FROM range(3) t(i)", write="merge", keys=("id",))
    loaded = story.load(
        "SELECT * FROM (VALUES (1, 'b'), (2, 'a'), (9, 'c')) t(id, v)", write="merge", keys=("ID",)
    )

    assert [(0, "a"), (1, "b"), (2, "a"), (9, "c")] == story.rows("id, v")
    assert (1, 1, 0) == counts(loaded)  # the row of key 2 is as it was


def test_of_several_rows_of_one_key_the_last_one_counts(story: Story) -> None:
    rows = "SELECT * FROM (VALUES (1, 'a'), (NULL, 'b'), (1, 'c'), (NULL, 'd')) t(id, v)"
    loaded = story.load(rows, write="merge", keys=("id",))
    again = story.load(rows.replace("'d'", "'e'"), write="merge", keys=("id",))

    assert [(1, "c"), (None, "e")] == story.rows("id, v")
    assert [(2, 0, 0), (0, 1, 0)] == [counts(loaded), counts(again)]


def test_with_keys_what_is_appended_is_what_was_not_there(story: Story) -> None:
    story.load("SELECT 1 AS id, 'a' AS v", write="append", keys=("id",))
    loaded = story.load(
        "SELECT * FROM (VALUES (1, 'b'), (2, 'c'), (2, 'd')) t(id, v)",
        write="append",
        keys=("id",),
    )

    assert [(1, "a"), (2, "c")] == story.rows("id, v")
    assert (1, 0, 0) == counts(loaded)


def test_versions_are_kept_with_their_time(story: Story) -> None:
    story.load("SELECT * FROM (VALUES (1, 'a'), (2, 'a')) t(id, v)", write="scd2", keys=("id",))
    loaded = story.load(
        "SELECT * FROM (VALUES (1, 'b'), (2, 'a'), (3, 'a')) t(id, v)", write="scd2", keys=("id",)
    )

    now = "_dango_valid_to IS NULL"
    assert [(1, "a", False), (1, "b", True), (2, "a", True), (3, "a", True)] == story.rows(
        f"id, v, {now}"
    )
    assert (1, 1, 0) == counts(loaded)
    ((ended, begun),) = story.rows(
        "max(_dango_valid_to), max(_dango_valid_from) FILTER (id = 1 AND _dango_valid_to IS NULL)"
    )
    assert ended == begun


def test_rows_of_files_that_changed_or_went_are_deleted_first(story: Story) -> None:
    story.load("SELECT 1 AS id", file="a.csv", write="append")
    story.load("SELECT 2 AS id", file="b.csv", write="append")
    loaded = story.load("SELECT 3 AS id", file="a.csv", write="append", gone_files=("a.csv",))
    gone = story.publish(
        Staged(tables=(StagedTable(name="s", columns=(), write="append", gone_files=("b.csv",)),))
    )

    assert [(3, "a.csv", 3)] == story.rows()
    assert [(0, 1, 0), (0, 0, 1)] == [counts(loaded), counts(gone)]


def test_a_table_is_not_emptied_by_files_that_are_gone(story: Story) -> None:
    story.load("SELECT 1 AS id", file="a.csv", write="append")
    gone = StagedTable(name="s", columns=(), write="append", gone_files=("a.csv",), empty="No file")

    with pytest.raises(ports.WorkRefused, match=r"No file, and raw_s\.s has 1 rows"):
        story.publish(Staged(tables=(gone,)))
    story.publish(Staged(tables=(gone,)), allow_empty=True)

    assert [] == story.rows()


@pytest.mark.parametrize("write", ["append", "merge"])
def test_columns_that_come_and_go_are_joined_by_name(story: Story, write: str) -> None:
    keys = ("id",) if write == "merge" else ()
    story.load("SELECT 1 AS id, 'a' AS old", write=write, keys=keys)
    story.load("SELECT 'n' AS new, 2 AS ID", write=write, keys=keys)

    assert [(1, "a", None), (2, None, "n")] == story.rows("id, old, new")
    assert ["id", "old", "new"] == list(story.types())


@pytest.mark.parametrize(
    ("values", "kind", "rows"),
    [
        (("1::INTEGER", "5000000000::BIGINT"), "BIGINT", ["1", "5000000000"]),
        (("1::BIGINT", "1.5::DOUBLE"), "DOUBLE", ["1.0", "1.5"]),
        (("9007199254740993::BIGINT", "1.5::DOUBLE"), "VARCHAR", ["1.5", "9007199254740993"]),
        (("1::BIGINT", "'x'"), "VARCHAR", ["1", "x"]),
        (("'x'", "1::BIGINT"), "VARCHAR", ["1", "x"]),
        (("DATE '2026-01-02'", "TIMESTAMP '2026-01-01 10:00'"), "TIMESTAMP", None),
        (("1.25::DECIMAL(4,2)", "1234::INTEGER"), "DECIMAL(12,2)", ["1.25", "1234.00"]),
        (("{'a': 1}", "{'b': 'x'}"), "JSON", ['{"a":1}', '{"b":"x"}']),
        (("[1, 2]", "'text'"), "JSON", ['"text"', "[1,2]"]),
    ],
)
@pytest.mark.parametrize("write", ["append", "merge"])
def test_types_meet_in_the_narrowest_one_that_loses_nothing(
    story: Story, values: tuple[str, str], kind: str, rows: list[str] | None, write: str
) -> None:
    keys = ("id",) if write == "merge" else ()
    story.load(f"SELECT 1 AS id, {values[0]} AS v", write=write, keys=keys)
    story.load(f"SELECT 2 AS id, {values[1]} AS v", write=write, keys=keys)

    assert kind == story.types()["v"]
    if rows is not None:
        assert rows == sorted(value for (value,) in story.rows("v::VARCHAR"))


def test_a_merge_into_a_table_that_is_rewritten_replaces_its_keys(story: Story) -> None:
    story.load("SELECT i AS id, i AS v FROM range(3) t(i)", write="merge", keys=("id",))
    story.load("SELECT 1 AS id, 'x' AS v", write="merge", keys=("id",))

    assert [(0, "0"), (1, "x"), (2, "2")] == story.rows("id, v")


def test_state_and_rejects_are_published_with_the_rows(story: Story) -> None:
    table = story.staged("SELECT 1 AS id", write="append")
    tracked = state.Tracked(path="a", size_bytes=1, mtime_ns=2, sha256="c", rows=1, run=1)
    bad = Reject(file="a", line=7, reason="it is bad", raw="x" * 1000)
    story.publish(
        Staged(tables=(table,), state={"cursor": [1]}, tracked=(tracked,), rejects=(bad,))
    )

    found = state.read(story.trial.lake, "s")
    assert state.State(files=(tracked,), cursors={"cursor": [1]}) == found
    assert state.State() == state.read(story.trial.lake, "other")
    rejects = story.trial.lake.execute("SELECT * FROM lake.raw_s._rejects").fetchall()
    assert [("a", 7, "it is bad", "x" * staging.RAW_CHARS_MAX, 1)] == rejects


def test_a_primary_key_that_is_no_column_is_refused(story: Story) -> None:
    with pytest.raises(ports.WorkRefused, match="'no' is not a column"):
        story.load("SELECT 1 AS id", write="merge", keys=("no",))


def test_ten_thousand_rows_are_merged_into_a_million_within_a_second(story: Story) -> None:
    columns = ", ".join(f"'text ' || (i % {n + 90}) AS c{n}" for n in range(8))
    story.load(
        f"SELECT i AS id, {columns}, i / 7 AS amount FROM range(1000000) t(i)",
        write="merge",
        keys=("id",),
    )
    table = story.staged(
        f"SELECT i * 99 AS id, {columns}, -1.0 AS amount FROM range(10000) t(i)",
        write="merge",
        keys=("id",),
    )
    began = time.perf_counter()
    loaded = story.publish(Staged(tables=(table,)))
    took_s = time.perf_counter() - began

    assert (0, 10_000, 0) == counts(loaded)
    assert [(1_000_000, 10_000)] == story.rows("count(*), count(*) FILTER (amount = -1)")
    assert took_s <= 10  # 1 s is the figure of the bench; here beside other tests
    print(f"merged in {took_s:.2f} s")  # noqa: T201 - for whoever asks with -s
