"""project.yml: how the platform runs. Keys of the existing product are taken; unknown ones pass."""

import ipaddress
import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec

from domain import emails
from infra.configuration.documents import Document
from infra.warehouse.settings import S3Access

PARALLEL_MAX: Final = 32
TIMEOUT_MINUTES_MAX: Final = 20 * 60.0  # maintenance takes staged files of a day ago for orphans
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
    auto_dbt: bool = True
    debounce_seconds: float = 600.0
    watch_patterns: tuple[str, ...] = WATCHED
    watch_directories: tuple[str, ...] = ("data/uploads",)
    public_url: str | None = None
    dbt_docs_url: str | None = None
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
    _log_place(document, settings.storage)
    _mail(document, settings.notifications.smtp)
    _oauth(document, settings.auth.oauth)
    if str(settings.auth.anonymous_reads).lower() not in _READS:
        reason = f"must be one of {', '.join(sorted(_READS))}"
        raise document.refused(".auth.anonymous_reads", reason)
    _bounds(document, settings)
    _folders(document, settings.platform.watch_directories)
    _proxies(document, settings.platform.trusted_proxies)
    _names(document, settings.platform)
    extra = Document(folder / "auth.yml").convert(_AuthFile)
    if not extra.enabled:
        auth = msgspec.structs.replace(settings.auth, enabled=False)
        settings = msgspec.structs.replace(settings, auth=auth)
    return settings


def _log_place(document: Document, storage: StorageBlock) -> None:
    """The URL's text may hold a password, so that no reason repeats it."""
    if storage.events is not None and not _POSTGRES.match(storage.events):
        reason = "must be postgresql://user@host/database, without a #; or leave it out"
        raise document.refused(".storage.events", reason)
    if not _SCHEMA.fullmatch(storage.events_schema):
        reason = "must be up to 50 lower-case letters, digits and _, a letter first"
        raise document.refused(".storage.events_schema", reason)


def _mail(document: Document, smtp: SmtpBlock | None) -> None:
    """A password must not cross a network in the clear, nor an address break a header."""
    if smtp is None:
        return
    try:
        emails.parse(smtp.sender)
    except emails.EmailInvalid:
        reason = "must be an e-mail address"
        raise document.refused(".notifications.smtp.from", reason) from None
    if not 0 < smtp.port < 1 << 16:
        raise document.refused(".notifications.smtp.port", "is out of its range")
    if (smtp.username is None) != (smtp.password is None):
        reason = "username and password come together, or not at all"
        raise document.refused(".notifications.smtp", reason)
    if smtp.password and smtp.security is Security.NONE and smtp.host not in _LOOPBACK:
        reason = "may be none with a password on this machine alone"
        raise document.refused(".notifications.smtp.security", reason)


def _oauth(document: Document, block: OAuthBlock) -> None:
    """Who could name another place for a provider could be anybody: so only this machine is one."""
    for name, client in (("google", block.google), ("github", block.github)):
        if client is None:
            continue
        if not (client.client_id and client.client_secret):
            reason = "client_id and client_secret must not be empty"
            raise document.refused(f".auth.oauth.{name}", reason)
        if client.base_url is not None and not _DOUBLE.fullmatch(client.base_url):
            reason = "is for tests: it must be http://127.0.0.1:<port>"
            raise document.refused(f".auth.oauth.{name}.base_url", reason)


_DOUBLE: Final = re.compile(r"http://127\.0\.0\.1:[0-9]{1,5}")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_WITH_SECRETS: Final = frozenset(
    {"auth", "storage", "notifications"}
)  # blocks that may say `${NAME}`
_POSTGRES: Final = re.compile(r"postgres(ql)?://[^#\s]+\Z")
_SCHEMA: Final = re.compile(r"[a-z][a-z0-9_]{0,49}")
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,255}|[0-9A-Fa-f:.]{2,45}|\*")
_ORIGIN: Final = re.compile(r"https?://([a-z0-9._-]{1,255}|\[[0-9a-f:.]{2,45}\])(:[0-9]{1,5})?")
_READS: Final = frozenset({"auto", "true", "false"})
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _bounds(document: Document, settings: Settings) -> None:
    api, auth, warehouse = settings.api, settings.auth, settings.storage.warehouse
    good = {
        ".platform.debounce_seconds": 0 <= settings.platform.debounce_seconds <= 86_400,  # noqa: PLR2004 - a day
        ".upload.max_bytes": settings.upload.max_bytes > 0,
        ".platform.port": 0 <= settings.platform.port < 1 << 16,
        ".api.query_max_rows": api.query_max_rows > 0,
        ".api.query_timeout_seconds": api.query_timeout_seconds > 0,
        ".api.queries_per_user_max": api.queries_per_user_max > 0,
        ".api.body_bytes_max": api.body_bytes_max > 0,
        ".api.requests_per_address_max": api.requests_per_address_max > 0,
        ".api.requests_per_account_max": api.requests_per_account_max > 0,
        ".api.requests_max": api.requests_max > 0,
        ".auth.failed_logins_per_network_max": auth.failed_logins_per_network_max > 0,
        ".auth.failed_logins_max": auth.failed_logins_max > 0,
        ".sync.max_parallel": 0 < settings.sync.max_parallel <= PARALLEL_MAX,
        ".sync.timeout_minutes": 0 < settings.sync.timeout_minutes <= TIMEOUT_MINUTES_MAX,
        ".auth.idle_timeout_minutes": auth.idle_timeout_minutes > 0,
        ".auth.session_max_days": auth.session_max_days > 0,
        ".storage.warehouse.retention_days": warehouse.retention_days > 0,
        ".storage.warehouse.memory_bytes_max": warehouse.memory_bytes_max > 0,
    }
    for path, holds in good.items():
        if not holds:
            raise document.refused(path, "is out of its range")


def _folders(document: Document, folders: tuple[str, ...]) -> None:
    for number, text in enumerate(folders):
        parts = Path(text).parts
        if not parts or Path(text).is_absolute() or ".." in parts or "\0" in text:
            reason = "must lie inside the project, as a relative path"
            raise document.refused(f".platform.watch_directories[{number}]", reason)


def _proxies(document: Document, trusted: tuple[str, ...]) -> None:
    for number, text in enumerate(trusted):
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            reason = "must be an address or a network, like 10.0.0.5 or 10.0.0.0/24"
            raise document.refused(f".platform.trusted_proxies[{number}]", reason) from None


def _names(document: Document, platform: PlatformBlock) -> None:
    """What is compared as it stands must be as browsers and clients spell it."""
    for number, host in enumerate(platform.allowed_hosts):
        if not _HOST.fullmatch(host):
            reason = "must be a name without scheme and port, like dango.example.org, or *"
            raise document.refused(f".platform.allowed_hosts[{number}]", reason)
    for number, origin in enumerate(platform.allowed_origins):
        if not _ORIGIN.fullmatch(origin):
            reason = "must be a scheme and a host, like https://app.example.org, without a path"
            raise document.refused(f".platform.allowed_origins[{number}]", reason)


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
