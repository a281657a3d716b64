"""What the engine says reaches the user without server paths and without secrets."""

import json

import duckdb
import msgspec
import pytest

from commands import ports
from infra.querying import messages, sandbox, worker
from infra.warehouse.attach import UNOPENED
from infra.warehouse.settings import Settings as Warehouse
from infra.workers import secrecy


@pytest.fixture(autouse=True)
def _unknown(monkeypatch):
    monkeypatch.setattr(secrecy, "_known", {})
    monkeypatch.setattr(messages, "_places", set())


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ('open "/srv/my shop/warehouse/data/a/b.parquet": no', 'open "(a path)": no'),
        ("open /srv/my shop/warehouse/catalog.sqlite-wal", "open (a path)"),
        ("open /srv/my shop.", "open (a path)"),
        ("s3://bucket/the data/a.parquet is gone", "(a path) is gone"),
        ("open /usr/lib/x.so", "open (a path)"),
        ("1 / 2 and a/b", "1 / 2 and a/b"),
    ],
)
def test_known_places_are_hidden_with_their_blanks(said, left):
    messages.hide_places(["/srv/my shop/warehouse/data", "/srv/my shop", "s3://bucket/the data"])

    assert left == messages.scrubbed(said, "SELECT 1")


def test_a_path_that_the_user_wrote_stays():
    messages.hide_places(["/srv/my shop"])

    sql = "SELECT '/srv/my shop'::INT"
    assert "bad: '/srv/my shop'" == messages.scrubbed("bad: '/srv/my shop'", sql)


def test_secrets_are_taken_out_of_what_the_engine_says():
    secrecy.hide(["host=db password=S3CRET", "S3CRET"])
    error = duckdb.IOException('no connection to "host=db password=S3CRET" (S3CRET)')

    for reason in (messages.failed(error).reason, messages.refused(error, "FROM a").reason):
        assert 'no connection to "****" (****)' in reason


@pytest.mark.parametrize(
    "catalog",
    [
        "postgres:host=127.0.0.1 port=9 password=S3CRET dbname=x user=u",
        "postgres:host=127.0.0.1 port=9 password='S3\\'CRET' dbname=x",
        "postgres:postgresql://u:S3CRET@127.0.0.1:9/x",
        "postgres:passwrd=S3CRET",
        "postgres:host=127.0.0.1 port=9 password=S3CRET extra S3CRET",
    ],
)
def test_a_catalogue_that_cannot_be_opened_is_not_told(settings, writer, tmp_path, caplog, catalog):
    asked = worker.Worker(settings)
    elsewhere = Warehouse(catalog=catalog, data=str(tmp_path), temp_directory=str(tmp_path))
    asked._settings = sandbox.Settings(warehouse=elsewhere)
    asked._now = None

    for snapshot in (None, 3):
        with pytest.raises(ports.WorkFailed) as failed:
            asked.answer(ports.Query(sql="SELECT 1", snapshot=snapshot))
        assert UNOPENED == failed.value.reason
    assert "the warehouse could not be opened: " in caplog.text
    assert [] == [secret for secret in ("S3CRET", "S3\\'CRET", "S3'CRET") if secret in caplog.text]


def test_a_worker_that_cannot_start_says_our_own_sentence(tmp_path):
    warehouse = Warehouse(
        catalog="postgres:host=127.0.0.1 port=9 password=S3CRET",
        data=str(tmp_path),
        temp_directory=str(tmp_path),
    )
    config = msgspec.Raw(msgspec.json.encode(sandbox.Settings(warehouse=warehouse)))

    with pytest.raises(ports.WorkFailed) as failed:
        worker.start(config)

    assert UNOPENED == failed.value.reason
    assert "S3CRET" not in json.dumps(failed.value.facts)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (
            "SELECT custmer FROM raw_orders.orders",
            (
                'Binder Error: Referenced column "custmer" not found in FROM clause!'
                ' Did you mean "customer" or "amount" or "placed_at"? (line 1, column 8)'
            ),
        ),
        (
            "SELECT\n o.amoumt FROM raw_orders.orders o",
            (
                'Binder Error: Table "o" does not have a column named "amoumt".'
                ' Did you mean "amount"? (line 2, column 2)'
            ),
        ),
        (
            "SELECT x.id FROM raw_orders.orders o",
            'Binder Error: Referenced table "x" not found! Did you mean "o"? (line 1, column 8)',
        ),
        (
            "SELECT * EXCLUDE (custmer) FROM raw_orders.orders",
            (
                'Binder Error: Column "custmer" in EXCLUDE list not found in FROM clause.'
                ' Did you mean "customer"? (line 1, column 19)'
            ),
        ),
        (
            "SELECT 1 FROM raw_orders.orders JOIN marts.daily USING (daay)",
            (
                'Binder Error: Column "daay" does not exist on left side of join!'
                ' Did you mean "day"? (line 1, column 57)'
            ),
        ),
        (
            "SELECT summ(id) FROM raw_orders.orders",
            "The function summ is not allowed. Did you mean sum? (line 1, column 8)",
        ),
        (
            "SELECT * FROM ordrs",
            (
                "There is no table ordrs in the warehouse."
                " Did you mean raw_orders.orders? (line 1, column 15)"
            ),
        ),
        (
            "SELECT * FROM raw_order.ordrs",
            (
                "There is no table raw_order.ordrs in the warehouse."
                " Did you mean raw_orders.orders? (line 1, column 15)"
            ),
        ),
        (
            "SELECT id\nFROM raw_orders.orders WHERE ",
            "Parser Error: syntax error at end of input (line 2, column 29)",
        ),
        (
            "SELECT 'é',\n  'x'::INT",
            "Conversion Error: Could not convert string 'x' to INT32 (line 2, column 6)",
        ),
    ],
)
def test_a_wrong_statement_is_told_where_and_what_was_meant(sql, said, asked):
    masked = ports.MaskedColumn(schema="raw_orders", table="orders", column="labels")
    for columns in ((), (masked,)):
        with pytest.raises(ports.WorkRefused) as refused:
            asked.answer(ports.Query(sql=sql, masked=columns))
        assert said == refused.value.reason


@pytest.mark.parametrize(
    "expression",
    [
        "v::INT", "v::DATE", "v::TIMESTAMP", "v::UUID", "v::BOOLEAN", "v::DECIMAL(3, 1)",
        "v::INT[]", "v::STRUCT(a INT)", "v::JSON", "json_extract(v, '$.a')",
        "strptime(v, '%Y')", "error(v)", "regexp_matches('a', v || '(')", "n::TINYINT",
        "n::DECIMAL(5, 2)", "n * n", "strftime(now(), v || '%')", "date_part(v, now())",
        "from_base64(v)", "v::ENUM('a')", "repeat(v, n)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", ["ada@example.org", "ada' to ADA when casting from column ada"])
def test_a_complaint_about_rows_can_be_told_without_their_values(expression, value):
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t AS SELECT ? AS v, 987654321012::BIGINT AS n", [value])
        con.execute("UPDATE t SET n = n * 9000000")
        with pytest.raises(duckdb.Error) as failed:
            con.execute(f"SELECT {expression} FROM t").fetchall()
    told = messages.refused(failed.value, "SELECT", values=False).reason
    assert not any(part in told.casefold() for part in ("ada", "9876", "88888"))
