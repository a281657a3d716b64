"""Where the warehouse lies, and the bounds within which it is used."""

from pathlib import Path

import msgspec

GLOB_CHARACTERS = frozenset("*?[")
POSTGRES = "postgres:"
S3 = "s3://"


class S3Access(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach the bucket; `endpoint` is host:port, empty for the provider's own."""

    key: str
    secret: str
    endpoint: str = ""
    region: str = "us-east-1"
    url_style: str = "vhost"  # or "path"
    use_ssl: bool = True


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`catalog` is the path of a SQLite file or `postgres:<libpq string>`; paths are absolute.

    `data` is a folder or an s3:// address. A load that takes longer than `orphan_age_s` could lose
    its staged files to maintenance, so that must stay above every load's deadline.
    """

    catalog: str
    data: str
    temp_directory: str
    s3: S3Access | None = None
    threads: int = 2
    memory_bytes_max: int = 2 * 1024**3
    temp_bytes_max: int = 32 * 1024**3
    busy_timeout_ms: int = 5_000
    commit_attempts_max: int = 12
    commit_retry_s: float = 0.05  # before the second attempt; doubles up to commit_retry_s_max
    commit_retry_s_max: float = 2.0
    load_deadline_s: float = 4 * 3600.0
    maintain_deadline_s: float = 3600.0
    reader_grace_s: float = 3600.0  # a file that was replaced is kept so long for running readers
    orphan_age_s: float = 24 * 3600.0
    merge_files_max: int = 200  # per table and upkeep; bounds the time under the write lease

    def __post_init__(self) -> None:
        """Refuse what DuckLake would take and then misread."""
        if not self.data.startswith(S3):
            if GLOB_CHARACTERS & set(self.data):
                # DuckLake lists files by pattern, so it would not see its own folder.
                raise ValueError(f"The data path must not contain * ? or [: {self.data}")
            if not Path(self.data).is_absolute():
                raise ValueError(f"The data path must be absolute: {self.data}")

    @property
    def embedded(self) -> bool:
        """True for a SQLite catalogue, which takes one committing writer at a time."""
        return not self.catalog.startswith(POSTGRES)

    @property
    def remote(self) -> bool:
        """True when workers need the network to reach catalogue or data."""
        return not self.embedded or self.data.startswith(S3)
