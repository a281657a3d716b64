"""A small warehouse, and the corpora of statements: one a line, under `## class` headings."""

from pathlib import Path

import pytest

from infra.querying import sandbox, worker
from infra.querying.relations import Published, Relation
from infra.warehouse import attach
from infra.warehouse.keeper import Keeper
from infra.warehouse.settings import Settings

HERE = Path(__file__).parent
CORPORA = {"hostile_line": "hostile.sql", "legal_line": "legal.sql"}

TABLES = """
CREATE SCHEMA lake.raw_orders;
CREATE SCHEMA lake.raw_files;
CREATE SCHEMA lake.marts;
CREATE TABLE lake.raw_orders.orders AS
    SELECT range AS id, 'c' || (range % 7) AS customer, (range * 1.5)::DECIMAL(12, 2) AS amount,
        TIMESTAMP '2026-01-01' + INTERVAL (range) MINUTE AS placed_at, ['a', 'b'] AS labels
    FROM range(1000);
CREATE TABLE lake.raw_files.files AS SELECT 'a.csv' AS filename;
CREATE VIEW lake.marts.daily AS
    SELECT placed_at::DATE AS day, sum(amount) AS total FROM lake.raw_orders.orders GROUP BY ALL;
"""


def pytest_generate_tests(metafunc):
    for argument, file in CORPORA.items():
        if argument in metafunc.fixturenames:
            lines = (HERE / file).read_text(encoding="utf-8").splitlines()
            statements = [line for line in lines if line.strip() and not line.startswith("## ")]
            metafunc.parametrize(argument, statements)


@pytest.fixture(scope="session")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("warehouse")
    (folder / "data").mkdir()
    (folder / "secret.csv").write_text("password\nhunter2\n", encoding="utf-8")
    warehouse = Settings(
        catalog=str(folder / "catalog.sqlite"),
        data=str(folder / "data"),
        temp_directory=str(folder / "temp"),
    )
    return sandbox.Settings(warehouse=warehouse)


@pytest.fixture(scope="session")
def writer(settings):
    con = attach.connect(settings.warehouse)
    for statement in TABLES.split(";\n"):
        con.execute(statement)
    with Keeper(Path(settings.warehouse.catalog)):
        yield con
    con.close()


@pytest.fixture(scope="session")
def asked(settings, writer):
    return worker.Worker(settings)


@pytest.fixture(scope="session")
def sandboxed(settings, writer):
    """The sandbox alone, without the gate."""
    return sandbox.open_reader(settings)


@pytest.fixture(scope="session")
def published():
    return Published(
        "lake",
        [
            Relation("raw_orders", "orders"),
            Relation("raw_files", "files"),
            Relation("marts", "daily"),
        ],
    )
