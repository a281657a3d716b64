"""A file that is handed in is read by a worker before it is the source's."""

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from commands import ports
from infra.loading import file_samples
from infra.loading.files import check
from tests.infra.loading.conftest import Trial

OF_THE_LAKE = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake'"
ROWS = "".join(f"{n},tea\n" for n in range(1000))


def look(trial: Trial, name: str, content: bytes | str, **options: Any) -> None:
    path = trial.file(".handed-in.part", content)
    load = ports.Load(
        source="s",
        type="local_files",
        job=0,
        author="",
        schema="raw_s",
        table="s",
        root=str(trial.directory.parent),
        options={"directory": "in", **options},
    )
    check(trial.lake, ports.Check(load=load, path=str(path), name=name), trial.settings, trial.desk)


def parquet(folder: Path) -> bytes:
    path = folder / "made.parquet"
    duckdb.sql("SELECT range AS id FROM range(1000)").write_parquet(str(path))
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", f"id,item\n{ROWS}"),
        ("a.csv", "id,item\n"),
        ("a.csv", "id,item\n1,käse\n".encode("utf-16")),
        ("a.csv.gz", gzip.compress(f"id,item\n{ROWS}".encode())),
        ("a.json", json.dumps([{"id": 1}])),
        ("a.ndjson", '{"id": 1}\n{"id": 2}\n'),
        ("a.tsv", "id\titem\n1\ttea\n"),
    ],
)
def test_what_a_load_would_take_passes(trial: Trial, name: str, content: bytes | str) -> None:
    look(trial, name, content)
    assert [] == trial.lake.execute(OF_THE_LAKE).fetchall()


def test_a_parquet_file_passes_and_a_damaged_one_does_not(trial: Trial, tmp_path: Path) -> None:
    whole = parquet(tmp_path)
    look(trial, "a.parquet", whole)
    broken = b"PAR1" + bytes(reversed(whole[4:-4])) + b"PAR1"
    with pytest.raises(ports.WorkRefused, match=r"a\.parquet is a damaged Parquet file"):
        look(trial, "a.parquet", broken)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", f"id,item\n{ROWS}\0\n", "a.csv is not a text file"),
        ("a.csv", "id,item\n1,tea,too,many\n2,so,many\n", "a.csv"),
        ("a.csv.gz", gzip.compress(ROWS.encode())[:-9], "a.csv.gz is a broken gzip file"),
        ("a.json", '[{"id": 1}, {"id"', "a.json"),
        ("a.ndjson", "{nothing of it is JSON}\n" * 50, "a.ndjson"),
        ("a.xlsx", b"PK\x03\x04 and nothing else", "a.xlsx is a broken workbook"),
    ],
)
def test_what_no_load_would_take_is_refused_with_the_reason(
    trial: Trial, name: str, content: bytes | str, said: str
) -> None:
    with pytest.raises(ports.WorkRefused) as refused:
        look(trial, name, content)
    assert said in refused.value.reason


def test_of_a_long_file_the_beginning_is_read(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_samples, "CHECKED_BYTES_MAX", 2000)
    look(trial, "a.csv", f"id,item\n{ROWS}\0")
    look(trial, "a.csv.gz", gzip.compress(f"id,item\n{ROWS}\0".encode()))
    look(trial, "a.json", f'[{{"text": "{"x" * 4000}')
