"""Numbers of monitors: what may be asked, what comes back, and what never does."""

from pathlib import Path

import msgspec
import pytest

from commands.inspecting import DrillDown, Measure
from domain.monitors import Monitor
from infra.inspecting import worker
from infra.inspecting.settings import Settings
from infra.warehouse import attach
from infra.warehouse.keeper import Keeper
from infra.warehouse.settings import Settings as Warehouse

TABLES = (
    "CREATE SCHEMA lake.raw_shop",
    (
        "CREATE TABLE lake.raw_shop.sales AS SELECT range AS id, 2.5 AS price,"
        " CASE WHEN range % 2 = 0 THEN 'north' ELSE 'south' END AS region,"
        " 'person' || range || '@example.org' AS email FROM range(100)"
    ),
    "DELETE FROM lake.raw_shop.sales WHERE region = 'south' AND id > 10",
)
MONITOR = Monitor(name="sales", source_table="raw_shop.sales")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("warehouse")
    (folder / "data").mkdir()
    warehouse = Warehouse(
        catalog=str(folder / "catalog.sqlite"),
        data=str(folder / "data"),
        temp_directory=str(folder / "temp"),
    )
    with attach.connect(warehouse) as writer:
        for statement in TABLES:
            writer.execute(statement)
        with Keeper(Path(warehouse.catalog)):
            settings = Settings(warehouse=warehouse, statement_s_max=2.0)
            handler = worker.start(msgspec.Raw(msgspec.json.encode(settings)))
            yield lambda task: handler(msgspec.Raw(msgspec.json.encode(task)), None)


def reading(run, **fields):
    monitor = msgspec.structs.replace(MONITOR, **fields)
    (found,) = run(Measure(monitors=(monitor,))).readings
    return found


def test_expressions_and_filters_make_numbers(run):
    other = msgspec.structs.replace(
        MONITOR, name="turnover", value_expression="sum(price)", filter="region = 'north' -- all"
    )
    measured = run(Measure(monitors=(MONITOR, other)))

    assert [("sales", 55.0), ("turnover", 125.0)] == [
        (each.monitor, each.value) for each in measured.readings
    ]
    assert 3 <= measured.snapshot


@pytest.mark.parametrize(
    "fields",
    [
        {"value_expression": "(SELECT count(*) FROM read_csv('/etc/passwd'))"},
        {"value_expression": "length(getenv('HOME'))"},
        {"value_expression": "length(current_setting('temp_directory'))"},
        {"filter": "id IN (SELECT 1 FROM duckdb_settings())"},
        {"filter": "1 = 1); DROP TABLE raw_shop.sales; --"},
        {"filter": "filename = 'x'"},
        {"source_table": "raw_shop.nothing"},
        {"source_table": "__ducklake_metadata_lake.ducklake_table"},
        {"value_expression": "id"},
        {"value_expression": "max(region)"},
        {"value_expression": "sum(price), 1"},
        {"value_expression": "sum(price)", "filter": "id < 0"},
        {"value_expression": "sum(nothing)"},
        {"value_expression": "1 / 0"},
    ],
)
def test_what_is_no_number_of_a_table_has_a_reason_and_no_value(run, fields):
    found = reading(run, **fields)

    assert found.value is None
    assert found.error
    assert "/" not in found.error.replace("'/etc/passwd'", "").replace("1 / 0", "")


def test_the_reason_holds_no_value_of_the_data(run):
    found = reading(run, value_expression="min(CAST('as in ' || region AS INTEGER))")

    assert "Could not convert string '…' to INT32" in found.error


def test_one_that_fails_leaves_the_others_alone(run):
    bad = msgspec.structs.replace(
        MONITOR, name="bad", value_expression="sum(CAST(region AS INTEGER))"
    )
    endless = msgspec.structs.replace(
        MONITOR,
        name="endless",
        value_expression="(SELECT sum(a.range * b.range) FROM range(10000000) a, range(1000000) b)",
    )
    readings = run(Measure(monitors=(bad, endless, MONITOR))).readings

    assert [True, True, False] == [each.value is None for each in readings]
    assert 55.0 == readings[-1].value
    assert "2 seconds" in readings[1].error


def test_a_change_is_drilled_down_against_the_commit_before(run):
    before = run(Measure(monitors=(MONITOR,))).snapshot - 1
    parts = run(DrillDown(monitor=MONITOR, columns=("region", "email"), before=before)).parts

    assert [("region", "south", 5.0, 50.0, 1.0), ("region", "north", 50.0, 50.0, 0.0)] == [
        (each.column, each.key, each.now, each.before, each.share) for each in parts
    ]
    assert b"@" not in msgspec.json.encode(parts)


def test_without_the_commit_shares_are_told(run):
    for before in (None, 999_999):
        parts = run(DrillDown(monitor=MONITOR, columns=("region", "gone"), before=before)).parts

        assert [("north", 50.0, None), ("south", 5.0, None)] == [
            (each.key, each.now, each.before) for each in parts
        ]
