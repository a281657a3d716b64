"""Looking into the warehouse: bounded samples, nothing but names and kinds comes out."""

from pathlib import Path

import duckdb
import msgspec
import pytest

from commands.inspecting import Inspect, Inspected
from domain.datasets import Column
from domain.pii import Looked
from infra.inspecting import worker
from infra.inspecting.settings import Settings
from infra.warehouse import attach
from infra.warehouse.keeper import Keeper
from infra.warehouse.settings import Settings as Warehouse

ROWS = 5_000
TABLES = f"""
CREATE SCHEMA lake.raw_people;
CREATE TABLE lake.raw_people.people AS
    SELECT range AS id, 'person' || range || '@example.org' AS email,
        ['a' || range || '@example.org'] AS others, uuid() AS "key", NULL::VARCHAR AS phone,
        TIMESTAMP '2026-01-01' AS at
    FROM range({ROWS});
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("warehouse")
    (folder / "data").mkdir()
    warehouse = Warehouse(
        catalog=str(folder / "catalog.sqlite"),
        data=str(folder / "data"),
        temp_directory=str(folder / "temp"),
    )
    with attach.connect(warehouse) as writer:
        for statement in TABLES.split(";\n"):
            writer.execute(statement)
        with Keeper(Path(warehouse.catalog)):
            yield Settings(warehouse=warehouse)


def looked(*columns, table="people"):
    found = tuple(Column(name=name, type="VARCHAR") for name in columns)
    return Looked(schema="raw_people", table=table, columns=found)


def inspected(settings, *tables):
    run = worker.start(msgspec.Raw(msgspec.json.encode(settings)))
    task = msgspec.Raw(msgspec.json.encode(Inspect(tables=tables)))
    return run(task, None)


def test_columns_are_found_and_no_value_comes_out(settings):
    found = inspected(settings, looked("id", "email", "others", "key", "phone", "at"))

    assert isinstance(found, Inspected)
    assert {"email", "others"} == {each.column for each in found.findings}
    assert "@" not in msgspec.json.encode(found).decode()


def test_a_sample_is_bounded_and_the_same_each_time(settings):
    small = msgspec.structs.replace(settings, sample_rows=50, rows_read_max=ROWS // 2)
    first, second = (inspected(small, looked("email")) for _ in "ab")

    assert first == second
    assert 50 == first.findings[0].samples


def test_tables_and_columns_that_are_gone_are_left_out(settings):
    found = inspected(settings, looked("email", "gone"), looked("email", table="nothing"))

    assert [("people", ("email",))] == [
        (table.table, tuple(column.name for column in table.columns)) for table in found.tables
    ]


def test_columns_are_read_a_few_at_once(settings):
    few = msgspec.structs.replace(settings, columns_at_once=1)

    assert inspected(settings, looked("id", "email")) == inspected(few, looked("id", "email"))


def test_nothing_can_be_written(settings):
    run = worker.start(msgspec.Raw(msgspec.json.encode(settings)))
    connection = next(
        cell.cell_contents
        for cell in run.__closure__
        if isinstance(cell.cell_contents, duckdb.DuckDBPyConnection)
    )

    with pytest.raises(duckdb.Error, match="read-only"):
        connection.execute("DELETE FROM lake.raw_people.people")
