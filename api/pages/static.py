"""/static/: style sheet, scripts and what others wrote, under URLs that change with the content."""

import asyncio
import functools
import gzip
import hashlib
from pathlib import Path
from typing import Final

import msgspec
from litestar import Response
from litestar.exceptions import NotFoundException

from api import asgi
from api.call import Call

FOLDER: Final = Path(__file__).parents[1] / "static"
TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
TEXTS: Final = frozenset({".css", ".js", ".svg"})
DIGEST_DIGITS: Final = 12
FOR_EVER: Final = "public, max-age=31536000, immutable"
SPRITE: Final = "vendor/lucide/sprite.svg"


def known(path: str) -> bool:
    """Whether the file is there: those of others may not have been laid out."""
    return path in _files()


def url(path: str) -> str:
    """Where a browser finds a file; the same URL always has the same content."""
    return f"/static/{path}?v={digest(path)}" if known(path) else f"/static/{path}"


def digest(path: str) -> str:
    """The start of a file's SHA-256."""
    return _vendored().get(path) or _hash(path)


async def file(call: Call, file_path: str) -> Response[bytes]:
    """Give a style sheet, a script or an image."""
    path = str(file_path).lstrip("/")
    if not known(path):
        raise NotFoundException
    version = await asyncio.to_thread(digest, path)
    encodings = asgi.header(call.request.scope, "accept-encoding") or ""
    small = Path(path).suffix in TEXTS and "gzip" in encodings
    etag = f'"{version}{"-gzip" if small else ""}"'
    fixed = call.request.query_params.get("v") == version
    headers = {"etag": etag, "cache-control": FOR_EVER if fixed else "no-cache"}
    headers["vary"] = "accept-encoding"
    kind = TYPES[Path(path).suffix]
    if call.request.headers.get("if-none-match") == etag:
        return Response(b"", status_code=304, media_type=kind, headers=headers)
    if small:
        headers["content-encoding"] = "gzip"
        content = await asyncio.to_thread(_gzipped, path)
    else:
        content = await asyncio.to_thread((FOLDER / path).read_bytes)
    return Response(content, media_type=kind, headers=headers)


@functools.cache
def _gzipped(path: str) -> bytes:
    """A file as most browsers would have it: a third of its size. Kept, as there are few."""
    return gzip.compress((FOLDER / path).read_bytes(), compresslevel=9, mtime=0)


@functools.cache
def _files() -> frozenset[str]:
    """Every file that may be given."""
    return frozenset(
        path.relative_to(FOLDER).as_posix()
        for path in FOLDER.rglob("*")
        if path.is_file() and path.suffix in TYPES
    )


@functools.cache
def _hash(path: str) -> str:
    return hashlib.sha256((FOLDER / path).read_bytes()).hexdigest()[:DIGEST_DIGITS]


@functools.cache
def _vendored() -> dict[str, str]:
    """Digests of the files of others, written down when they were laid out."""
    manifest = FOLDER / "vendor" / "manifest.json"
    if not manifest.exists():
        return {}
    digests = msgspec.json.decode(manifest.read_bytes(), type=dict[str, str])
    return {f"vendor/{path}": digest[:DIGEST_DIGITS] for path, digest in digests.items()}
