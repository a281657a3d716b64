"""Results as files: CSV, Arrow and Parquet read back, and their bounds."""

import csv
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commands import ports
from commands.ports import ResultFormat

COLUMNAR = (ResultFormat.ARROW, ResultFormat.PARQUET)


def ask(worker, kind, sql, **more):
    return worker.answer(ports.Query(sql=sql, format=kind, **more))


def table(kind, file):
    if kind is ResultFormat.ARROW:
        return pa.ipc.open_stream(file).read_all()
    return pq.read_table(io.BytesIO(file))


def line(worker, expression):
    """How CSV writes one value: the second line, without its end."""
    return ask(worker, ResultFormat.CSV, f"SELECT {expression} AS a").file.decode()[3:-2]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("NULL", ""),
        ("''", '""'),
        ("'a'", "a"),
        ("'a,b'", '"a,b"'),
        ("'say \"x\"'", '"say ""x"""'),
        ("e'a\\nb'", '"a\nb"'),
        ("' a'", '" a"'),
        ("true", "true"),
        ("1.50::DECIMAL(5, 2)", "1.50"),
        ("0.1::DOUBLE", "0.1"),
        ("'nan'::FLOAT", "nan"),
        ("9223372036854775808::HUGEINT", "9223372036854775808"),
        ("DATE '2026-01-02'", "2026-01-02"),
        ("TIMESTAMP '2026-01-02 03:04:05'", "2026-01-02T03:04:05"),
        ("[1, NULL]", '"[1,null]"'),
        ("{'a': 'x'}", '"{""a"":""x""}"'),
        ("'é'", "é"),
    ],
)
def test_csv_writes(expression, text, asked):
    assert text == line(asked, expression)


def test_csv_has_names_first_and_line_ends_of_the_standard(asked):
    sql = 'SELECT id, customer AS "a ""b""" FROM raw_orders.orders ORDER BY id LIMIT 2'
    answer = ask(asked, ResultFormat.CSV, sql)

    assert b'id,"a ""b"""\r\n0,c0\r\n1,c1\r\n' == answer.file
    assert (2, False, b"[]") == (answer.row_count, answer.truncated, bytes(answer.rows))


def test_csv_can_be_read_by_others(asked):
    sql = "SELECT id, e'x\\n\"' || customer, NULL FROM raw_orders.orders ORDER BY id"
    answer = ask(asked, ResultFormat.CSV, sql)
    read = list(csv.reader(io.StringIO(answer.file.decode(), newline="")))

    assert 1001 == len(read)
    assert ["7", 'x\n"c0', ""] == read[8]


@pytest.mark.parametrize("kind", COLUMNAR)
def test_columns_are_read_back_as_they_are(kind, asked):
    answer = ask(asked, kind, "SELECT * FROM raw_orders.orders ORDER BY id")
    found = table(kind, answer.file)

    assert 1000 == found.num_rows == answer.row_count
    assert ["id", "customer", "amount", "placed_at", "labels"] == found.column_names
    assert pa.decimal128(12, 2) == found.schema.field("amount").type
    assert ["a", "b"] == found.column("labels")[999].as_py()


@pytest.mark.parametrize("kind", ResultFormat)
def test_nothing_is_a_file_too(kind, asked):
    answer = ask(asked, kind, "SELECT * FROM raw_orders.orders WHERE false")

    assert (0, False) == (answer.row_count, answer.truncated)
    if kind in COLUMNAR:
        assert 5 == table(kind, answer.file).num_columns


@pytest.mark.parametrize("kind", ResultFormat)
@pytest.mark.parametrize(("there_are", "truncated"), [(2999, False), (3000, False), (3001, True)])
def test_more_rows_than_the_bound_are_cut(kind, there_are, truncated, asked):
    answer = ask(asked, kind, f"FROM range({there_are})", rows_max=3000)

    assert (min(there_are, 3000), truncated) == (answer.row_count, answer.truncated)
    assert answer.warning is None
    if kind in COLUMNAR:
        assert min(there_are, 3000) == table(kind, answer.file).num_rows


@pytest.mark.parametrize("kind", ResultFormat)
def test_an_endless_result_is_answered_at_once(kind, asked):
    assert ask(asked, kind, "FROM range(100_000_000_000)").truncated


@pytest.mark.parametrize("kind", ResultFormat)
def test_a_result_that_is_too_large_is_cut_with_a_warning(kind, asked):
    sql = "SELECT repeat('x', 1000) || range AS a FROM range(100)"
    answer = ask(asked, kind, sql, result_bytes_max=10_000)

    assert answer.truncated
    assert 9 == answer.row_count
    assert len(answer.file) <= 11_000  # the frame of the format around the columns
    assert answer.warning.startswith("The result was cut after 9 rows")


@pytest.mark.parametrize("kind", ResultFormat)
def test_an_error_in_the_middle_is_the_engines_and_leaves_the_worker_fit(kind, asked):
    with pytest.raises(ports.WorkRefused, match="Could not convert string 'x'"):
        ask(
            asked,
            kind,
            "SELECT (CASE WHEN range = 9000 THEN 'x' ELSE '1' END)::INT FROM range(9999)",
        )
    assert 1 == ask(asked, kind, "SELECT 1").row_count


def test_a_type_that_parquet_does_not_have_is_refused(asked):
    with pytest.raises(ports.WorkRefused, match="cannot be written as parquet"):
        ask(asked, ResultFormat.PARQUET, "SELECT INTERVAL 1 MONTH AS a")


@pytest.mark.parametrize("kind", ResultFormat)
def test_what_is_about_the_data_is_a_file_too(kind, asked):
    for sql in ("SHOW TABLES", "DESCRIBE raw_orders.orders", "SUMMARIZE raw_orders.orders"):
        assert ask(asked, kind, sql).row_count >= 3


@pytest.mark.parametrize("kind", ResultFormat)
def test_masks_hold_in_each_format(kind, asked):
    masked = ports.MaskedColumn(schema="raw_orders", table="orders", column="customer")
    answer = ask(asked, kind, "SELECT customer FROM raw_orders.orders", masked=(masked,))

    assert ("raw_orders.orders.customer",) == answer.masked
    if kind in COLUMNAR:
        assert {"****"} == set(table(kind, answer.file).column("customer").to_pylist())
    else:
        assert b"c1" not in answer.file + bytes(answer.rows)
