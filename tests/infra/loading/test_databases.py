"""Databases as sources: a real PostgreSQL, a real MariaDB, and files of SQLite."""

import datetime as dt
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pymysql
import pytest

from commands import ports
from tests.infra.loading.connecting import Source

PASSWORD = "planted-Secret-77"


class Postgres:
    kind = "postgres"

    def __init__(self, url: str) -> None:
        self._url = url
        self.url = url.replace("postgresql://", "postgresql+psycopg://")

    def run(self, *statements: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


class MariaDB:
    kind = "mysql"

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self.url = f"mysql+pymysql://root@localhost/shop?unix_socket={socket}"

    def run(self, *statements: str) -> None:
        connection = pymysql.connect(
            unix_socket=self._socket, user="root", database="shop", autocommit=True
        )
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A MariaDB of its own, on a socket alone."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    install, serve = (shutil.which(one, path=path) for one in ("mariadb-install-db", "mariadbd"))
    if install is None or serve is None:
        if os.environ.get("CI"):
            pytest.fail("MariaDB is missing, and CI must run the tests of mysql sources")
        pytest.skip("MariaDB is not installed (Debian: mariadb-server)")
    root = tmp_path_factory.mktemp("mariadb")
    data, socket = root / "data", str(root / "s")
    user = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        [install, "--no-defaults", f"--datadir={data}", *user,
         "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True, capture_output=True,
    )  # fmt: skip
    server = subprocess.Popen(
        [serve, "--no-defaults", f"--datadir={data}", f"--socket={socket}",
         "--skip-networking", *user],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _make_database(socket)
        yield MariaDB(socket)
    finally:
        server.terminate()
        server.wait(30)


def _make_database(socket: str) -> None:
    deadline = time.monotonic() + 60
    while not Path(socket).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    connection = pymysql.connect(unix_socket=socket, user="root", autocommit=True)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE shop CHARACTER SET utf8mb4")


class SQLite:
    kind = "sqlite"

    def __init__(self, root) -> None:
        self._path = root / "shop.db"

    def run(self, *statements: str) -> None:
        with sqlite3.connect(self._path) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()


@pytest.fixture(params=["postgres", "mysql", "sqlite"])
def shop(request: pytest.FixtureRequest, trial):
    """Each database in turn, without tables."""
    if request.param == "sqlite":
        return SQLite(trial.directory.parent)
    if request.param == "mysql":
        made = request.getfixturevalue("mariadb")
        made.run("DROP TABLE IF EXISTS orders, things, other")
        return made
    made = Postgres(request.getfixturevalue("postgres"))
    made.run("DROP TABLE IF EXISTS orders, things, other CASCADE")
    return made


def source(trial, shop, *tables, **more):
    where = {"path": "shop.db"} if shop.kind == "sqlite" else {"credentials": shop.url}
    return Source(trial, shop.kind, {**where, "tables": list(tables), **more})


ORDERS = "CREATE TABLE orders (id INTEGER PRIMARY KEY, name VARCHAR(20), changed TIMESTAMP(0))"


def test_a_table_is_loaded_whole_and_replaced(trial, shop):
    shop.run(ORDERS, "INSERT INTO orders VALUES (1, 'a', NULL), (2, 'b', NULL)")
    one = source(trial, shop, "orders")
    assert 2 == one.load().rows
    shop.run("DELETE FROM orders WHERE id = 1", "INSERT INTO orders VALUES (3, 'ü', NULL)")
    one.load()
    assert [(2, "b"), (3, "ü")] == one.rows("id, name", "orders")


def test_with_a_cursor_only_what_is_new_is_read_and_merged(trial, shop):
    shop.run(
        ORDERS,
        "INSERT INTO orders VALUES (1, 'a', '2026-01-01 10:00:00')",
        "INSERT INTO orders VALUES (2, 'b', '2026-01-02 10:00:00')",
    )
    one = source(trial, shop, {"name": "orders", "cursor": "changed"})
    one.load()
    shop.run(
        "UPDATE orders SET name = 'B', changed = '2026-01-03 10:00:00' WHERE id = 2",
        "UPDATE orders SET name = 'unseen' WHERE id = 1",
        "INSERT INTO orders VALUES (3, 'c', '2026-01-03 10:00:00')",
    )
    loaded = one.load()
    assert 2 == loaded.rows
    assert [(1, "a"), (2, "B"), (3, "c")] == one.rows("id, name", "orders")


def test_rows_that_share_the_last_cursor_are_not_lost(trial, shop):
    shop.run(ORDERS, "INSERT INTO orders VALUES (1, 'a', '2026-01-01 10:00:00')")
    one = source(
        trial, shop, {"name": "orders", "cursor": "changed", "write_disposition": "append"}
    )
    one.load()
    shop.run("INSERT INTO orders VALUES (2, 'b', '2026-01-01 10:00:00')")
    one.load()
    assert [(1,), (2,)] == one.rows("id", "orders")


def test_a_new_column_of_the_database_becomes_one_of_the_warehouse(trial, shop):
    shop.run(ORDERS, "INSERT INTO orders VALUES (1, 'a', '2026-01-01 10:00:00')")
    one = source(trial, shop, {"name": "orders", "cursor": "changed"})
    one.load()
    shop.run(
        "ALTER TABLE orders ADD COLUMN colour VARCHAR(10)",
        "INSERT INTO orders VALUES (2, 'b', '2026-01-02 10:00:00', 'red')",
    )
    one.load()
    assert [(1, None), (2, "red")] == one.rows("id, colour", "orders")


def test_without_names_all_tables_are_loaded(trial, shop):
    shop.run(ORDERS, "INSERT INTO orders VALUES (1, 'a', NULL)")
    shop.run("CREATE TABLE other (x INTEGER)", "INSERT INTO other VALUES (5)")
    one = source(trial, shop)
    one.load()
    assert {"orders", "other"} <= one.tables()


def test_a_sample_shows_rows_and_writes_nothing(trial, shop):
    shop.run(ORDERS, "INSERT INTO orders VALUES (1, 'a', '2026-01-01 10:00:00')")
    one = source(trial, shop, "orders")
    shown = one.sample()
    assert ["id", "name", "changed"] == [column.name for column in shown.columns]
    assert (("1", "a", "2026-01-01 10:00:00"),) == shown.rows
    assert set() == one.tables()


def test_a_missing_table_is_named(trial, shop):
    shop.run(ORDERS)
    with pytest.raises(ports.WorkRefused, match="There is no table 'nothing'"):
        source(trial, shop, "nothing").load()


def test_a_table_that_is_empty_all_of_a_sudden_stays(trial, shop):
    shop.run(ORDERS, "INSERT INTO orders VALUES (1, 'a', NULL)")
    one = source(trial, shop, "orders")
    one.load()
    shop.run("DELETE FROM orders")
    with pytest.raises(ports.WorkRefused, match="Table 'orders' has no rows"):
        one.load()
    assert [(1,)] == one.rows("id", "orders")


def test_types_of_postgresql_are_kept(trial, postgres):
    shop = Postgres(postgres)
    shop.run(
        "DROP TABLE IF EXISTS things",
        "CREATE TABLE things (n numeric(12,2), big numeric, at timestamptz, d date, ok boolean,"
        " u uuid, j jsonb, list integer[], raw bytea, f double precision)",
        "INSERT INTO things VALUES (1.25, 12345678901234567890.5, '2026-01-01 12:00:00+02',"
        " '2026-01-02', true, '11111111-1111-1111-1111-111111111111', '{\"a\": 1}', '{1,2}',"
        " '\\x00ff', 0.5)",
    )
    one = source(trial, shop, "things")
    one.load()
    assert [
        (
            Decimal("1.25"),
            Decimal("12345678901234567890.500000000"),
            dt.datetime(2026, 1, 1, 10, tzinfo=dt.UTC),
            dt.date(2026, 1, 2),
            True,
            "11111111-1111-1111-1111-111111111111",
            '{"a": 1}',
            "[1, 2]",
            b"\x00\xff",
            0.5,
        )
    ] == one.rows("* EXCLUDE (_dango_file, _dango_run)", "things")


def test_a_number_that_no_decimal_holds_makes_its_column_text(trial, postgres):
    shop = Postgres(postgres)
    shop.run(
        "DROP TABLE IF EXISTS things",
        "CREATE TABLE things (n numeric)",
        "INSERT INTO things VALUES (0.12345678901234567890), (1)",
    )
    one = source(trial, shop, "things")
    one.load()
    assert [("0.12345678901234567890",), ("1",)] == one.rows("n", "things")


def test_types_of_mariadb_are_kept(trial, mariadb):
    mariadb.run(
        "DROP TABLE IF EXISTS things",
        "SET SESSION sql_mode = ''",
        "CREATE TABLE things (n decimal(12,2), big bigint unsigned, at datetime, t time,"
        " y year, kind enum('a','b'), j json, raw varbinary(4))",
        "INSERT INTO things VALUES (1.25, 18446744073709551615, '0000-00-00', '10:11:12',"
        " 2026, 'b', '{\"a\": 1}', x'00ff')",
    )
    one = source(trial, mariadb, "things")
    one.load()
    assert [
        (
            Decimal("1.25"),
            18446744073709551615,
            None,
            dt.time(10, 11, 12),
            "2026",
            "b",
            '{"a": 1}',
            b"\x00\xff",
        )
    ] == one.rows("* EXCLUDE (_dango_file, _dango_run)", "things")


def test_values_that_are_not_of_their_column_make_it_text(trial):
    shop = SQLite(trial.directory.parent)
    shop.run(
        "CREATE TABLE things (n INTEGER, at TIMESTAMP)",
        "INSERT INTO things VALUES (1, '2026-01-01T00:00:00'), ('many', 'soon')",
    )
    one = source(trial, shop, "things")
    one.load()
    assert [("1", "2026-01-01T00:00:00"), ("many", "soon")] == one.rows('n, "at"', "things")


def test_a_file_outside_of_the_project_is_not_opened(trial, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "shop.db"
    sqlite3.connect(elsewhere).close()
    link = trial.directory.parent / "link.db"
    link.symlink_to(elsewhere)
    for kind, where in (
        ("sqlite", {"path": "link.db"}),
        ("sql_database", {"credentials": f"sqlite:///{elsewhere}"}),
    ):
        with pytest.raises(ports.WorkRefused, match="inside the project"):
            Source(trial, kind, where).load()


def test_wrong_credentials_are_told_without_the_password(trial, postgres):
    at = postgres.partition("?")
    url = f"postgresql://nobody:${{PW}}@127.0.0.1:1/x?{at[2]}"
    one = Source(trial, "postgres", {"credentials": url}, PW=PASSWORD)
    with pytest.raises(ports.WorkFailed) as failed:
        one.load()
    assert PASSWORD not in failed.value.reason
