"""Backups in a bucket that speaks S3."""

import hashlib
import os
import tempfile
import time
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

import requests

from commands import ports
from infra.backups.places import BLOCK_BYTES
from infra.loading.web import s3
from infra.loading.web.session import CONNECT_S, READ_S, Session
from infra.warehouse.settings import S3, S3Access

PUT_BYTES_MAX: Final = 5 * 1024**3  # S3 takes no more in one request
TRIES_MAX: Final = 4  # of one request that changes something
PAUSE_S: Final = 1.0  # before the second; doubles
_REFUSED, _GONE, _SERVER = 400, 404, 500
VARIABLES: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def from_environment() -> S3Access:
    """What the usual variables say. Raises WorkRefused."""
    key, secret = (os.environ.get(name, "") for name in VARIABLES)
    if not (key and secret):
        raise ports.WorkRefused(f"Set {' and '.join(VARIABLES)} to reach the bucket.")
    url = urllib.parse.urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    return S3Access(
        key=key,
        secret=secret,
        endpoint=url.netloc,
        region=os.environ.get("AWS_REGION", "us-east-1"),
        url_style="path" if url.netloc else "vhost",
        use_ssl=url.scheme != "http",
    )


class Bucket:
    """A folder in a bucket."""

    def __init__(self, to: str, access: S3Access, temp: Path | None) -> None:
        name, _, folder = to.removeprefix(S3).strip("/").partition("/")
        if not name:
            raise ports.WorkRefused("The place must be an address like s3://bucket/folder.")
        self._prefix = f"{folder}/" if folder else ""
        self._address = _address(name, access)
        self._signature = s3.Signature(access.key, access.secret, access.region)
        # Whoever may name the place of backups may name any host: it is the owner's own file.
        session = Session(self._address, allow_private=True)
        session.credentials = self._signature
        self._bucket, self._session = s3.Bucket(session, self._address), session
        self._temp = temp

    def write(self, path: str, blocks: Iterable[bytes]) -> None:
        """As the port says. The signature has the digest of the body, so that comes first."""
        digest = hashlib.sha256()
        with tempfile.TemporaryFile(dir=self._temp) as body:
            for block in blocks:
                digest.update(block)
                body.write(block)
            if body.tell() > PUT_BYTES_MAX:
                raise ports.WorkFailed(f"{path} is larger than a bucket takes at once (5 GiB).")
            self._change("PUT", path, digest.hexdigest(), body)

    def read(self, path: str) -> Iterator[bytes]:
        """As the port says."""
        return self._session.blocks(self._url(path), BLOCK_BYTES)

    def paths(self, prefix: str) -> list[str]:
        """As the port says."""
        found = self._bucket.objects(f"{self._prefix}{prefix}")
        return sorted(one.key.removeprefix(self._prefix) for one in found)

    def remove(self, path: str) -> None:
        """As the port says."""
        self._change("DELETE", path, hashlib.sha256(b"").hexdigest(), None)

    def _url(self, path: str) -> str:
        return f"{self._address}/{urllib.parse.quote(self._prefix + path, safe='/-_.~')}"

    def _change(self, method: str, path: str, digest: str, body: IO[bytes] | None) -> None:
        reason = "it does not answer"
        for attempt in range(TRIES_MAX):
            if attempt:
                time.sleep(PAUSE_S * 2 ** (attempt - 1))
            try:
                status = self._once(method, path, digest, body)
            except requests.RequestException as error:
                reason = f"it does not answer ({type(error).__name__})"
                continue
            if status < _REFUSED or (method == "DELETE" and status == _GONE):
                return
            reason = f"status {status}"
            if status < _SERVER:
                break
        raise ports.WorkFailed(f"The bucket did not take {path}: {reason}.")

    def _once(self, method: str, path: str, digest: str, body: IO[bytes] | None) -> int:
        with requests.Session() as session:
            session.trust_env = False
            if body is not None:
                body.seek(0)
            request = session.prepare_request(requests.Request(method, self._url(path), data=body))
            self._signature.sign(request, digest)
            answer = session.send(request, timeout=(CONNECT_S, READ_S))
            return int(answer.status_code)


def _address(bucket: str, access: S3Access) -> str:
    scheme = "https" if access.use_ssl else "http"
    if not access.endpoint:
        return f"{scheme}://{bucket}.s3.{access.region}.amazonaws.com"
    if access.url_style == "path":
        return f"{scheme}://{access.endpoint}/{bucket}"
    return f"{scheme}://{bucket}.{access.endpoint}"
