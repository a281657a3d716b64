"""Sources of the type filesystem, against an S3 server on loopback."""

import importlib
from collections.abc import Iterator

import pytest
import requests
from moto.server import ThreadedMotoServer

from commands import ports
from domain.source_types.table import OptionInvalid, options
from infra.loading import buckets
from infra.loading.web import s3
from tests.infra.loading.connecting import Source

SECRET = "planted-Secret-77"


class Bucket:
    def __init__(self, client, url: str) -> None:
        self._client, self.url = client, url

    def put(self, key: str, text: str) -> None:
        self._client.put_object(Bucket="data-1", Key=key, Body=text.encode())

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket="data-1", Key=key)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    made = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    made.start()
    host, port = made.get_host_and_port()
    yield f"http://{host}:{port}"
    made.stop()


@pytest.fixture
def bucket(server: str) -> Iterator[Bucket]:
    client = importlib.import_module("boto3").client(
        "s3",
        endpoint_url=server,
        aws_access_key_id="key",
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="data-1")
    made = Bucket(client, server)
    yield made
    for one in client.list_objects_v2(Bucket="data-1").get("Contents", []):
        client.delete_object(Bucket="data-1", Key=one["Key"])
    client.delete_bucket(Bucket="data-1")
    client.close()


def source(trial, bucket, **more):
    block = {
        "bucket_url": "s3://data-1/in",
        "file_glob": "*.csv",
        "endpoint": bucket.url,
        "allow_private_hosts": True,
        "aws_access_key_id": "key",
        "aws_secret_access_key": "${KEY}",
    }
    return Source(trial, "filesystem", block | more, KEY=SECRET)


def test_only_objects_that_changed_are_fetched(trial, bucket):
    bucket.put("in/a.csv", "id,name\n1,a\n")
    bucket.put("in/b c.csv", "id,name\n2,ü\n")
    bucket.put("in/notes.txt", "nothing")
    bucket.put("elsewhere/c.csv", "id,name\n9,z\n")
    one = source(trial, bucket)
    assert ["a.csv", "b c.csv"] == [file.path for file in one.load().files]
    bucket.put("in/b c.csv", "id,name\n3,c\n")
    assert ["b c.csv"] == [file.path for file in one.load().files]
    assert [] == list(one.load().files)
    assert [(1, "a"), (3, "c")] == one.rows("id, name", "s")


def test_rows_of_an_object_that_is_gone_go_too(trial, bucket):
    bucket.put("in/a.csv", "id\n1\n")
    bucket.put("in/b.csv", "id\n2\n")
    one = source(trial, bucket)
    one.load()
    bucket.delete("in/b.csv")
    one.load()
    assert [(1,)] == one.rows("id", "s")


def test_a_sample_lists_the_objects_and_writes_nothing(trial, bucket):
    bucket.put("in/a.csv", "id\n1\n")
    one = source(trial, bucket)
    assert (("a.csv", "5"),) == one.sample().rows
    assert set() == one.tables()


def test_a_bucket_that_is_not_there_is_told_without_the_key(trial, bucket):
    one = source(trial, bucket, bucket_url="s3://nothing-here/in")
    with pytest.raises(ports.WorkRefused, match="is not there") as refused:
        one.load()
    assert SECRET not in refused.value.reason


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*.csv", "a.csv", True),
        ("*.csv", "x/a.csv", False),
        ("**/*.csv", "a.csv", True),
        ("**/*.csv", "x/y/a.csv", True),
        ("x/*/a.*", "x/y/a.csv", True),
        ("*.csv", "aXcsv", False),
    ],
)
def test_patterns_are_those_of_directories(pattern, name, matches):
    found = buckets.re.fullmatch(buckets._pattern(pattern), name)
    assert matches is (found is not None)


@pytest.mark.parametrize("url", ["file:///etc", "gs://bucket", "s3://", "/etc", "s3://UPPER/x"])
def test_an_address_that_is_no_bucket_is_refused(url):
    with pytest.raises(OptionInvalid, match="bucket_url"):
        options("filesystem", {"bucket_url": url})


def test_requests_are_signed_as_amazon_signs_them():
    auth = importlib.import_module("botocore.auth")
    aws = importlib.import_module("botocore.awsrequest")
    keys = importlib.import_module("botocore.credentials").Credentials("key", SECRET)
    url = "https://b.s3.eu-west-1.amazonaws.com/in/b%20c%2B.csv?list-type=2&prefix=a%2Fb%20c"
    request = requests.Request("GET", url).prepare()
    s3.Signature("key", SECRET, "eu-west-1").sign(request)
    stamp = request.headers["x-amz-date"]
    body = request.headers["x-amz-content-sha256"]
    told = {"X-Amz-Date": stamp, "X-Amz-Content-SHA256": body}
    expected = aws.AWSRequest("GET", url, headers=told)
    expected.context["timestamp"] = stamp
    signer = auth.S3SigV4Auth(keys, "s3", "eu-west-1")
    text = signer.string_to_sign(expected, signer.canonical_request(expected))
    assert f"Signature={signer.signature(text, expected)}" in request.headers["Authorization"]
