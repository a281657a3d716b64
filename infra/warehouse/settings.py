"""Where the warehouse lies, and the bounds within which it is used."""

import os
import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import msgspec

from domain.datasets import BOOKKEEPING

GLOB_CHARACTERS = frozenset("*?[")
POSTGRES = "postgres:"
S3 = "s3://"
OWN = BOOKKEEPING  # nobody can query it
SHARED_PARTS_MIN = 3  # of a folder that all paths share: / and /srv alone say nothing
# Keys of a libpq string whose values are no secrets.
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
PLAIN_KEYS = frozenset(
    {
        "application_name",
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "dbname",
        "gssencmode",
        "host",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "load_balance_hosts",
        "port",
        "require_auth",
        "service",
        "sslmode",
        "sslnegotiation",
        "target_session_attrs",
        "tcp_user_timeout",
        "user",
    }
)
URL = re.compile(r"\w+://(?:(?P<login>[^@/]*)@)?[^?]*(?:\?(?P<query>.*))?", re.DOTALL)
PAIR = re.compile(r"(?:(\w+)\s*=\s*)?('(?:\\.|[^'\\])*'?|(?:\\.|[^\s\\])+)", re.DOTALL)


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
    loads_max: int = 2  # at the same time
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

    def secrets(self) -> tuple[str, ...]:
        """Give what neither an answer nor a log may hold: passwords, keys, a whole libpq string."""
        found = [] if self.s3 is None else [self.s3.key, self.s3.secret]
        if not self.embedded:
            connection = self.catalog.removeprefix(POSTGRES)
            found += [self.catalog, connection, *secrets_of(connection)]
        return tuple(secret for secret in found if secret)

    def places(self) -> tuple[str, ...]:
        """Give the paths that an engine's message may begin a path with."""
        local = [self.temp_directory]
        found = [self.temp_directory, self.data]
        if self.embedded:
            local.append(self.catalog)
            found.append(self.catalog)
        if not self.data.startswith(S3):
            local.append(self.data)
        elif self.s3 is not None and self.s3.endpoint:
            found += [f"http://{self.s3.endpoint}", f"https://{self.s3.endpoint}"]
        shared = os.path.commonpath([Path(path).absolute() for path in local])
        if len(local) > 1 and len(Path(shared).parts) >= SHARED_PARTS_MIN:
            found.append(shared)  # the project, as a rule
        return tuple(found)


def secrets_of(connection: str) -> Iterator[str]:
    """Find the secret values of a libpq string in either form, raw and decoded."""
    if (url := URL.fullmatch(connection)) is not None:
        password = (url["login"] or "").partition(":")[2]
        yield from (password, urllib.parse.unquote(password))
        for pair in (url["query"] or "").split("&"):
            key, _, value = pair.partition("=")
            if key not in PLAIN_KEYS:
                yield from (value, urllib.parse.unquote(value))
        return
    for key, value in PAIR.findall(connection):
        if key not in PLAIN_KEYS:  # a word without a key is a piece of a value that lacks quotes
            yield from (value, re.sub(r"\\(.)", r"\1", value.strip("'")))
