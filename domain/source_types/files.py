"""Sources of files that lie below the project."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from domain.source_types.block import Block


class CsvBlock(Block, frozen=True, kw_only=True):
    """Files below a directory of the project."""

    directory: str
    file_pattern: str = "*.csv"
    null_values: tuple[str, ...] = ("",)  # spellings of a missing value, e.g. "", NA
    notes: str | None = None

    def faults(self) -> Iterator[tuple[str, str]]:
        """As the block says."""
        parts = PurePosixPath(self.directory).parts
        if not parts or parts[0] == "/" or ".." in parts or "\0" in self.directory:
            yield ".directory", "must lie inside the project, as a relative path"
        if not self.file_pattern or "/" in self.file_pattern or "\0" in self.file_pattern:
            yield ".file_pattern", "must be a pattern of file names, like *.csv"
