"""The sandbox without the gate: what it refuses by itself, and what it leaves to the gate."""

from pathlib import Path

import duckdb
import pytest

from infra.querying import sandbox

OUTSIDE = [
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('{folder}/secret.csv')",
    "SELECT * FROM '{folder}/secret.csv'",
    "SELECT * FROM read_text('{folder}/data/../secret.csv')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_csv('http://127.0.0.1:9/x')",
    "COPY (SELECT 1) TO '{folder}/never-written.csv'",
    "COPY (SELECT 1) TO '{folder}/data/../never-written.csv'",
    "EXPORT DATABASE '{folder}/never-written'",
    "ATTACH '{folder}/never-written.db'",
    "ATTACH 'ducklake:sqlite:{folder}/another.sqlite' AS other",
    "LOAD httpfs",
    "INSTALL httpfs",
    "SET enable_external_access = true",
    "SET allowed_directories = ['/']",
    "SET memory_limit = '64GB'",
    "SET lock_configuration = false",
    "SET temp_directory = '/tmp'",
    "RESET memory_limit",
    "CREATE SECRET s (TYPE s3)",
    "CREATE TABLE raw_orders.t (a INT)",
    "INSERT INTO raw_orders.orders (id) VALUES (1)",
    "DELETE FROM raw_orders.orders",
    "DROP TABLE raw_orders.orders",
    "CALL ducklake_expire_snapshots('lake', older_than => now())",
]


@pytest.mark.parametrize("statement", OUTSIDE)
def test_the_sandbox_alone_refuses(statement, settings, sandboxed):
    folder = Path(settings.warehouse.catalog).parent
    sql = statement.replace("{folder}", str(folder))
    with pytest.raises(duckdb.Error):
        sandboxed.execute(sql).fetchall()
    assert not list(folder.glob("never-written*"))


LEFT_TO_THE_GATE = [
    "SELECT * FROM read_parquet('{data}/raw_orders/orders/*.parquet')",
    "SELECT * FROM glob('{data}/**')",
    "SELECT * FROM __ducklake_metadata_lake.ducklake_table",
    "SELECT * FROM duckdb_settings()",
    "CREATE TEMP TABLE left_to_the_gate AS SELECT 1",
    "ATTACH '{catalog}' AS other (TYPE sqlite)",
    "ATTACH 'ducklake:sqlite:{catalog}' AS other",
    "SELECT * FROM sqlite_scan('{catalog}', 'ducklake_table')",
    "COPY (SELECT 1) TO '{data}/left-to-the-gate.csv'",
    "PRAGMA enable_profiling",
    "CALL lake.set_commit_message('a', 'b')",
    "SELECT filename FROM raw_orders.orders",
]


@pytest.mark.parametrize("statement", LEFT_TO_THE_GATE)
def test_what_the_sandbox_does_not_refuse_is_known(statement, settings, writer):
    """When one of these begins to fail, the engine has closed a hole: say so in sandbox.py."""
    con = sandbox.open_reader(settings)
    warehouse = settings.warehouse
    sql = statement.replace("{data}", warehouse.data).replace("{catalog}", warehouse.catalog)
    con.execute(sql)
    con.close()
    (Path(warehouse.data) / "left-to-the-gate.csv").unlink(missing_ok=True)


def test_only_the_data_folder_and_the_catalogue_can_be_opened(settings, sandboxed):
    def setting(name):
        return sandboxed.execute(f"SELECT current_setting('{name}')").fetchone()[0]

    warehouse = settings.warehouse
    assert [f"{warehouse.data}/"] == setting("allowed_directories")
    assert all(warehouse.catalog in path for path in setting("allowed_paths"))
    assert not setting("temp_directory")


def test_a_python_variable_is_not_a_table(sandboxed):
    hidden = [("secret",)]
    with pytest.raises(duckdb.CatalogException):
        sandboxed.execute("SELECT * FROM hidden")
    assert hidden
