"""A bucket that speaks S3: its list, and one object after the other into files.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html, and requests signed as in
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
"""

import datetime as dt
import hashlib
import hmac
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import requests

from commands import ports
from infra.loading.web.session import Session

BLOCK_BYTES = 1024 * 1024
SIZE_DIGITS_MAX = 18  # of an object's bytes; more fit into no number of 64 bits
NO_LIST = "The bucket's list is not what S3 answers."
_EMPTY = hashlib.sha256(b"").hexdigest()


class Object(msgspec.Struct, frozen=True, kw_only=True):
    """One object; `etag` changes with its content."""

    key: str
    size_bytes: int
    etag: str


class Signature:
    """Signs requests for one region (AWS Signature Version 4)."""

    def __init__(self, key_id: str, secret: str, region: str) -> None:
        self._key_id, self._secret, self._region = key_id, secret, region

    def sign(self, request: requests.PreparedRequest, payload: str = _EMPTY) -> None:
        """Set the headers that prove who is asking; `payload` is the SHA-256 of the body."""
        now = dt.datetime.now(dt.UTC)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        url = urllib.parse.urlsplit(request.url or "")
        headers = {"host": url.netloc, "x-amz-content-sha256": payload, "x-amz-date": stamp}
        names = ";".join(headers)
        query = sorted(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        quoted = "&".join(f"{_quote(name)}={_quote(value)}" for name, value in query)
        told = "".join(f"{name}:{value}\n" for name, value in headers.items())
        whole = f"{request.method}\n{url.path}\n{quoted}\n{told}\n{names}\n{payload}"
        scope = f"{day}/{self._region}/s3/aws4_request"
        digest = hashlib.sha256(whole.encode()).hexdigest()
        key = f"AWS4{self._secret}".encode()
        for part in (day, self._region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        request.headers.update({name: value for name, value in headers.items() if name != "host"})
        request.headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self._key_id}/{scope},"
            f" SignedHeaders={names}, Signature={signature}"
        )


class Bucket:
    """One bucket, at one address."""

    def __init__(self, session: Session, address: str) -> None:
        self._session, self._address = session, address.rstrip("/")

    def objects(self, prefix: str) -> Iterator[Object]:
        """List the objects whose keys begin with a prefix, page by page."""
        token = ""
        while True:
            told = {"list-type": "2", "prefix": prefix}
            if token:
                told["continuation-token"] = token
            query = "&".join(f"{name}={_quote(value)}" for name, value in sorted(told.items()))
            page = _page(self._session.get(f"{self._address}/?{query}").content)
            space = page.tag.removesuffix("ListBucketResult")
            for one in page.iter(f"{space}Contents"):
                yield Object(
                    key=one.findtext(f"{space}Key", ""),
                    size_bytes=_size(one.findtext(f"{space}Size", "0")),
                    etag=one.findtext(f"{space}ETag", "").strip('"'),
                )
            token = page.findtext(f"{space}NextContinuationToken", "")
            if not token:
                return

    def fetch(self, one: Object, file: Path, on_bytes: Callable[[int], None]) -> None:
        """Copy an object into a file. Raises WorkFailed when it changed since it was listed."""
        url = f"{self._address}/{urllib.parse.quote(one.key, safe='/-_.~')}"
        size = 0
        with file.open("wb") as out:
            for block in self._session.blocks(url, BLOCK_BYTES):
                size += len(block)
                if size > one.size_bytes:
                    break
                out.write(block)
                on_bytes(size)
        if size != one.size_bytes:
            raise ports.WorkFailed(f"{one.key} changed while it was read.", transient=True)


def _page(content: bytes) -> ET.Element:
    # No entity is expanded: a list has none, and nested ones would grow without bound. In UTF-16
    # they would not be found; a list is UTF-8.
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or b"\0" in content:
        raise ports.WorkRefused(NO_LIST)
    try:
        page = ET.fromstring(content)  # noqa: S314 - without a DTD there is nothing to expand
    except ET.ParseError:
        raise ports.WorkRefused(NO_LIST) from None
    if not page.tag.endswith("ListBucketResult"):
        raise ports.WorkRefused(NO_LIST)
    return page


def _size(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > SIZE_DIGITS_MAX:
        raise ports.WorkRefused(NO_LIST)
    return int(text)


def _quote(text: str) -> str:
    return urllib.parse.quote(text, safe="-_.~")
