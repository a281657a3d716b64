"""What project.yml says that decides about HTTP, as the ways in read it."""

from api.attempts import Attempts
from api.platform import HttpSettings
from infra.configuration.project import Settings
from infra.querying import functions


def http_settings(settings: Settings, *, host: str | None, port: int | None) -> HttpSettings:
    """The part that decides about HTTP; flags go before the file."""
    reads = settings.auth.anonymous_reads
    return HttpSettings(
        host=host or settings.platform.host,
        port=settings.platform.port if port is None else port,
        public_url=settings.platform.public_url,
        anonymous_reads=str(reads).lower(),
        auth_enabled=settings.auth.enabled,
        require_2fa=settings.auth.require_2fa,
        trusted_proxies=settings.platform.trusted_proxies,
        allowed_hosts=settings.platform.allowed_hosts,
        allowed_origins=settings.platform.allowed_origins,
        body_bytes_max=settings.api.body_bytes_max,
        query_timeout_s=settings.api.query_timeout_seconds,
        query_rows_max=settings.api.query_max_rows,
        query_functions=functions.names(),
        queries_per_user_max=settings.api.queries_per_user_max,
        requests_per_address_max=settings.api.requests_per_address_max,
        requests_per_account_max=settings.api.requests_per_account_max,
        requests_max=settings.api.requests_max,
        upload_bytes_max=settings.upload.max_bytes,
        project_name=settings.project.name,
        organization=settings.project.organization,
        metabase_url=f"http://localhost:{settings.platform.metabase_port}",
        dbt_docs_url=settings.platform.dbt_docs_url,
        auto_dbt=settings.platform.auto_dbt,
        backups_every=settings.backups.every,
        backups_timezone=settings.backups.timezone,
        session_idle_s=settings.auth.idle_timeout_minutes * 60,
        session_absolute_s=settings.auth.session_max_days * 24 * 3600,
    )


def attempts(settings: Settings) -> Attempts:
    """What counts wrong logins."""
    return Attempts(
        per_network=settings.auth.failed_logins_per_network_max,
        of_strangers=settings.auth.failed_logins_max,
    )
