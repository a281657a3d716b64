"""What all loads of files share: readers by format, blocks by type, how rows are written."""

import contextlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from commands import ports
from domain.source_types.files import CsvBlock, FilesBlock, Format, LocalFilesBlock
from infra.loading import csv_files, excel_files, json_files, parquet_files
from infra.loading.portion import Reader
from infra.loading.settings import LoadSettings
from infra.warehouse import temporary

NO_FILE: Final = "No file matches the source's pattern"
NO_ROWS: Final = "The files hold no rows"
READERS: Final[dict[Format, Reader]] = {
    "csv": csv_files.read,
    "tsv": partial(csv_files.read, delimiter="\t"),
    "json": json_files.read,
    "ndjson": json_files.read,
    "parquet": parquet_files.read,
    "excel": excel_files.read,
}
BLOCKS: Final = {"csv": CsvBlock, "local_files": LocalFilesBlock}
NOT_PLAIN: Final = re.compile(r"[^a-z0-9_]+")
TABLE_CHARS_MAX: Final = 63
LINES: Final = ("csv", "tsv", "ndjson")
SAMPLE_BYTES_MAX: Final = 4 * 1024**2  # of a long file, to show its first rows
CHECKED_BYTES_MAX: Final = 64 * 1024**2  # of a long file, to tell whether it can be read


def writing(block: FilesBlock) -> tuple[str, tuple[str, ...]]:
    """Give how rows are written, and by which key. Raises WorkRefused."""
    what, how, keys = block.needs_key, block.writes, block.primary_key
    if what is not None and not keys:
        raise ports.WorkRefused(f"'{what}' needs a primary_key.")
    return how, keys if what is not None or how == "merge" else ()


def table_name(text: str) -> str:
    """Give a plain name of a table for the name of a file or folder."""
    plain = NOT_PLAIN.sub("_", text.lower()).strip("_")[:TABLE_CHARS_MAX]
    return plain if plain and not plain[0].isdigit() else f"t_{plain}"


@contextmanager
def staging_folder(settings: LoadSettings) -> Iterator[None]:
    """Work in a folder of safe names: the engine takes * ? [ in any path for a pattern."""
    own = temporary.own_folder(settings.warehouse)
    stage = tempfile.TemporaryDirectory(prefix="stage-", dir=own)
    with stage as folder, contextlib.chdir(folder):
        yield
