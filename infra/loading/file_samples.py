"""The first rows of a source of files."""

from pathlib import Path

import duckdb
import msgspec

from commands import ports
from infra.loading import formats, prepare, showing
from infra.loading.file_sources import (
    BLOCKS,
    LINES,
    NO_FILE,
    READERS,
    SAMPLE_BYTES,
    staging_folder,
    writing,
)
from infra.loading.find import Found, find
from infra.loading.portion import Task
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
    found = find(str(Path(load.root) / block.directory), block.file_pattern, settings.files_max)
    if not found:
        raise ports.WorkRefused(f"{NO_FILE}.")
    with staging_folder(settings):
        kind = formats.detect(found[0], block.format)
        one = _head(found[0]) if kind in LINES else found[0]
        task = Task(
            connection=connection,
            load=load,
            settings=settings,
            desk=desk,
            block=block,
            table=load.table,
            folder=str(Path.cwd()),
        )
        bound = settings.unpacked_bytes_max
        prepared = (
            prepare.hashed(one, 0, _ignore)
            if kind in formats.BINARY
            else prepare.prepare(one, 0, bound, _ignore)
        )
        portion = READERS[kind](task, [prepared])
        for refusal in portion.refused.values():
            raise refusal
        names = ", ".join(identifier(column.name) for column in portion.columns)
        select = f"SELECT {names} FROM {read_sql(portion.paths)}"  # noqa: S608 - quoted
        notes = (f"{len(found)} files match.", f"These rows are from {one.name}.")
        return showing.first_rows(connection, select, notes)


def _head(found: Found) -> Found:
    """The first lines of a long file of lines, as a file in the current folder."""
    with Path(found.path).open("rb") as file:
        head = file.read(SAMPLE_BYTES)
    if len(head) < SAMPLE_BYTES or head.startswith(prepare.GZIP_MAGIC) or b"\n" not in head:
        return found
    path = Path.cwd() / "head"
    path.write_bytes(head[: head.rindex(b"\n") + 1])
    status = path.stat()
    return msgspec.structs.replace(
        found, path=str(path), size_bytes=status.st_size, mtime_ns=status.st_mtime_ns
    )


def _ignore(_: int) -> None:
    """Nobody watches a sample."""
