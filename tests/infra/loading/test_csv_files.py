"""Every odd CSV file is loaded rightly, or refused with its name and line and nothing loaded."""

import codecs
import datetime as dt
import gzip
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from commands import ports
from domain.datasets import Column, File, Table
from infra.loading import files, progress
from infra.loading.portion import Task
from infra.loading.settings import LoadSettings
from tests.infra.loading.conftest import Trial


def test_a_plain_file_is_loaded_with_types_lineage_and_facts(trial: Trial) -> None:
    content = "id,name,amount,day\n1,Ann,1.5,2024-01-31\n2,Bob,,2024-02-01\n"
    trial.file("a.csv", content)
    loaded = trial.load()
    columns = (
        Column(name="id", type="BIGINT"),
        Column(name="name", type="VARCHAR"),
        Column(name="amount", type="DOUBLE"),
        Column(name="day", type="DATE"),
        Column(name="_dango_file", type="VARCHAR"),
        Column(name="_dango_run", type="BIGINT"),
    )
    file = File(
        path="a.csv",
        size_bytes=len(content),
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        rows=2,
    )
    known = {"inserted": 2, "updated": 0, "deleted": 0}
    table = Table(schema="raw_s", name="s", row_count=2, columns=columns, **known)
    assert (loaded.rows, loaded.tables, loaded.files) == (2, (table,), (file,))
    assert trial.rows("*") == [
        (1, "Ann", 1.5, dt.date(2024, 1, 31), "a.csv", 7),
        (2, "Bob", None, dt.date(2024, 2, 1), "a.csv", 7),
    ]
    phases = list(dict.fromkeys(progress.phase for progress in trial.desk.seen))
    assert phases == ["checking", "reading", "committing"]


def test_the_commit_names_author_job_and_snapshot(trial: Trial) -> None:
    trial.file("a.csv", "a\n1\n")
    loaded = trial.load()
    rows = trial.lake.execute(
        "SELECT snapshot_id, author, commit_message, commit_extra_info FROM lake.snapshots()"
        " ORDER BY snapshot_id DESC LIMIT 1",
    ).fetchall()
    assert rows == [
        (loaded.snapshot, "user:1", "load s", '{"job": 7, "position": 7, "source": "s"}')
    ]


def test_a_load_replaces_what_was_there_and_keeps_the_row_history(trial: Trial) -> None:
    trial.file("a.csv", "a\n1\n2\n")
    trial.load()
    trial.file("a.csv", "a\n3\n")
    second = trial.load(job=8)
    assert trial.rows("*") == [(3, "a.csv", 8)]
    changes = trial.lake.execute(
        "SELECT change_type, a FROM ducklake_table_changes('lake', 'raw_s', 's', "
        f"{second.snapshot}, {second.snapshot}) ORDER BY ALL",
    ).fetchall()
    assert changes == [("delete", 1), ("delete", 2), ("insert", 3)]


def test_a_table_whose_columns_changed_is_made_anew(trial: Trial) -> None:
    trial.file("a.csv", "a\n1\n")
    first = trial.load()
    trial.file("a.csv", "a,b\nx,2\n")
    trial.load()
    assert trial.types() == {"a": "VARCHAR", "b": "BIGINT"}
    assert trial.rows() == [("x", 2)]
    past = f"SELECT a FROM lake.raw_s.s AT (VERSION => {first.snapshot})"
    assert trial.lake.execute(past).fetchall() == [(1,)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_read_off_the_header(trial: Trial, delimiter: str) -> None:
    trial.file("a.csv", f"a{delimiter}b\n1{delimiter}x y\n2{delimiter}z\n")
    trial.load()
    assert trial.rows() == [(1, "x y"), (2, "z")]


ACCEPTED: dict[str, tuple[str | bytes, list[tuple[Any, ...]]]] = {
    "semicolons with decimal commas": ("a;b\n1;2,5\n2;3,5\n", [(1, "2,5"), (2, "3,5")]),
    "quoted newlines": ('a,b\n1,"x\ny"\n2,z\n', [(1, "x\ny"), (2, "z")]),
    "quoted delimiters and quotes": ('a,b\n1,"x,""y"""\n', [(1, 'x,"y"')]),
    "a quoted header": ('"a,1";b\n1;2\n', [(1, 2)]),
    "CR LF": ("a,b\r\n1,x\r\n2,y\r\n", [(1, "x"), (2, "y")]),
    "CR alone": ("a,b\r1,x\r2,y\r", [(1, "x"), (2, "y")]),
    "CR LF with LF inside of quotes": (
        'a,b\r\n1,"x\ny"\r\n2,"p\nq\nr"\r\n',
        [(1, "x\ny"), (2, "p\nq\nr")],
    ),
    "line endings of both kinds": ("a,b\r\n1,x\n2,y\n3,z\r\n", [(1, "x"), (2, "y"), (3, "z")]),
    "no newline at the end": ("a,b\n1,x", [(1, "x")]),
    "a UTF-8 byte order mark": (codecs.BOM_UTF8 + b"a,b\n1,\xc3\xa9\n", [(1, "é")]),
    "UTF-16 with a mark": ("a,b\n1,é\n".encode("utf-16"), [(1, "é")]),
    "UTF-16 without a mark": ("a,b\n1,é\n".encode("utf-16-be"), [(1, "é")]),
    "Windows-1252": (b"a,b\n1,caf\xe9 \x80\n", [(1, "café €")]),
    "leading zeros": ("a,b\n00123,1\n00007,2\n", [("00123", 1), ("00007", 2)]),
    "long ids": (
        "a,b\n12345678901234567890123,1\n12345678901234567890124,2\n",
        [("12345678901234567890123", 1), ("12345678901234567890124", 2)],
    ),
    "large numbers that are no ids": ("a\n1.5e30\n2\n", [(1.5e30,), (2.0,)]),
    "a hint for spreadsheets": ("sep=;\na;b\n1;2\n", [(1, 2)]),
    "empty lines before the header": ("\n\na,b\n1,2\n", [(1, 2)]),
    "a column without a name": (",b\n1,2\n", [(1, 2)]),
    "comment characters": ("a,b\n#1,x\n2,#y\n", [("#1", "x"), ("2", "#y")]),
    "days before months": (
        "d\n31/12/2024\n13/01/2024\n",
        [(dt.date(2024, 12, 31),), (dt.date(2024, 1, 13),)],
    ),
    "a hostile column name": ('"a"" ; DROP TABLE x; --",\'b\n1,2\n', [(1, 2)]),
    "a line of three megabytes": (f"a,b\n1,{'x' * 3_000_000}\n", [(1, "x" * 3_000_000)]),
    "one column": ("a\nx\ny\n", [("x",), ("y",)]),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_an_odd_but_right_file_is_loaded(trial: Trial, case: str) -> None:
    content, rows = ACCEPTED[case]
    trial.file("a.csv", content)
    trial.load()
    assert trial.rows() == rows


REFUSED: dict[str, tuple[str | bytes, int | None, str]] = {
    "too few values": ("a,b,c\n1,2,3\n4,5\n", 3, "has 2 values where the header has 3 columns"),
    "too many values": ("a,b\n1,2\n4,5,6\n", 3, "has 3 values"),
    "every row ragged": ("a,b\n1,2,3\n4,5,6\n", 2, "has 3 values"),
    "an open quote": ('a,b\n1,2\n3,"x\n', 3, "quote"),
    "a NUL byte": (b"a,b\n1,2\n3,x\0y\n", 3, "NUL byte in line 3"),
    "a binary file": (bytes(range(256)) * 40, 1, "not a text file"),
    "a ZIP archive": (b"PK\x03\x04rest", None, "ZIP archive"),
    "a broken gzip file": (gzip.compress(b"a,b\n1,2\n" * 100)[:-12], None, "broken gzip"),
    "an empty file": ("", None, "is empty"),
    "nothing but blank lines": ("\n\n \n", None, "is empty"),
    "a name that stands twice": ("a,b,a\n1,2,3\n", 1, "column 'a' twice"),
    "names that differ by case": ("Id,b,ID\n1,2,3\n", 1, "'ID' beside 'Id'"),
    "a reserved name": ("a,_Dango_run\n1,2\n", 1, "reserved name"),
    "no header": ("1,2\n3,4\n", 1, "no header line"),
    "UTF-8 broken late": ("a,b\né,1\n".encode() + b"\xe9,2\n", 3, "not valid UTF-8: see line 3"),
    "neither encoding": (b"a,b\n1,\x81\n", 2, "see line 2"),
    "a line of nine megabytes": (f"a,b\n1,2\n1,{'x' * 9_000_000}\n", 3, "longer than"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_file_is_refused_with_file_and_line(trial: Trial, case: str) -> None:
    content, line, words = REFUSED[case]
    trial.file("good.csv", "a,b\n1,2\n")
    trial.load()
    trial.file("wrong.csv", content)
    (refused,) = trial.load().refused
    assert ("wrong.csv", line) == (refused.file, refused.line)
    assert words in refused.reason
    assert trial.rows() == [(1, 2)]


def test_a_late_word_among_numbers_makes_the_column_text(trial: Trial) -> None:
    numbers = "".join(f"{number},{number}\n" for number in range(60_000))
    trial.file("a.csv", f"a,b\n{numbers}n/a,1\n")
    assert trial.load(max_reject_ratio=0).rows == 60_001
    assert trial.types() == {"a": "VARCHAR", "b": "BIGINT"}


def test_a_late_ragged_row_is_refused_with_its_line(trial: Trial) -> None:
    numbers = "".join(f"{number},{number}\n" for number in range(60_000))
    trial.file("a.csv", f"a,b\n{numbers}1,2,3\n{numbers}")
    assert trial.refused("Line 60002 of a.csv", max_reject_ratio=0).facts["line"] == 60_002


def test_rejected_rows_within_the_ratio_are_left_out_and_counted(trial: Trial) -> None:
    trial.file("a.csv", "a,b\n" + "1,2\n" * 98 + "1\n1,2,3\n")
    trial.refused("2 rows", max_reject_ratio=0.01)
    loaded = trial.load(max_reject_ratio=0.02)
    assert (loaded.rows, loaded.files[0].rows, loaded.files[0].rejected) == (98, 98, 2)
    assert trial.types() == {"a": "BIGINT", "b": "BIGINT"}


def test_a_refusal_never_repeats_a_value(trial: Trial) -> None:
    trial.file("a.csv", "a,b\n1,2\nsecret-value,2,3\n")
    refusal = trial.refused()
    assert "secret" not in refusal.reason + repr(refusal.facts)


def test_files_are_joined_by_column_name_in_the_order_of_their_names(trial: Trial) -> None:
    trial.file("b.csv", "B;c\n2;x\n")
    trial.file("a.csv", "a,b\n1,1.5\n")
    trial.file("c.csv.gz", gzip.compress(b"a,c\n3,y\n"))
    loaded = trial.load()
    assert [file.path for file in loaded.files] == ["a.csv", "b.csv", "c.csv.gz"]
    assert trial.types() == {"a": "BIGINT", "b": "DOUBLE", "c": "VARCHAR"}
    assert sorted(trial.rows("_dango_file, a, b, c")) == [
        ("a.csv", 1, 1.5, None),
        ("b.csv", None, 2.0, "x"),
        ("c.csv.gz", 3, None, "y"),
    ]


def test_a_column_that_is_empty_in_one_file_keeps_its_type(trial: Trial) -> None:
    trial.file("a.csv", "a,b\n1,\n2,\n")
    trial.file("b.csv", "a,b\n3,4\n")
    trial.file("c.csv", "a,b\n")
    trial.load()
    assert trial.types() == {"a": "BIGINT", "b": "BIGINT"}


def test_types_that_do_not_meet_become_text_as_it_stands_in_the_file(trial: Trial) -> None:
    trial.file("a.csv", "a,d\n1,31/12/2024\n")
    trial.file("b.csv", "a,d\nx,soon\n")
    trial.load()
    assert sorted(trial.rows()) == [("1", "31/12/2024"), ("x", "soon")]


def test_dates_written_in_two_orders_stay_text(trial: Trial) -> None:
    trial.file("a.csv", "d\n13/02/2024\n")
    trial.file("b.csv", "d\n02/13/2024\n")
    trial.load()
    assert sorted(trial.rows()) == [("02/13/2024",), ("13/02/2024",)]


def test_dates_and_times_meet_as_times(trial: Trial) -> None:
    trial.file("a.csv", "d\n2024-01-31\n")
    trial.file("b.csv", "d\n2024-01-31 10:00:00\n")
    trial.load()
    assert sorted(trial.rows()) == [
        (dt.datetime(2024, 1, 31),),  # noqa: DTZ001
        (dt.datetime(2024, 1, 31, 10),),  # noqa: DTZ001
    ]


def test_a_file_of_a_header_alone_makes_a_table_without_rows(trial: Trial) -> None:
    trial.file("a.csv", "a,b\n")
    assert trial.load().rows == 0
    assert trial.rows() == []
    assert trial.types() == {"a": "VARCHAR", "b": "VARCHAR"}


def test_no_file_leaves_a_full_table_as_it_is_unless_it_may_be_emptied(trial: Trial) -> None:
    path = trial.file("a.csv", "a\n1\n")
    trial.load()
    path.unlink()
    trial.refused("No file matches", "raw_s.s has 1 rows")
    assert trial.rows() == [(1,)]
    assert trial.load(allow_empty=True).rows == 0
    assert trial.rows() == []


def test_a_header_alone_does_not_empty_a_full_table_either(trial: Trial) -> None:
    trial.file("a.csv", "a\n1\n")
    trial.load()
    trial.file("a.csv", "a\n")
    trial.refused("hold no rows")
    assert trial.rows() == [(1,)]


def test_no_file_and_no_table_is_a_load_of_no_rows(trial: Trial) -> None:
    loaded = trial.load()
    assert (loaded.rows, loaded.tables, loaded.files) == (0, (), ())


HOSTILE_NAMES = [
    "sp ace.csv",
    "[1].csv",
    "a*b?.csv",
    "{x,y}.csv",
    "quo'te\".csv",
    "new\nline.csv",
    "-rf.csv",
    "$(touch x).csv",
    "käse.csv",
    "x.csv.csv",
]


def test_files_of_hostile_names_are_read_and_told_apart(trial: Trial) -> None:
    for number, name in enumerate(HOSTILE_NAMES):
        trial.file(name, f"a\n{number}\n")
    trial.file("1.csv", "a\n100\n")
    trial.file(b"\xff\xfe.csv", "a\n101\n")
    expected = {name: number for number, name in enumerate(HOSTILE_NAMES)}
    expected["new\\nline.csv"] = expected.pop("new\nline.csv")
    expected |= {"1.csv": 100, "\\xff\\xfe.csv": 101}
    trial.load()
    assert dict(trial.rows("_dango_file, a")) == expected


def test_hidden_temporary_and_special_files_are_passed_over(trial: Trial) -> None:
    trial.file("a.csv", "a\n1\n")
    for name in (".hidden.csv", "~$open.csv", "#a.csv", "part.csv.part"):
        trial.file(name, "b\n2\n")
    os.mkfifo(trial.directory / "pipe.csv")
    (trial.directory / "folder.csv").mkdir()
    assert [file.path for file in trial.load(file_pattern="*.csv*").files] == ["a.csv"]


def test_a_link_that_leaves_the_directory_is_refused(trial: Trial, tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("a\n1\n")
    (trial.directory / "link.csv").symlink_to(outside)
    trial.refused("link.csv", "leaves the source's directory")
    (trial.directory / "link.csv").unlink()
    (trial.directory / "folder").symlink_to(tmp_path)
    trial.refused("leaves the source's directory", file_pattern="**/outside.csv")


@pytest.mark.parametrize("pattern", ["../*.csv", "/etc/*.csv", "a/../../*.csv"])
def test_a_pattern_that_leaves_the_directory_is_refused(trial: Trial, pattern: str) -> None:
    trial.refused("leaves the directory", file_pattern=pattern)


def test_folders_below_are_read_when_the_pattern_says_so(trial: Trial) -> None:
    (trial.directory / "2024").mkdir()
    trial.file("2024/a.csv", "a\n1\n")
    trial.file("b.csv", "a\n2\n")
    assert [file.path for file in trial.load().files] == ["b.csv"]
    found = trial.load(file_pattern="**/*.csv").files
    assert [file.path for file in found] == ["2024/a.csv"]  # the other one is loaded already
    assert sorted(trial.rows()) == [(1,), (2,)]


def test_a_missing_directory_and_too_many_files_are_refused(trial: Trial) -> None:
    trial.refused("does not exist", directory="missing")
    for number in range(4):
        trial.file(f"{number}.csv", "a\n1\n")
    trial.settings = LoadSettings(warehouse=trial.settings.warehouse, files_max=3)
    trial.refused("More than 3 files")


def test_a_gzip_file_that_unpacks_to_too_much_is_refused(trial: Trial) -> None:
    trial.file("a.csv.gz", gzip.compress(b"a\n" + b"1\n" * 1_000_000))
    trial.settings = LoadSettings(
        warehouse=trial.settings.warehouse,
        unpacked_bytes_max=1_000_000,
    )
    trial.refused("unpacks to more than")


def test_names_that_are_no_plain_words_are_refused(trial: Trial) -> None:
    trial.file("a.csv", "a\n1\n")
    trial.refused("cannot name a schema or table", schema="raw/../x")
    with pytest.raises(ports.WorkRefused, match="type 'parquet'"):
        trial.load(type="parquet")


def test_a_spelling_of_missing_values_leaves_numbers_numbers(trial: Trial) -> None:
    trial.file("a.csv", "a,b\n1,NA\n2,3.5\nNA,\n")
    trial.load(null_values=("", "NA"))
    rows = trial.lake.execute("SELECT a, b FROM lake.raw_s.s ORDER BY a NULLS LAST").fetchall()
    assert rows == [(1, None), (2, 3.5), (None, None)]


def test_a_line_just_below_the_bound_is_read(trial: Trial) -> None:
    long = "x" * (trial.settings.line_bytes_max - 1_000)
    trial.file("a.csv", f"a,b\n1,short\n2,{long}\n3,short\n")
    trial.load()
    lengths = trial.rows("a, strlen(b)")
    assert sorted(lengths) == [(1, 5), (2, len(long)), (3, 5)]


@pytest.mark.parametrize("keys", [(), ("id",)])
def test_only_a_large_input_without_a_key_is_read_out_of_order(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...]
) -> None:
    seen = []

    class Watching(Task):
        def copy(self, select: str) -> str:
            sql = "SELECT current_setting('preserve_insertion_order')"
            seen.append(self.connection.execute(sql).fetchone()[0])
            return super().copy(select)

    monkeypatch.setattr(files, "Task", Watching)
    trial.file("a.csv", "id\n1\n")
    trial.load(primary_key=keys)
    monkeypatch.setattr(progress, "ORDERED_BYTES_MAX", 3)
    trial.load(primary_key=keys, full_refresh=True)
    assert seen == [True, bool(keys)]
    sql = "SELECT current_setting('preserve_insertion_order')"
    assert trial.lake.execute(sql).fetchall() == [(True,)]
