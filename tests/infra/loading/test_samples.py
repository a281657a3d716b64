"""DuckDB files as sources, and the first rows of a source."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from commands import ports
from infra.loading import worker
from tests.infra.loading.conftest import Trial


def sample(trial: Trial, kind: str, **options: Any) -> ports.Sample:
    load = ports.Load(
        source="s",
        type=kind,
        job=1,
        author="a",
        schema="raw_s",
        table="s",
        root=str(trial.directory.parent),
        options=options,
    )
    return worker.sample(trial.lake, load, trial.settings, trial.desk)


def database(trial: Trial, *statements: str) -> None:
    with duckdb.connect(str(trial.directory / "shop.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)


def load(trial: Trial, job: int, **options: Any) -> ports.Loaded:
    wanted = ports.Load(
        source="s",
        type="duckdb",
        job=job,
        author="a",
        schema="raw_s",
        table="s",
        root=str(trial.directory.parent),
        options={"path": "in/shop.duckdb", **options},
    )
    return worker.load(trial.lake, wanted, trial.settings, trial.desk)


def test_every_table_of_a_database_file_becomes_one(trial: Trial) -> None:
    database(
        trial,
        "CREATE TABLE Orders AS SELECT 1 AS id, 2::HUGEINT AS big",
        "CREATE TABLE users AS SELECT 'ann' AS name",
    )
    first = load(trial, 1)
    same = load(trial, 2)
    database(trial, "INSERT INTO users VALUES ('bob')")
    again = load(trial, 3, tables=["users"])

    assert ["orders", "users"] == [table.name for table in first.tables]
    assert [2, 0, 2] == [first.rows, same.rows, again.rows]
    found = trial.lake.execute("SELECT id, big, _dango_file FROM lake.raw_s.orders").fetchall()
    assert [(1, 2, "shop.duckdb")] == found


def test_what_is_no_database_or_has_no_such_table_is_refused(trial: Trial) -> None:
    (trial.directory / "shop.duckdb").write_text("not a database")
    with pytest.raises(ports.WorkRefused, match="no DuckDB file"):
        load(trial, 1)
    (trial.directory / "shop.duckdb").unlink()
    database(trial, "CREATE TABLE a AS SELECT 1 AS id")
    with pytest.raises(ports.WorkRefused, match="no table 'b'"):
        load(trial, 1, tables=["b"])


def test_a_sample_shows_rows_and_writes_nothing(trial: Trial) -> None:
    trial.file("a.csv", "id,v\n" + "1,x\n" * 2_000_000)
    trial.file("b.json", '[{"id": 1, "part": {"a": 1}}]')
    database(trial, "CREATE TABLE a AS SELECT 1 AS id")
    of_csv = sample(trial, "csv", directory="in")
    of_json = sample(trial, "local_files", directory="in", file_pattern="*.json")
    of_database = sample(trial, "duckdb", path="in/shop.duckdb")

    assert (20, ("1", "x")) == (len(of_csv.rows), of_csv.rows[0])
    assert [("id", "BIGINT"), ("v", "VARCHAR")] == [(c.name, c.type) for c in of_csv.columns]
    assert (("1", "{'a': 1}"),) == of_json.rows
    assert ((("1",),), ("Tables: a.",)) == (of_database.rows, of_database.notes)
    assert [] == list(Path(trial.settings.warehouse.data).rglob("*.parquet"))


def test_a_sample_of_what_cannot_be_loaded_says_why(trial: Trial) -> None:
    with pytest.raises(ports.WorkRefused, match="No file matches"):
        sample(trial, "csv", directory="in")
    trial.file("a.csv", "a,a\n1,2\n")
    with pytest.raises(ports.WorkRefused, match="twice"):
        sample(trial, "csv", directory="in")
