"""project.yml: how the platform runs. Keys of the existing product are taken; unknown ones pass."""

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec

from infra.configuration import project_rules
from infra.configuration.documents import Document
from infra.warehouse.settings import S3Access

WATCHED: Final = (
    "*.csv",
    "*.tsv",
    "*.json",
    "*.jsonl",
    "*.ndjson",
    "*.parquet",
    "*.xlsx",
    "*.gz",
)


_WITH_SECRETS: Final = frozenset(
    {"auth", "backups", "oauth", "storage", "notifications"}
)  # blocks that may say `${NAME}`
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class ProjectBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`project:`, what it is about."""

    name: str = "dango"
    id: str | None = None
    organization: str | None = None


class PlatformBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`platform:`, where it listens."""

    host: str = "127.0.0.1"
    port: int = 8800
    metabase_port: int = 3000
    auto_sync: bool = True
    auto_dbt: bool = True  # build what comes from a source that was synced
    debounce_seconds: float = 600.0
    watch_patterns: tuple[str, ...] = WATCHED
    watch_directories: tuple[str, ...] = ("data/uploads",)
    watched_folders_max: int = 4_096  # when there are more, the largest sources are looked at
    public_url: str | None = None
    dbt_docs_url: str | None = None
    dbt_project_dir: str = "dbt"  # inside of the project
    dbt_coalesce_seconds: float = 2.0  # how long that waits for more sources
    spare_workers: bool = True  # keep workers ready for what comes next
    trusted_proxies: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()


class OAuthClient(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`auth.oauth.google:` or `.github:`, what we are to that provider."""

    client_id: str
    client_secret: str  # as `${NAME}`, from the environment
    base_url: str | None = None  # for a double in tests: stands for the provider, on loopback alone


class OAuthBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`auth.oauth:`, where people may have an account that they log in with."""

    google: OAuthClient | None = None
    github: OAuthClient | None = None


class GrantsBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`oauth:`, providers that let us read for sources."""

    google: OAuthClient | None = None
    facebook: OAuthClient | None = None
    shopify: OAuthClient | None = None
    hubspot: OAuthClient | None = None
    salesforce: OAuthClient | None = None


class AuthBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`auth:`, who gets in. Times as the existing product names them."""

    enabled: bool = True
    anonymous_reads: bool | str = "auto"
    idle_timeout_minutes: int = 720
    session_max_days: int = 7
    require_2fa: bool = False
    oauth: OAuthBlock = OAuthBlock()
    failed_logins_per_network_max: int = 10
    failed_logins_max: int = 30


class ApiBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`api:`, bounds of requests."""

    query_max_rows: int = 10_000
    query_timeout_seconds: float = 30.0
    queries_per_user_max: int = 2
    body_bytes_max: int = 1024 * 1024
    requests_per_address_max: int = 3_000
    requests_per_account_max: int = 60_000
    requests_max: int = 120_000


class UploadBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`upload:`, files that people hand in."""

    max_bytes: int = 5 * 1024**3


class WarehouseBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`storage.warehouse:`; None is the embedded one."""

    catalog: str | None = None
    data: str | None = None
    s3: S3Access | None = None
    retention_days: float = 30.0
    memory_bytes_max: int = 2 * 1024**3


class SyncBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`sync:`, how sources are synced."""

    max_parallel: int = 2  # runs that read at the same time; commits take their turns
    timeout_minutes: float = 240.0  # after so long a run is ended; nothing of it is published


class StorageBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`storage:`, where log and warehouse lie; `events` is None for the log in its own file."""

    events: str | None = None
    events_schema: str = "dango"
    warehouse: WarehouseBlock = WarehouseBlock()


class Security(StrEnum):
    """How the way to a mail server is sealed."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class SmtpBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`notifications.smtp:`, the mail server that takes what we send."""

    host: str
    port: int = 587
    security: Security = Security.STARTTLS  # tls: from the first byte, as on port 465
    sender: str = msgspec.field(name="from")  # the address that mails come from
    username: str | None = None  # None: it asks for no login
    password: str | None = None  # as `${NAME}`, from the environment


class NotificationsBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`notifications:`, how people are told something."""

    smtp: SmtpBlock | None = None
    allow_private_hosts: bool = False  # webhooks may lie in this server's own network


class BackupsBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`backups:`, where to, and when by themselves."""

    to: str | None = None  # a folder, from the project's, or s3://bucket/folder
    every: str | None = None  # a cron line, or @daily; None: only when somebody asks
    timezone: str = "UTC"
    keep: int = 7  # the newest of this project; older ones are removed
    key_file: str | None = None  # of 64 hex digits, mode 0600; or DANGO_BACKUP_KEY
    s3: S3Access | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All of project.yml."""

    project: ProjectBlock = ProjectBlock()
    platform: PlatformBlock = PlatformBlock()
    auth: AuthBlock = AuthBlock()
    api: ApiBlock = ApiBlock()
    upload: UploadBlock = UploadBlock()
    storage: StorageBlock = StorageBlock()
    sync: SyncBlock = SyncBlock()
    notifications: NotificationsBlock = NotificationsBlock()
    backups: BackupsBlock = BackupsBlock()
    oauth: GrantsBlock = GrantsBlock()


class _AuthFile(msgspec.Struct, frozen=True, kw_only=True):
    """auth.yml of the existing product: it can only switch authentication off, as project.yml."""

    enabled: bool = True


def read(folder: Path) -> Settings:
    """Read `.dango/project.yml`. Raises Unreadable: a server does not start on half of it."""
    document = Document(folder / "project.yml")
    if isinstance(document.value, dict):
        for block in _WITH_SECRETS & document.value.keys():
            document.value[block] = _expanded(document, document.value[block], f".{block}")
    settings = document.convert(Settings)
    project_rules.check(document, settings)
    extra = Document(folder / "auth.yml").convert(_AuthFile)
    if not extra.enabled:
        auth = msgspec.structs.replace(settings.auth, enabled=False)
        settings = msgspec.structs.replace(settings, auth=auth)
    return settings


def read_storage(folder: Path) -> Settings:
    """Read where log and warehouse lie, and nothing else, of `.dango/project.yml`.

    What the rest of it needs may be missing yet on this machine. Raises Unreadable.
    """
    document = Document(folder / "project.yml")
    if isinstance(document.value, dict):
        said = {name: value for name, value in document.value.items() if name == "storage"}
        document.value = _expanded(document, said, "")
    settings = document.convert(Settings)
    project_rules.log_place(document, settings.storage)
    return settings


def _expanded(document: Document, value: Any, path: str) -> Any:
    """`${NAME}` in strings becomes the environment's value: secrets need not stand in the file."""
    if isinstance(value, dict):
        return {k: _expanded(document, v, f"{path}.{k}") for k, v in value.items()}
    if not isinstance(value, str):
        return value
    for name in _VARIABLE.findall(value):
        if name not in os.environ:
            raise document.refused(path, f"the environment has no {name}")
    return _VARIABLE.sub(lambda found: os.environ[found[1]], value)
