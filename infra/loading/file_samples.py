"""The first rows of a source of files, and a look into a file that is to become one of them."""

import gzip
import os
import zlib
from pathlib import Path

import duckdb
import msgspec

from commands import ports
from domain.source_types.files import Format
from infra.loading import formats, prepare, showing
from infra.loading.file_sources import (
    BLOCKS,
    CHECKED_BYTES_MAX,
    LINES,
    NO_FILE,
    READERS,
    SAMPLE_BYTES_MAX,
    staging_folder,
    writing,
)
from infra.loading.find import Found, find, identity
from infra.loading.portion import Portion, Task
from infra.loading.settings import LoadSettings
from infra.loading.staged import read_sql
from infra.warehouse.quoting import identifier
from infra.workers.desk import Desk


def sample(
    connection: duckdb.DuckDBPyConnection,
    load: ports.Load,
    settings: LoadSettings,
    desk: Desk,
) -> ports.Sample:
    """Show the first rows of the first file; nothing is written that stays."""
    block = msgspec.convert(load.options, BLOCKS[load.type])
    writing(block)
    directory = str(Path(load.root) / block.directory)
    found = find(directory, block.file_pattern, settings.files_max, root=load.root)
    if not found:
        raise ports.WorkRefused(f"{NO_FILE}.")
    with staging_folder(settings):
        kind = formats.detect(found[0], block.format)
        one = found[0]
        if kind in LINES and len(begin := _begin(one, SAMPLE_BYTES_MAX)) == SAMPLE_BYTES_MAX:
            one = _lines(one, begin)
        portion = _read(_task(connection, load, settings, desk), one, kind)
        names = ", ".join(identifier(column.name) for column in portion.columns)
        select = f"SELECT {names} FROM {read_sql(portion.paths)}"  # noqa: S608 - quoted
        notes = (showing.matching(len(found)), f"These rows are from {one.name}.")
        return showing.first_rows(connection, select, notes)


def check(
    connection: duckdb.DuckDBPyConnection,
    wanted: ports.Check,
    settings: LoadSettings,
    desk: Desk,
) -> None:
    """Read a file as a load would, of a long one the beginning. Raises WorkRefused."""
    status = Path(wanted.path).stat()
    found = Found(
        path=wanted.path,
        name=wanted.name,
        size_bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
    )
    with staging_folder(settings):
        task = _task(connection, wanted.load, settings, desk)
        kind = formats.detect(found, task.block.format)
        if kind == "parquet":
            _look(connection, found)
        elif kind in formats.BINARY:
            _read(task, found, kind)
        else:
            begin = _begin(found, CHECKED_BYTES_MAX)
            if len(begin) < CHECKED_BYTES_MAX:
                _read(task, found, kind)
            elif kind in LINES:  # a part of a JSON document is none
                _read(task, _lines(found, begin), kind)


def _task(
    connection: duckdb.DuckDBPyConnection, load: ports.Load, settings: LoadSettings, desk: Desk
) -> Task:
    return Task(
        connection=connection,
        load=load,
        settings=settings,
        desk=desk,
        block=msgspec.convert(load.options, BLOCKS[load.type]),
        table=load.table,
        folder=str(Path.cwd()),
    )


def _read(task: Task, one: Found, kind: Format) -> Portion:
    """Read one file into the current folder. Raises WorkRefused."""
    bound = task.settings.unpacked_bytes_max
    prepared = (
        prepare.hashed(one, 0, _ignore)
        if kind in formats.BINARY
        else prepare.prepare(one, 0, bound, _ignore)
    )
    prepared.format, prepared.table = kind, task.table
    portion = READERS[kind](task, [prepared])
    for refusal in portion.refused.values():
        raise refusal
    return portion


def _look(connection: duckdb.DuckDBPyConnection, found: Found) -> None:
    """Read what a Parquet file says of itself at its end, and the first of its rows."""
    os.symlink(found.path, "look")  # noqa: PTH211 - relative to the staging folder
    try:
        connection.execute("SELECT * FROM read_parquet('look') LIMIT 1").fetchall()
    except duckdb.OutOfMemoryException:
        raise
    except (duckdb.Error, UnicodeDecodeError):
        reason = f"{found.name} is a damaged Parquet file."
        raise ports.WorkRefused(reason, file=found.name) from None


def _begin(found: Found, bytes_max: int) -> bytes:
    """What a file of text begins with, unpacked. Raises WorkRefused."""
    with Path(found.path).open("rb") as file:
        begin = file.read(bytes_max)
    if not begin.startswith(prepare.GZIP_MAGIC):
        return begin
    try:
        with gzip.open(found.path) as packed:
            return packed.read(bytes_max)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        reason = f"{found.name} is a broken gzip file."
        raise ports.WorkRefused(reason, file=found.name) from None


def _lines(found: Found, begin: bytes) -> Found:
    """The whole lines of what a file begins with, as a file in the current folder."""
    if b"\n" not in begin:
        return found
    path = Path.cwd() / "head"
    path.write_bytes(begin[: begin.rindex(b"\n") + 1])
    status = path.stat()
    return msgspec.structs.replace(
        found,
        path=str(path),
        size_bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
        identity=identity(status),
    )


def _ignore(_: int) -> None:
    """Nobody watches a sample."""
