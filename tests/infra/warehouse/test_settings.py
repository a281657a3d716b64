"""What of the warehouse's settings is secret, and where its files lie."""

from typing import Any

import pytest

from infra.warehouse.settings import S3Access, Settings


def settings(catalog: str, **others: Any) -> Settings:
    given = {"data": "/srv/my shop/warehouse/data", "temp_directory": "/srv/my shop/.dango/tmp"}
    return Settings(catalog=catalog, **given | others)


@pytest.mark.parametrize(
    ("connection", "parts"),
    [
        ("host=db password=S3CRET dbname=x", {"S3CRET"}),
        ("host=db password = 'S3 CR\\'ET' user=u", {"'S3 CR\\'ET'", "S3 CR'ET"}),
        ("host=db password=S3\\ CRET", {"S3\\ CRET", "S3 CRET"}),
        ("host=db sslpassword=S3CRET sslkey=/k", {"S3CRET", "/k"}),
        ("host=db password=two words", {"two", "words"}),
        ("host=db password='never closed", {"'never closed", "never closed"}),
        ("postgresql://u:S3CRET@db:5432/x", {"S3CRET"}),
        ("postgres://u:S%33CRET@db/x?sslmode=require", {"S%33CRET", "S3CRET"}),
        ("postgresql://db/x?user=u&password=S%33CRET", {"S%33CRET", "S3CRET"}),
        ("postgresql://db/x", set()),
        ("service=shop", set()),
    ],
)
def test_the_secrets_of_a_libpq_string_are_known_whole_and_in_parts(
    connection: str, parts: set[str]
) -> None:
    whole = {connection, f"postgres:{connection}"}

    assert parts | whole == set(settings(f"postgres:{connection}").secrets())


def test_the_keys_of_a_bucket_are_secrets() -> None:
    s3 = S3Access(key="KEYID", secret="S3CRET", endpoint="minio:9000")
    found = settings("/srv/catalog.sqlite", data="s3://bucket/x", s3=s3)

    assert ("KEYID", "S3CRET") == found.secrets()
    assert {"s3://bucket/x", "http://minio:9000"} <= set(found.places())


def test_an_embedded_warehouse_has_places_and_no_secrets() -> None:
    found = settings("/srv/my shop/warehouse/catalog.sqlite")

    assert () == found.secrets()
    assert {
        "/srv/my shop",
        "/srv/my shop/.dango/tmp",
        "/srv/my shop/warehouse/catalog.sqlite",
        "/srv/my shop/warehouse/data",
    } == set(found.places())


def test_what_unrelated_paths_share_is_no_place() -> None:
    found = settings("/var/lib/catalog.sqlite", data="/srv/data", temp_directory="/mnt/x")

    assert "/" not in found.places()
