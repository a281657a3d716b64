"""What changed in a directory, in whatever format; the traps of each format."""

import datetime as dt
import gzip
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from commands import ports
from infra.loading import state
from tests.infra.loading.conftest import Trial


def loaded(trial: Trial, **changes: Any) -> ports.Loaded:
    fields: dict[str, Any] = {"type": "local_files", **changes}
    return trial.load(**fields)


def counts(done: ports.Loaded) -> tuple[int | None, ...]:
    (table,) = done.tables
    return table.inserted, table.updated, table.deleted


def parquet(trial: Trial, name: str, select: str) -> None:
    trial.lake.execute(f"COPY ({select}) TO '{trial.directory / name}' (FORMAT parquet)")


def workbook(rows: list[list[Any]], sheet: str = "one") -> bytes:
    """A workbook with text cells inline, numbers, booleans and ISO dates."""

    def cell(value: Any) -> str:
        if value is None:
            return "<c/>"
        if isinstance(value, bool):
            return f'<c t="b"><v>{int(value)}</v></c>'
        if isinstance(value, dt.date):
            return f'<c t="d"><v>{value.isoformat()}</v></c>'
        if isinstance(value, int | float):
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    parts = {
        "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1"'
        f' Type="{kinds}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{kinds}"><sheets>'
        f'<sheet name="{sheet}" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1"'
        f' Type="{kinds}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData>'
        "</worksheet>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


# what changed


def test_only_what_changed_is_read_again(trial: Trial) -> None:
    for name in "abc":
        trial.file(f"{name}.csv", f"id,v\n{ord(name)},{name}\n")
    first = trial.load(job=1)
    same = trial.load(job=2)
    trial.file("b.csv", "id,v\n98,B\n99,new\n")
    trial.file("d.csv", "id,v\n100,d\n")
    (trial.directory / "c.csv").unlink()
    second = trial.load(job=3)

    assert [(97, "a", 1), (98, "B", 3), (99, "new", 3), (100, "d", 3)] == sorted(
        trial.rows("id, v, _dango_run")
    )
    assert (0, (0, 0, 0), ()) == (same.rows, counts(same), same.files)
    assert same.snapshot == first.snapshot
    assert ["b.csv", "d.csv"] == [file.path for file in second.files]
    assert 3 == second.rows
    assert 4 == second.tables[0].row_count
    assert (1, 2, 0) == counts(second)  # two rows went, three came


def test_a_file_that_was_only_touched_is_not_loaded_again(trial: Trial) -> None:
    path = trial.file("a.csv", "id\n1\n")
    trial.load(job=1)
    os.utime(path, ns=(1, 1))
    touched = trial.load(job=2)

    assert 0 == touched.rows
    assert 1 == state.read(trial.lake, "s").files[0].mtime_ns
    assert [(1,)] == trial.rows("_dango_run")


def test_a_change_of_the_same_size_is_seen(trial: Trial) -> None:
    path = trial.file("a.csv", "id\n1\n")
    trial.load()
    path.write_text("id\n2\n")
    trial.load()

    assert [(2,)] == trial.rows()


def test_full_refresh_reads_everything_again(trial: Trial) -> None:
    trial.file("a.csv", "id\n1\n")
    trial.load(job=1)
    again = trial.load(job=2, full_refresh=True)

    assert (1, [(2,)]) == (again.rows, trial.rows("_dango_run"))


def test_another_way_of_reading_reads_everything_again(trial: Trial) -> None:
    trial.file("a.csv", "id\n1\nNA\n")
    trial.load()
    trial.load(null_values=["", "NA"])

    assert [(None,), (1,)] == sorted(trial.rows(), key=str, reverse=True)
    assert {"id": "BIGINT"} == trial.types()


def test_appended_files_stay_when_they_vanish_and_are_not_added_twice(trial: Trial) -> None:
    content = "id\n1\n"
    trial.file("a.csv", content)
    trial.load(write="append")
    (trial.directory / "a.csv").unlink()
    trial.file("b.csv", "id\n2\n")
    trial.load(write="append")
    trial.file("a.csv", content)
    trial.load(write="append")

    assert [(1,), (2,)] == sorted(trial.rows())


def test_a_primary_key_merges_files(trial: Trial) -> None:
    trial.file("a.csv", "id,v\n1,a\n2,a\n")
    trial.load(primary_key=["id"])
    trial.file("b.csv", "id,v\n2,b\n3,b\n")
    merged = trial.load(primary_key=["id"])

    assert [(1, "a"), (2, "b"), (3, "b")] == sorted(trial.rows())
    assert (1, 1, 0) == counts(merged)


@pytest.mark.parametrize(
    ("how", "rows"),
    [
        ("latest_only", [(1, "b"), (2, "b")]),
        ("append_only", [(1, "a"), (2, "b")]),
        ("scd_type2", [(1, "a"), (1, "b"), (2, "b")]),
    ],
)
def test_deduplication_decides_which_row_of_a_key_stays(
    trial: Trial, how: str, rows: list[Any]
) -> None:
    known = {"primary_key": ["id"], "deduplication": how}
    trial.file("a.csv", "id,v\n1,a\n")
    trial.load(**known)
    trial.file("b.csv", "id,v\n1,b\n2,b\n")
    trial.load(**known)

    assert rows == sorted(trial.rows("id, v"))
    trial.load(**known, full_refresh=True)
    current = trial.rows("id, v") if how != "scd_type2" else None
    assert current is None or rows == sorted(current)


def test_a_way_of_writing_that_needs_a_key_says_so(trial: Trial) -> None:
    trial.file("a.csv", "id\n1\n")
    trial.refused("'deduplication: scd_type2' needs a primary_key", deduplication="scd_type2")


# odd files, bad rows


def test_an_odd_file_does_not_stand_in_the_way_of_the_others(trial: Trial) -> None:
    trial.file("a.csv", "id\n1\n")
    trial.file("b.csv", b"\0\0\0")
    done = trial.load()
    trial.file("b.csv", "id,more\n1\n")
    worse = trial.load()
    trial.file("a.csv", "id,more\n1\n")
    trial.refused("1 more cannot be read either")
    trial.file("a.csv", "id\n3\n")
    trial.file("b.csv", "id\n2\n")
    better = trial.load()

    assert [["b.csv"], ["b.csv"], []] == [
        [file.file for file in each.refused] for each in (done, worse, better)
    ]
    assert [(2,), (3,)] == sorted(trial.rows("id"))


def test_bad_rows_are_kept_with_file_line_and_reason(trial: Trial) -> None:
    good = "".join(f"{n},{n}\n" for n in range(200))
    trial.file("a.csv", f"a,b\n{good}1,2,3\n")
    trial.load(job=5)
    rejects = trial.lake.execute("SELECT * FROM lake.raw_s._rejects").fetchall()
    trial.file("a.csv", f"a,b\n{good}")
    trial.load(job=6)

    reason = "It has 3 values where the header has 2 columns."
    assert [("a.csv", 202, reason, "1,2,3", 5)] == rejects
    assert [] == trial.lake.execute("SELECT * FROM lake.raw_s._rejects").fetchall()


# what earlier runs found


def test_types_that_were_found_once_are_presumed(trial: Trial) -> None:
    trial.file("a.csv", "id;day;code\n1;31.01.2026;00123\n")
    first = trial.load()
    trial.file("b.csv", "id;day;code\n2;01.02.2026;7\n")
    trial.load(formats=first.formats)

    assert {"id": "BIGINT", "day": "DATE", "code": "VARCHAR"} == trial.types()
    assert [(1, dt.date(2026, 1, 31), "00123"), (2, dt.date(2026, 2, 1), "7")] == sorted(
        trial.rows()
    )
    known = first.formats["s"]
    assert (";", "%d.%m.%Y", "VARCHAR") == (known.delimiter, known.date, known.columns["code"])


def test_a_column_that_was_empty_gets_its_type_from_the_first_value(trial: Trial) -> None:
    trial.file("a.csv", "id,v\n1,\n")
    first = trial.load()
    trial.file("b.csv", "id,v\n2,5\n")
    trial.load(formats=first.formats)

    assert {"id": "BIGINT", "v": "BIGINT"} == trial.types()
    assert [(1, None), (2, 5)] == sorted(trial.rows())


def test_a_column_that_changes_its_type_is_widened(trial: Trial) -> None:
    trial.file("a.csv", "id,v\n1,5\n")
    first = trial.load()
    trial.file("b.csv", "id,v,new\n2,word,x\n")
    second = trial.load(formats=first.formats)

    assert {"id": "BIGINT", "v": "VARCHAR", "new": "VARCHAR"} == trial.types()
    (drift,) = second.drift
    assert (["new"], (), [("v", "BIGINT", "VARCHAR")]) == (
        [column.name for column in drift.added],
        drift.missing,
        [(each.name, each.before, each.after) for each in drift.retyped],
    )
    assert [(1, "5", None), (2, "word", "x")] == sorted(trial.rows())


# formats


def test_files_of_all_formats_become_one_table(trial: Trial) -> None:
    trial.file("a.csv", "id,v\n1,csv\n")
    trial.file("b.tsv", "id\tv\n2\ta,b\n")
    trial.file("c.json", '[{"id": 3, "v": "json"}]')
    trial.file("d.ndjson", '{"id": 4, "v": "nd"}\n\n{"id": 5}\n')
    trial.file("e.json.gz", gzip.compress(b'{"id": 6,\n "v": "pretty"}'))
    trial.file("f.xlsx", workbook([["id", "v"], [7, "excel"]]))
    parquet(trial, "g.parquet", "SELECT 8::INTEGER AS id, 'parquet' AS v")
    done = loaded(trial)

    assert () == done.refused
    assert [
        (1, "csv"),
        (2, "a,b"),
        (3, "json"),
        (4, "nd"),
        (5, None),
        (6, "pretty"),
        (7, "excel"),
        (8, "parquet"),
    ] == sorted(trial.rows("id, v"))
    assert {"id": "BIGINT", "v": "VARCHAR"} == trial.types()
    assert 8 == done.rows == sum(file.rows for file in done.files)


def test_files_become_tables_by_name_or_by_folder(trial: Trial) -> None:
    (trial.directory / "2024 sales").mkdir()
    trial.file("2024 sales/a.csv", "id\n1\n")
    trial.file("Users.csv", "id\n2\n")
    trial.file("users.json", '{"id": 3}')
    by_name = loaded(trial, tables="by_name", file_pattern="**/*")
    by_folder = loaded(trial, source="t", schema="raw_t", tables="by_folder", file_pattern="**/*")

    assert ["a", "users"] == sorted(table.name for table in by_name.tables)
    assert {"s": 2, "t_2024_sales": 1} == {
        table.name: table.row_count for table in by_folder.tables
    }


def test_a_table_whose_files_are_gone_stays_and_the_others_are_loaded(trial: Trial) -> None:
    def sizes(done: ports.Loaded) -> dict[str, int]:
        return {table.name: table.row_count for table in done.tables}

    gone = trial.file("a.csv", "id\n1\n")
    trial.file("b.csv", "id\n2\n")
    loaded(trial, tables="by_name")
    gone.unlink()
    trial.file("b.csv", "id\n2\n3\n")
    for again in ({}, {}, {"full_refresh": True}):
        done = loaded(trial, tables="by_name", **again)
        assert {"a": 1, "b": 2} == sizes(done)
        (left,) = done.refused
        assert ("a.csv", True) == (left.file, "'a': its rows stay" in left.reason)

    allowed = loaded(trial, tables="by_name", allow_empty=True)
    assert ({"a": 0, "b": 2}, ()) == (sizes(allowed), allowed.refused)
    assert () == loaded(trial, tables="by_name").refused


def test_a_format_that_is_named_is_the_one(trial: Trial) -> None:
    trial.file("a.data", '{"id": 1}')
    loaded(trial, format="ndjson")

    assert [(1,)] == trial.rows()
    parquet(trial, "b.data", "SELECT 1 AS id")
    (refused,) = loaded(trial, format="ndjson").refused
    assert "b.data is a parquet file, not ndjson." == refused.reason


def test_a_bad_line_of_ndjson_is_no_row_of_nothing(trial: Trial) -> None:
    lines = [json.dumps({"id": n}) for n in range(300)]
    trial.file("a.ndjson", "\n".join([*lines[:200], '{"id": 1', *lines[200:]]))
    done = loaded(trial)

    assert [(300, 300)] == trial.rows("count(*), count(id)")
    assert 1 == done.files[0].rejected
    assert [("a.ndjson", 201, '{"id": 1')] == trial.lake.execute(
        "SELECT file, line, raw FROM lake.raw_s._rejects"
    ).fetchall()


def test_too_many_bad_lines_refuse_the_file(trial: Trial) -> None:
    trial.file("a.ndjson", '{"id": 1}\nnot json\n[]\n')
    trial.refused("Line 2 of a.ndjson", "2 lines", type="local_files")


def test_a_key_that_comes_late_is_not_passed_over(trial: Trial) -> None:
    lines = ['{"id": 1}'] * 50_000
    trial.file("a.ndjson", "\n".join([*lines, '{"id": 2, "late": "x"}']))
    loaded(trial)

    assert [("x",)] == trial.rows("late FROM lake.raw_s.s WHERE late IS NOT NULL --")


def test_mixed_types_of_json_stay_what_they_are(trial: Trial) -> None:
    trial.file("a.ndjson", '{"id": 1, "v": 1}\n{"id": 2, "v": {"a": [1]}}\n{"id": 3, "v": "x"}\n')
    loaded(trial)

    assert "JSON" == trial.types()["v"]
    assert [(1, "1"), (2, '{"a":[1]}'), (3, '"x"')] == sorted(trial.rows("id, v::VARCHAR"))


@pytest.mark.parametrize("content", ["[]", " [ \n ] ", "\ufeff[]"])
def test_an_empty_list_is_what_an_empty_file_is(trial: Trial, content: str) -> None:
    trial.file("a.json", content)
    trial.refused("a.json is empty.", type="local_files", file_pattern="*")
    trial.file("b.json", '[{"id": 1}]')
    assert 1 == trial.load(type="local_files", file_pattern="*").rows


@pytest.mark.parametrize("content", ["{}", "[{}]"])
def test_an_object_without_keys_is_refused_as_such(trial: Trial, content: str) -> None:
    trial.file("a.json", content)
    trial.refused("an object without any key", type="local_files", file_pattern="*")


@pytest.mark.parametrize("content", ["[1, 2]", '"word"', "[[1]]", "not json", "{", "[{]"])
def test_json_without_objects_is_refused(trial: Trial, content: str) -> None:
    trial.file("a.json", content)
    trial.refused("a.json", type="local_files")


def test_parquet_keeps_its_types_and_long_numbers_their_digits(trial: Trial) -> None:
    parquet(
        trial,
        "a.parquet",
        "SELECT 12345678901234567890::UBIGINT AS big, 1.10::DECIMAL(9,2) AS money,"
        " {'a': 1} AS part, '00123' AS code, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS at",
    )
    loaded(trial)

    assert [("12345678901234567890", "1.10", "00123")] == trial.rows(
        "big::VARCHAR, money::VARCHAR, code"
    )
    assert "DECIMAL(9,2)" == trial.types()["money"]


def test_workbooks_keep_numbers_dates_and_leading_zeros(trial: Trial) -> None:
    day = dt.date(2026, 1, 31)
    rows = [
        ["id", "code", "price", "day", "ok", "mixed"],
        [1, "00123", 1.5, day, True, 1],
        [2, "7", 2, None, False, "x"],
        [None, None, None, None, None, None],
    ]
    trial.file("a.xlsx", workbook(rows, sheet="Sales"))
    loaded(trial, sheet="Sales")

    assert (
        [
            (1, "00123", 1.5, dt.datetime(2026, 1, 31), True, "1"),  # noqa: DTZ001 - as stored
            (2, "7", 2.0, None, False, "x"),
        ]
        == [(*row[:3], _moment(row[3]), *row[4:]) for row in sorted(trial.rows())]
    )
    trial.refused("no sheet 'Other'", type="local_files", sheet="Other", full_refresh=True)


def _moment(value: Any) -> Any:
    midnight = dt.time()
    is_day = isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    return dt.datetime.combine(value, midnight) if is_day else value


def test_a_workbook_that_is_a_bomb_is_refused(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    from infra.loading import excel_files

    monkeypatch.setattr(excel_files, "UNPACKED_BYTES_MAX", 1000)
    trial.file("a.xlsx", workbook([["id"], *[[n] for n in range(1000)]]))
    trial.refused("unpacks to more than 1000 bytes", type="local_files")


def test_what_a_reader_leaves_out_is_told_once_in_the_answer(trial: Trial) -> None:
    trial.file("a.csv", "id\n1\n")
    trial.file("b.parquet", b"PAR1 and nothing more")
    (refused,) = loaded(trial).refused

    assert ("b.parquet", "b.parquet is a damaged Parquet file.") == (refused.file, refused.reason)
    assert [Path("a.csv")] == [Path(f.path) for f in state.read(trial.lake, "s").files]


def test_a_source_of_no_known_type_is_refused(trial: Trial) -> None:
    trial.refused("Sources of type 'abacus' cannot be synced yet.", type="abacus")


def test_blocks_take_no_unknown_key(trial: Trial) -> None:
    with pytest.raises(msgspec.ValidationError):
        trial.load(strange=1)
