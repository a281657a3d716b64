"""Type `filesystem`: files of a bucket, which are read as files of a directory are.

What changed is told by size and ETag. Objects that did are copied into the worker's folder; of the
others only the names are needed.
"""

import hashlib
import os
import re
import tempfile
from fnmatch import translate
from pathlib import Path
from typing import Final

import duckdb

from commands import ports
from domain.datasets import Column
from domain.source_types.files import BUCKET, FilesystemBlock
from infra.loading import showing, state, told
from infra.loading.files import Files
from infra.loading.find import Found
from infra.loading.settings import LoadSettings
from infra.loading.staged import Staged
from infra.loading.web import s3
from infra.loading.web.session import Session
from infra.warehouse import temporary
from infra.workers.desk import Desk

REGION: Final = "us-east-1"
# An object's ETag takes the place of a file's time of change: a number of nanoseconds that a file
# system can hold.
_MTIME_NS_MAX: Final = 2**33 * 10**9


def stage(
    connection: duckdb.DuckDBPyConnection, load: ports.Load, settings: LoadSettings, desk: Desk
) -> Staged:
    """Stage what changed in the bucket."""
    block = told.block(load, FilesystemBlock)
    bucket, prefix = opened(block)
    objects = matching(bucket, prefix, block.file_glob, settings.files_max)
    files = Files(connection, load, settings, desk, block=block)
    before = state.read(connection, load.source)
    known = {} if files.anew(before) else {file.path: file for file in before.files}
    own = temporary.own_folder(settings.warehouse)
    with tempfile.TemporaryDirectory(prefix="bucket-", dir=own) as folder:
        found = []
        for number, (name, one) in enumerate(objects):
            path, mtime_ns = Path(folder) / f"{number:08d}", _mtime_ns(one.etag)
            had = known.get(name)
            if had is None or (had.size_bytes, had.mtime_ns) != (one.size_bytes, mtime_ns):
                _fetch(bucket, one, path, desk)
                os.utime(path, ns=(mtime_ns, mtime_ns))
            found.append(
                Found(path=str(path), name=name, size_bytes=one.size_bytes, mtime_ns=mtime_ns)
            )
        return files.stage(found)


def sample(
    connection: duckdb.DuckDBPyConnection,  # noqa: ARG001 - as all samples are called
    load: ports.Load,
    settings: LoadSettings,
    desk: Desk,  # noqa: ARG001
) -> ports.Sample:
    """Show which objects would be read."""
    block = told.block(load, FilesystemBlock)
    bucket, prefix = opened(block)
    objects = matching(bucket, prefix, block.file_glob, settings.files_max)
    rows = [(name, str(one.size_bytes)) for name, one in objects[: showing.ROWS_SHOWN]]
    columns = (Column(name="file", type="VARCHAR"), Column(name="size_bytes", type="BIGINT"))
    return showing.as_sample(columns, rows, [showing.matching(len(objects))])


def opened(block: FilesystemBlock) -> tuple[s3.Bucket, str]:
    """The bucket, and the folder in it."""
    found = BUCKET.fullmatch(block.bucket_url)
    if found is None:
        raise ports.WorkRefused("bucket_url must be an address like s3://bucket/folder.")
    name, folder = found[1], (found[2] or "").strip("/")
    region = block.region or REGION
    if block.endpoint is None:
        address = f"https://{name}.s3.{region}.amazonaws.com"
    else:
        address = f"{block.endpoint.rstrip('/')}/{name}"
    session = Session(address, allow_private=block.allow_private_hosts)
    if block.aws_access_key_id is not None:
        key_id, secret = block.aws_access_key_id, block.aws_secret_access_key or ""
        session.credentials = s3.Signature(key_id, secret, region)
    return s3.Bucket(session, address), f"{folder}/" if folder else ""


def matching(
    bucket: s3.Bucket, prefix: str, pattern: str, files_max: int
) -> list[tuple[str, s3.Object]]:
    """List the objects below a folder that match, by their names in it."""
    wanted = re.compile(_pattern(pattern))
    found: list[tuple[str, s3.Object]] = []
    for one in bucket.objects(prefix):
        name = one.key.removeprefix(prefix)
        if not name.isprintable() or name.endswith("/") or not wanted.fullmatch(name):
            continue
        found.append((name, one))
        if len(found) > files_max:
            raise ports.WorkRefused(f"More than {files_max} files match '{pattern}'.")
    return sorted(found, key=lambda pair: pair[0])


def _pattern(pattern: str) -> str:
    """A pattern of names; `**/` stands for any folders, `*` for no slash."""
    parts = []
    for part in pattern.split("/"):
        if part == "**":
            parts.append("(?:[^/]+/)*")
        else:
            plain = translate(part).removeprefix("(?s:").removesuffix(r")\Z")
            parts.append(plain.replace(".*", "[^/]*") + "/")
    return "".join(parts).removesuffix("/")


def _fetch(bucket: s3.Bucket, one: s3.Object, path: Path, desk: Desk) -> None:
    def show(done: int) -> None:
        here = ports.Progress(phase="fetching", done=done, total=one.size_bytes, unit="bytes")
        desk.progress(here)

    bucket.fetch(one, path, show)


def _mtime_ns(etag: str) -> int:
    return int.from_bytes(hashlib.sha256(etag.encode()).digest()[:8]) % _MTIME_NS_MAX
