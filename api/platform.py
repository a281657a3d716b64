"""What the ways in need of the platform. `infra.main` builds it; tests build their own."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from api.attempts import Attempts
from api.callers import Caller
from api.limits import Limits
from api.turns import Turns
from commands.kernel import Bus, Clock, Forget, Keep, Secrets
from commands.ports import (
    IdentityProvider,
    Mailer,
    Progress,
    SecretValues,
    SourcesEditor,
    Uploads,
    Warehouse,
)
from commands.sessions import Seen
from commands.users import Passwords
from domain.kernel import Recorded
from projections.audit import Mark, Noted, Stored, Verified
from projections.engine import Reader
from projections.live import Ring

UPLOADS_MAX: Final = 4  # that come at the same time


class WatcherStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the watcher is at; `pending` are sources whose folders are not quiet yet."""

    running: bool = False
    pid: int | None = None
    auto_sync_enabled: bool = False
    auto_dbt_enabled: bool = False
    debounce_seconds: float = 0.0
    watch_patterns: tuple[str, ...] = ()
    watch_directories: tuple[str, ...] = ()
    log_file: str | None = None  # its lines are in the server's log
    pending: tuple[str, ...] = ()
    last_request_at: datetime | None = None


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What of the settings decides about HTTP."""

    host: str = "127.0.0.1"
    port: int = 8800
    public_url: str | None = None
    anonymous_reads: str = "auto"  # auto, true, false
    auth_enabled: bool = True
    require_2fa: bool = False
    trusted_proxies: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    body_bytes_max: int = 1024 * 1024
    position_wait_s: float = 5.0  # how long a GET waits for ?min_position=
    query_timeout_s: float = 30.0
    query_rows_max: int = 10_000
    queries_per_user_max: int = 2  # that run at once; of the workers for queries
    project_name: str = ""
    organization: str | None = None
    metabase_url: str = "http://localhost:3000"
    dbt_docs_url: str | None = None
    requests_per_address_max: int = 3_000  # a minute
    requests_per_account_max: int = 60_000  # a minute
    requests_max: int = 120_000  # a minute
    upload_bytes_max: int = 5 * 1024**3
    session_idle_s: int = 12 * 3600
    session_absolute_s: int = 7 * 24 * 3600

    @property
    def secure(self) -> bool:
        """Whether people reach the server by https."""
        return self.public_url is not None and self.public_url.startswith("https://")

    @property
    def base_url(self) -> str:
        """What a link to this server begins with."""
        if self.public_url is not None:
            return self.public_url.rstrip("/")
        host = "localhost" if self.host in ("", "0.0.0.0", "::") else self.host  # noqa: S104 - told
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def cookie(self) -> str:
        """The name of the session cookie."""
        return "__Host-dango_session" if self.secure else "dango_session"

    @property
    def device_cookie(self) -> str:
        """The name of the cookie by which a browser is known again."""
        return "__Host-dango_device" if self.secure else "dango_device"

    @property
    def oauth_cookie(self) -> str:
        """The name of the cookie of a login that a provider is asked about."""
        return "__Host-dango_oauth_state" if self.secure else "dango_oauth_state"


class Views(Protocol):
    """The read models."""

    broken: Exception | None

    @property
    def current(self) -> Reader:
        """The rows of now. Raises ViewsBroken."""
        ...

    def past(self, position: int, now: datetime) -> AbstractContextManager[Reader]:
        """The rows as of a position."""
        ...

    async def reached(self, position: int, timeout_s: float) -> bool:
        """Wait until the rows stand at this position; False when the time runs out."""
        ...


class History(Protocol):
    """The log, for those who may read it."""

    def head(self) -> int:
        """The last position."""
        ...

    def get(self, position: int) -> tuple[Recorded, str] | None:
        """An event and its hash in hex."""
        ...

    def under(self, mark: str) -> Mark | None:
        """The newest event that carries this tag, as far as a repeated request must know it."""
        ...

    def page(self, after: int, limit: int) -> list[Recorded]:
        """The next events behind a position."""
        ...

    async def stored(self, after: int, limit: int) -> list[Stored]:
        """The next events behind a position, as they were written."""
        ...

    async def verify(self, noted: Noted | None = None) -> Verified:
        """Walk the chain from the first event to the last, and compare with what was noted."""
        ...


class Upkeep(Protocol):
    """Looking after the views."""

    def status(self) -> list[dict[str, Any]]:
        """One row for each projection."""
        ...

    async def rebuild(self) -> int:
        """Fold everything anew beside what serves, and swap; answers the position."""
        ...

    async def check(self) -> list[str]:
        """Fold everything anew beside what serves, and compare; answers what differs."""
        ...


class AnswersKept(Protocol):
    """A vault that may be written beside the log, for answers under an idempotency key."""

    async def keep(self, *changes: Keep | Forget) -> None: ...


Authenticate = Callable[..., Caller | None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Platform:
    """Everything a handler may use."""

    bus: Bus
    answers: AnswersKept
    secrets: Secrets
    views: Views
    history: History
    upkeep: Upkeep
    warehouse: Warehouse
    passwords: Passwords
    seen: Seen
    authenticate: Authenticate
    clock: Clock
    new_id: Callable[[], str]
    new_token: Callable[[], str]
    settings: HttpSettings
    version: str
    started_at: datetime
    progress: Mapping[tuple[int, str], Progress]
    query_turns: Turns = dataclasses.field(default_factory=Turns)
    attempts: Attempts = dataclasses.field(default_factory=Attempts)
    limits: Limits = dataclasses.field(default_factory=Limits)
    ring: Ring = dataclasses.field(default_factory=lambda: Ring(0))
    checks: Sequence[Callable[[], str | None]] = ()  # readiness: None, or what is wrong
    providers: Mapping[str, IdentityProvider] = dataclasses.field(default_factory=dict)
    editor: SourcesEditor | None = None  # None: this process writes no configuration
    watcher: Callable[[], WatcherStatus] | None = None  # None: nothing watches
    uploads: Uploads | None = None  # None: this process keeps no files
    uploads_at_once: asyncio.Semaphore = dataclasses.field(
        default_factory=lambda: asyncio.Semaphore(UPLOADS_MAX)
    )
    secret_values: SecretValues = dataclasses.field(default_factory=dict[str, str])
    root: str = ""  # of the project, absolute; never told
    mailer: Mailer | None = None  # None: nothing is sent
    reload: Callable[[], Awaitable[int]] | None = None  # take the configuration files anew
