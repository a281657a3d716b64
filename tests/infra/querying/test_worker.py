"""The worker's answers: values, bounds, new commits, the past, and the limits of its process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import msgspec
import pytest

from commands import ports
from infra.querying import worker


def ask(worker, sql, **bounds):
    return worker.answer(ports.Query(sql=sql, **bounds))


def rows(worker, sql, **bounds):
    return json.loads(bytes(ask(worker, sql, **bounds).rows))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1.50::DECIMAL(10, 2)", "1.50"),
        ("TIMESTAMP '2026-01-02 03:04:05.678'", "2026-01-02T03:04:05.678000"),
        ("TIMESTAMPTZ '2026-01-02 03:04:05+00'", "2026-01-02T03:04:05Z"),
        ("DATE '2026-01-02'", "2026-01-02"),
        ("'0044-03-15 (BC)'::DATE", "0044-03-15 (BC)"),
        ("TIME '10:00:00'", "10:00:00"),
        ("INTERVAL 36 HOUR", "P1DT43200S"),
        ("INTERVAL 1 MONTH", "P30D"),
        ("'nan'::FLOAT", None),
        ("'-inf'::DOUBLE", None),
        ("9223372036854775807", 9223372036854775807),
        ("-9223372036854775808::HUGEINT", "-9223372036854775808"),
        ("9223372036854775808::HUGEINT", "9223372036854775808"),
        ("5::HUGEINT", 5),
        ("18446744073709551615::UBIGINT", "18446744073709551615"),
        ("[{'a': 18446744073709551615::UBIGINT}]", [{"a": "18446744073709551615"}]),
        ("'a\\xFF'::BLOB", "Yf8="),
        ("'00000000-0000-0000-0000-000000000001'::UUID", "00000000-0000-0000-0000-000000000001"),
        ("{'a': [1, NULL], 'b': {'c': 1.5::DECIMAL(2, 1)}}", {"a": [1, None], "b": {"c": "1.5"}}),
        ("MAP {1: 'a'}", {"1": "a"}),
        ("MAP {[1]: 'a'}", {"key": [[1]], "value": ["a"]}),
        ("row(1, 'a')", [1, "a"]),
        ("'{\"a\": 1}'::JSON", '{"a": 1}'),
        ("'x'::ENUM('x')", "x"),
        ("'101'::BIT", "101"),
        ("chr(0)", "\0"),
        ("NULL", None),
    ],
)
def test_a_value_is_written_as(expression, value, asked):
    expected = [[value]]
    if expression.startswith("-9223372036854775808"):
        expected = [[-(2**63)]]  # it still fits into 64 bits
    assert expected == rows(asked, f"SELECT {expression}")


def test_an_answer_has_names_types_rows_and_relations(asked):
    answer = ask(asked, "SELECT id, amount, id FROM raw_orders.orders ORDER BY id LIMIT 2")
    assert answer == ports.Queried(
        columns=("id", "amount", "id"),
        types=("BIGINT", "DECIMAL(12,2)", "BIGINT"),
        rows=msgspec.Raw(b'[[0,"0.00",0],[1,"1.50",1]]'),
        row_count=2,
        truncated=False,
        relations=("raw_orders.orders",),
    )


def test_no_rows_are_an_empty_array(asked):
    answer = ask(asked, "SELECT * FROM raw_orders.orders WHERE false")
    assert (b"[]", 0, False) == (bytes(answer.rows), answer.row_count, answer.truncated)


@pytest.mark.parametrize(("there_are", "truncated"), [(9, False), (10, False), (11, True)])
def test_more_rows_than_the_bound_are_cut(there_are, truncated, asked):
    answer = ask(asked, f"FROM range({there_are})", rows_max=10)
    assert (min(there_are, 10), truncated) == (answer.row_count, answer.truncated)
    assert answer.warning is None


def test_an_endless_result_is_answered_at_once(asked):
    assert ask(asked, "FROM range(100_000_000_000)").truncated


def test_a_result_that_is_too_large_is_cut_with_a_warning(asked):
    answer = ask(asked, "SELECT repeat('x', 1000) FROM range(100)", result_bytes_max=10_000)
    assert (9, True) == (answer.row_count, answer.truncated)
    assert len(bytes(answer.rows)) <= 10_000
    assert answer.warning.startswith("The result was cut after 9 rows")


def test_the_engines_complaint_has_its_place(asked):
    with pytest.raises(ports.WorkRefused) as refused:
        ask(asked, "SELECT id,\n       nope\nFROM raw_orders.orders")
    assert {"line": 2, "column": 8} == refused.value.facts
    assert 'Referenced column "nope" not found' in refused.value.reason


def test_a_complaint_far_out_in_a_long_line_has_its_place(asked):
    sql = f"SELECT {'1, ' * 100}nope, {'2, ' * 100}3 FROM raw_orders.orders"
    with pytest.raises(ports.WorkRefused) as refused:
        ask(asked, sql)
    assert {"line": 1, "column": sql.index("nope") + 1} == refused.value.facts


def test_a_failed_query_leaves_nothing_behind(asked):
    for sql in ["SELECT 'a'::DATE", "SELEC", "FROM nowhere", "SELECT 1"]:
        try:
            ask(asked, sql)
        except ports.WorkRefused:
            continue
    assert [[1]] == rows(asked, "SELECT 1")


def test_a_new_commit_is_seen_by_the_next_query(asked, writer):
    writer.execute("CREATE TABLE lake.marts.fresh AS SELECT 1 AS a")
    assert [[1]] == rows(asked, "FROM marts.fresh")
    writer.execute("INSERT INTO lake.marts.fresh VALUES (2)")
    assert [[2]] == rows(asked, "SELECT count(*) FROM marts.fresh")
    writer.execute("DROP TABLE lake.marts.fresh")
    with pytest.raises(ports.WorkRefused, match=r"There is no table marts\.fresh"):
        ask(asked, "FROM marts.fresh")


def test_the_past_is_answered_as_it_was(asked, writer):
    writer.execute("CREATE TABLE lake.marts.history AS SELECT 1 AS a")
    (before,) = writer.execute("FROM lake.current_snapshot()").fetchone()
    writer.execute("INSERT INTO lake.marts.history VALUES (2)")
    count = "SELECT count(*) FROM marts.history"
    assert [[1]] == rows(asked, count, snapshot=before)
    assert [[2]] == rows(asked, count)
    with pytest.raises(ports.WorkRefused, match="no table"):
        ask(asked, count, snapshot=before - 1)
    writer.execute("DROP TABLE lake.marts.history")
    assert [[1]] == rows(asked, count, snapshot=before)


def test_a_snapshot_that_is_not_there_is_refused(asked):
    with pytest.raises(ports.WorkRefused) as refused:
        ask(asked, "SELECT 1", snapshot=1_000_000)
    assert {"snapshot": 1_000_000} == refused.value.facts


def test_a_missing_file_is_the_warehouses_fault_and_names_no_path(settings, writer):
    own = worker.Worker(settings)
    writer.execute("CREATE TABLE lake.marts.lost AS SELECT range AS a FROM range(10)")
    files = writer.execute(
        "SELECT data_file FROM ducklake_list_files('lake', 'lost', schema => 'marts')"
    ).fetchall()
    for (file,) in files:
        Path(file).unlink()
    with pytest.raises(ports.WorkFailed) as failed:
        ask(own, "FROM marts.lost")
    assert not isinstance(failed.value, ports.WorkRefused)
    assert settings.warehouse.data not in failed.value.reason
    writer.execute("DROP TABLE lake.marts.lost")
    assert [[1]] == rows(own, "SELECT 1")


def test_too_much_memory_ends_the_worker(settings, writer):
    small = msgspec.structs.replace(settings, memory_bytes_max=64 * 1024**2)
    with pytest.raises(MemoryError):
        ask(worker.Worker(small), "SELECT list(range) FROM range(50_000_000)")


LIMITED = """
import resource, sys
import msgspec
from commands import ports
from infra.querying import worker

run = worker.start(msgspec.Raw(sys.stdin.buffer.read()))
for limit, value in ((resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NPROC, 0)):
    resource.setrlimit(limit, (value, value))
for query in sys.argv[2:]:
    snapshot = None if query.startswith("now") else int(sys.argv[1])
    task = msgspec.json.encode(ports.Query(sql=query.split(":", 1)[1], snapshot=snapshot))
    print(bytes(run(msgspec.Raw(task), None).rows).decode())
con = run._now.con
try:
    con.execute("COPY (SELECT 1) TO '%s/never-written.csv'" % run._settings.warehouse.data)
except Exception as error:
    print(type(error).__name__)
"""


def test_a_worker_that_may_write_no_file_answers_now_and_then(settings, writer):
    (snapshot,) = writer.execute("FROM lake.current_snapshot()").fetchone()
    count = "SELECT count(*) FROM raw_orders.orders"
    child = subprocess.run(
        [sys.executable, "-c", LIMITED, str(snapshot), f"now:{count}", f"then:{count}"],
        input=msgspec.json.encode(settings),
        capture_output=True,
        check=False,
        cwd=Path.cwd(),
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        timeout=60,
    )
    assert ["[[1000]]", "[[1000]]", "IOException"] == child.stdout.decode().split(), child.stderr


def test_the_engines_classes_of_failure_are_told_apart():
    assert not issubclass(duckdb.BinderException, worker.BROKEN)
    assert not issubclass(duckdb.OutOfMemoryException, worker.BROKEN)
