"""What sources of files take: where the files lie, how they are read, what their rows become."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Final, Literal

import msgspec

from domain.source_types.block import Block

Format = Literal["auto", "csv", "tsv", "json", "ndjson", "parquet", "excel"]
Write = Literal["merge", "append", "replace"]
Deduplication = Literal["none", "latest_only", "append_only", "scd_type2"]

REJECT_RATIO_MAX: Final = 0.01


class FilesBlock(Block, frozen=True, kw_only=True):
    """What every source of files takes.

    `write` is what the tables hold: `replace` what the files hold now, `append` what they ever
    held, `merge` the newest row of each `primary_key`, which is the default when there is one.
    `deduplication` goes before it: `latest_only` is merge, `append_only` keeps the first row of
    each key, `scd_type2` every version of it.
    """

    format: Format = "auto"  # by content, then by the ending of the name
    null_values: tuple[str, ...] = ("",)  # spellings of a missing value, e.g. "", NA
    primary_key: tuple[str, ...] = ()
    write: Write | None = None
    deduplication: Deduplication = "none"
    max_reject_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] = REJECT_RATIO_MAX  # of a file
    sheet: str | None = None  # of workbooks; the first one
    notes: str | None = None


class CsvBlock(FilesBlock, frozen=True, kw_only=True):
    """`csv`: files below a directory of the project, as one table."""

    directory: str
    file_pattern: str = "*.csv"

    def faults(self) -> Iterator[tuple[str, str]]:
        """As the block says."""
        yield from folder_faults(self.directory, self.file_pattern)


class LocalFilesBlock(FilesBlock, frozen=True, kw_only=True):
    """`local_files`: a directory of the project, with files of any format."""

    directory: str
    file_pattern: str = "*"
    tables: Literal["one", "by_folder", "by_name"] = "one"

    def faults(self) -> Iterator[tuple[str, str]]:
        """As the block says."""
        yield from folder_faults(self.directory, self.file_pattern, deep=True)


class DuckDBFileBlock(Block, frozen=True, kw_only=True):
    """`duckdb`: a database file of the project; each of its tables becomes one."""

    path: str
    schema: str = "main"
    tables: tuple[str, ...] = ()  # all of the schema when empty
    notes: str | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """As the block says."""
        if not inside(self.path):
            yield ".path", "must lie inside the project, as a relative path"


class FilesystemBlock(FilesBlock, frozen=True, kw_only=True):
    """`filesystem`: files of a bucket, or of a folder by a file:// address."""

    bucket_url: str
    file_glob: str = "*"
    tables: Literal["one", "by_folder", "by_name"] = "one"
    endpoint: str | None = None  # host:port of an S3 server that is not Amazon's
    region: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: Annotated[
        str | None,
        msgspec.Meta(extra={"secret": True}, extra_json_schema={"format": "password"}),
    ] = None


def folder_faults(
    directory: str, file_pattern: str, *, deep: bool = False
) -> Iterator[tuple[str, str]]:
    """What keeps a directory from lying inside the project, and a pattern from naming files."""
    if not inside(directory):
        yield ".directory", "must lie inside the project, as a relative path"
    if deep and not inside(file_pattern):
        yield ".file_pattern", "must be a pattern of files below the directory, like **/*"
    if not deep and (not file_pattern or "/" in file_pattern or "\0" in file_pattern):
        yield ".file_pattern", "must be a pattern of file names, like *.csv"


def inside(path: str) -> bool:
    """Tell whether a path stays below the folder that it is taken from."""
    parts = PurePosixPath(path).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts and "\0" not in path
