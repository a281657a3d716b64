"""A server on this machine that speaks S3."""

import contextlib
import importlib
import json
from collections.abc import Iterator

import msgspec
from moto.server import ThreadedMotoServer

from infra.warehouse.settings import S3Access


@contextlib.contextmanager
def serving(*names: str, secret: str = "secret") -> Iterator[S3Access]:
    """How to reach a server with these buckets."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        client = importlib.import_module("boto3").client(
            "s3",
            endpoint_url=f"http://{host}:{port}",
            aws_access_key_id="key",
            aws_secret_access_key=secret,
            region_name="us-east-1",
        )
        for name in names:
            client.create_bucket(Bucket=name)
        client.close()
        yield S3Access(
            key="key",
            secret=secret,
            endpoint=f"{host}:{port}",
            url_style="path",
            use_ssl=False,
        )
    finally:
        server.stop()


def as_yaml(access: S3Access) -> str:
    """As it stands in project.yml."""
    return json.dumps(msgspec.to_builtins(access))
