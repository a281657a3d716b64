"""What sources of files take: where the files lie, how they are read, what their rows become."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Final, Literal

import msgspec

from domain.source_types.block import Block
from domain.source_types.rest import url_faults

Format = Literal["auto", "csv", "tsv", "json", "ndjson", "parquet", "excel"]
Write = Literal["merge", "append", "replace"]
Deduplication = Literal["none", "latest_only", "append_only", "scd_type2"]

# Folders of the project that are no inputs: tables, programs that are run, copies of everything.
PLATFORM: Final = frozenset({"warehouse", "scripts", "notebooks", "backups"})
OUTSIDE: Final = (
    "must lie inside the project, as a relative path, and neither in a hidden folder nor in one of"
    f" the platform's ({', '.join(sorted(PLATFORM))})"
)
_WRITES: Final = {"latest_only": "merge", "append_only": "append", "scd_type2": "scd2"}
REJECT_RATIO_MAX: Final = 0.01
BUCKET: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")


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

    @property
    def writes(self) -> str:
        """What becomes of the rows that are there: replace, append, merge, or scd2."""
        if self.deduplication != "none":
            return _WRITES[self.deduplication]
        return self.write or ("merge" if self.primary_key else "replace")

    @property
    def needs_key(self) -> str | None:
        """What of it cannot be done without a primary key."""
        if self.deduplication != "none":
            return f"deduplication: {self.deduplication}"
        return "write: merge" if self.write == "merge" else None


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
        if not of_people(self.path):
            yield ".path", OUTSIDE


class FilesystemBlock(FilesBlock, frozen=True, kw_only=True):
    """`filesystem`: files of a bucket that speaks S3, by an address like s3://bucket/folder."""

    bucket_url: str
    file_glob: str = "*"
    tables: Literal["one", "by_folder", "by_name"] = "one"
    endpoint: str | None = None  # https://host:port of an S3 server that is not Amazon's
    allow_private_hosts: bool = False  # let it lie in the server's own network
    region: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: Annotated[
        str | None,
        msgspec.Meta(extra={"secret": True}, extra_json_schema={"format": "password"}),
    ] = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """As the block says."""
        if not BUCKET.fullmatch(self.bucket_url):
            yield ".bucket_url", "must be an address like s3://bucket/folder"
        if not self.file_glob or self.file_glob.startswith("/"):
            yield ".file_glob", "must be a pattern of files below the folder, like **/*.csv"
        if self.endpoint is not None:
            yield from url_faults(".endpoint", self.endpoint)
        if (self.aws_access_key_id is None) != (self.aws_secret_access_key is None):
            yield ".aws_secret_access_key", "goes with aws_access_key_id, and with it alone"


def folder_faults(
    directory: str, file_pattern: str, *, deep: bool = False
) -> Iterator[tuple[str, str]]:
    """What keeps a directory from lying inside the project, and a pattern from naming files."""
    if not of_people(directory):
        yield ".directory", OUTSIDE
    if deep and not inside(file_pattern):
        yield ".file_pattern", "must be a pattern of files below the directory, like **/*"
    if not deep and (not file_pattern or "/" in file_pattern or "\0" in file_pattern):
        yield ".file_pattern", "must be a pattern of file names, like *.csv"


def inside(path: str) -> bool:
    """Tell whether a path stays below the folder that it is taken from."""
    parts = PurePosixPath(path).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts and "\0" not in path


def of_people(path: str) -> bool:
    """Tell whether a path of the project is inside of it, and of none of the platform's folders.

    Who may write a source may read the files that it names, add to them, and delete them: the log,
    the vault, the keys, the tables of others, what is run and backups must not be among those. They
    lie in hidden folders, which can be other programs' too, and in the platform's own.
    """
    parts = PurePosixPath(path).parts
    return (
        inside(path)
        and parts[0].casefold() not in PLATFORM
        and not any(part.startswith(".") for part in parts)
    )
