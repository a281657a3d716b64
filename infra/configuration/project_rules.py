"""What project.yml may not say, although it is of the right shape: told by line and column."""

import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from domain import cron, emails
from infra.configuration.documents import Document

if TYPE_CHECKING:
    from infra.configuration.project import (
        BackupsBlock,
        GrantsBlock,
        OAuthBlock,
        OAuthClient,
        PlatformBlock,
        Settings,
        SmtpBlock,
        StorageBlock,
    )

BACKUPS_KEPT_MAX: Final = 1_000
FAILED_LOGINS_MAX: Final = 10_000  # a minute; each that is heard costs a hash
IDLE_MINUTES_MAX: Final = 365 * 24 * 60
PARALLEL_MAX: Final = 32
RETENTION_DAYS_MAX: Final = 36_500.0  # a hundred years: for ever, and a date still
SESSION_DAYS_MAX: Final = 365
TIMEOUT_MINUTES_MAX: Final = 20 * 60.0  # maintenance takes staged files of a day ago for orphans
WATCHED_FOLDERS_MAX: Final = 100_000
HOUR_S: Final = 3600
_DOUBLE: Final = re.compile(r"http://127\.0\.0\.1:[0-9]{1,5}")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_POSTGRES: Final = re.compile(r"postgres(ql)?://[^#\s]+\Z")
_SCHEMA: Final = re.compile(r"[a-z][a-z0-9_]{0,49}")
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,255}|[0-9A-Fa-f:.]{2,45}|\*")
_ORIGIN: Final = re.compile(r"https?://([a-z0-9._-]{1,255}|\[[0-9a-f:.]{2,45}\])(:[0-9]{1,5})?")
_URL: Final = re.compile(r"https?://[^\s?#]{1,500}")
_READS: Final = frozenset({"auto", "true", "false"})


def check(document: Document, settings: "Settings") -> None:
    """All of it. Raises Unreadable."""
    log_place(document, settings.storage)
    _mail(document, settings.notifications.smtp)
    _oauth(document, settings.auth.oauth, ".auth.oauth")
    _oauth(document, settings.oauth, ".oauth")
    _backups(document, settings.backups)
    if str(settings.auth.anonymous_reads).lower() not in _READS:
        reason = f"must be one of {', '.join(sorted(_READS))}"
        raise document.refused(".auth.anonymous_reads", reason)
    _bounds(document, settings)
    _folders(document, settings.platform.watch_directories)
    _proxies(document, settings.platform.trusted_proxies)
    _names(document, settings.platform)
    _models(document, settings.platform)


def log_place(document: Document, storage: "StorageBlock") -> None:
    """The URL's text may hold a password, so that no reason repeats it."""
    if storage.events is not None and not _POSTGRES.match(storage.events):
        reason = "must be postgresql://user@host/database, without a #; or leave it out"
        raise document.refused(".storage.events", reason)
    if not _SCHEMA.fullmatch(storage.events_schema):
        reason = "must be up to 50 lower-case letters, digits and _, a letter first"
        raise document.refused(".storage.events_schema", reason)


def _mail(document: Document, smtp: "SmtpBlock | None") -> None:
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
    if smtp.password and smtp.security.value == "none" and smtp.host not in _LOOPBACK:
        reason = "may be none with a password on this machine alone"
        raise document.refused(".notifications.smtp.security", reason)


def _oauth(document: Document, block: "OAuthBlock | GrantsBlock", at: str) -> None:
    """Who could name another place for a provider could be anybody: so only this machine is one."""
    for name in block.__struct_fields__:
        client: OAuthClient | None = getattr(block, name)
        if client is None:
            continue
        if not (client.client_id and client.client_secret):
            reason = "client_id and client_secret must not be empty"
            raise document.refused(f"{at}.{name}", reason)
        if client.base_url is not None and not _DOUBLE.fullmatch(client.base_url):
            reason = "is for tests: it must be http://127.0.0.1:<port>"
            raise document.refused(f"{at}.{name}.base_url", reason)


def _backups(document: Document, block: "BackupsBlock") -> None:
    if block.every is not None:
        try:
            cron.parse(block.every)
            cron.zone(block.timezone)
        except cron.CronInvalid as error:
            raise document.refused(".backups.every", str(error)) from None
        if block.to is None:
            raise document.refused(".backups.to", "must say where backups go")
    if block.to is not None and block.to.startswith("s3://") and block.s3 is None:
        raise document.refused(".backups.s3", "must say how the bucket is reached")
    if not 0 < block.keep <= BACKUPS_KEPT_MAX:
        raise document.refused(".backups.keep", f"must be from 1 to {BACKUPS_KEPT_MAX}")


def _bounds(document: Document, settings: "Settings") -> None:
    api, auth, warehouse = settings.api, settings.auth, settings.storage.warehouse
    good = {
        ".platform.debounce_seconds": 0 <= settings.platform.debounce_seconds <= 86_400,  # noqa: PLR2004 - a day
        ".platform.watched_folders_max": (
            0 <= settings.platform.watched_folders_max <= WATCHED_FOLDERS_MAX
        ),
        ".upload.max_bytes": settings.upload.max_bytes > 0,
        ".platform.port": 0 <= settings.platform.port < 1 << 16,
        ".platform.dbt_coalesce_seconds": 0 <= settings.platform.dbt_coalesce_seconds <= HOUR_S,
        ".api.query_max_rows": api.query_max_rows > 0,
        ".api.query_timeout_seconds": api.query_timeout_seconds > 0,
        ".api.queries_per_user_max": api.queries_per_user_max > 0,
        ".api.body_bytes_max": api.body_bytes_max > 0,
        ".api.requests_per_address_max": api.requests_per_address_max > 0,
        ".api.requests_per_account_max": api.requests_per_account_max > 0,
        ".api.requests_max": api.requests_max > 0,
        ".auth.failed_logins_per_network_max": (
            0 < auth.failed_logins_per_network_max <= FAILED_LOGINS_MAX
        ),
        ".auth.failed_logins_max": 0 < auth.failed_logins_max <= FAILED_LOGINS_MAX,
        ".sync.max_parallel": 0 < settings.sync.max_parallel <= PARALLEL_MAX,
        ".sync.timeout_minutes": 0 < settings.sync.timeout_minutes <= TIMEOUT_MINUTES_MAX,
        ".auth.idle_timeout_minutes": 0 < auth.idle_timeout_minutes <= IDLE_MINUTES_MAX,
        ".auth.session_max_days": 0 < auth.session_max_days <= SESSION_DAYS_MAX,
        ".storage.warehouse.retention_days": 0 < warehouse.retention_days <= RETENTION_DAYS_MAX,
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


def _names(document: Document, platform: "PlatformBlock") -> None:
    """What is compared as it stands must be as browsers and clients spell it."""
    for number, host in enumerate(platform.allowed_hosts):
        if not _HOST.fullmatch(host):
            reason = "must be a name without scheme and port, like dango.example.org, or *"
            raise document.refused(f".platform.allowed_hosts[{number}]", reason)
    for number, origin in enumerate(platform.allowed_origins):
        if not _ORIGIN.fullmatch(origin):
            reason = "must be a scheme and a host, like https://app.example.org, without a path"
            raise document.refused(f".platform.allowed_origins[{number}]", reason)


def _models(document: Document, platform: "PlatformBlock") -> None:
    folder = Path(platform.dbt_project_dir)
    if folder.is_absolute() or ".." in folder.parts or not folder.parts:
        reason = "must lie inside the project, as a relative path"
        raise document.refused(".platform.dbt_project_dir", reason)
    url = platform.dbt_docs_url
    if url is not None and not _URL.fullmatch(url):
        reason = "must be the address of a server, like http://localhost:8081"
        raise document.refused(".platform.dbt_docs_url", reason)
