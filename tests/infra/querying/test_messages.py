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
