"""What the ways in need of the platform. `infra.main` builds it; tests build their own."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from api.attempts import Attempts
from api.callers import Caller
from api.limits import Limits
from api.passage import Passage
from api.running import Queries
from api.turns import Turns
from api.uploads.loaded import Loaded
from commands.dashboard_ports import Dashboards, DashboardSessions
from commands.grants import GrantProvider
from commands.identity_ports import IdentityProvider
from commands.inspecting import OverridesEditor
from commands.kernel import Bus, Clock, Forget, Keep, Secrets
from commands.machine import Gauges
from commands.mail_ports import Mailer
from commands.notebook_ports import NotebookFiles, NotebookSessions
from commands.ports import (
    MaskedColumn,
    Progress,
    SecretValues,
    SourcesEditor,
    Warehouse,
)
from commands.profiling import Profiler, ProfilesKept
from commands.schedule_ports import SchedulesEditor
from commands.sessions import Seen
from commands.upload_ports import Uploads
from commands.users import Passwords
from commands.vault import VaultKeys
from domain.kernel import Recorded
from projections import pii
from projections.audit import Mark, Noted, Stored, Verified
from projections.engine import Reader
from projections.live import Ring

UPLOADS_MAX: Final = 4  # that come at the same time


class LookedAt(msgspec.Struct, frozen=True, kw_only=True):
    """A source whose folders are not listened to, but looked at from time to time, and why."""

    source: str
    reason: str


class WatcherStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the watcher is at; `pending` are sources whose folders are not quiet yet."""

    running: bool = False
    pid: int | None = None
    auto_sync_enabled: bool = False
    auto_dbt_enabled: bool = False
    debounce_seconds: float = 0.0
    watch_patterns: tuple[str, ...] = ()
    watch_directories: tuple[str, ...] = ()
    watched_folders: int = 0  # that the system tells of changes in
    looked_at: tuple[LookedAt, ...] = ()
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
    query_functions: tuple[str, ...] = ()  # that a statement may call, by name
    queries_per_user_max: int = 2  # that run at once; of the workers for queries
    project_name: str = ""
    organization: str | None = None
    metabase: bool = False  # whether the project is set up for it; then /query leads there
    metabase_url: str = "http://localhost:3000"
    metabase_database: int | None = None
    dbt_docs_url: str | None = None
    auto_dbt: bool = True
    backups_to: str | None = None  # None: project.yml names no place
    backups_every: str | None = None  # None: only when somebody asks for one
    backups_timezone: str = "UTC"
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
    """The read models; `position` is the log's that they stand at."""

    broken: Exception | None
    position: int

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
# Which columns nobody may see who lacks pii.view; of the rows of now, whatever time is asked for.
MaskedColumns = Callable[[Reader, bool], tuple[MaskedColumn, ...]]


def _masked(views: Reader, past: bool) -> tuple[MaskedColumn, ...]:  # noqa: FBT001 - of a port
    return views.kept(pii.READ, _listed, past) or ()


def _listed(views: Reader, past: bool) -> tuple[MaskedColumn, ...]:  # noqa: FBT001 - a key
    names = sorted(pii.masked_columns(views, ever=past))
    return tuple(MaskedColumn(schema=s, table=t, column=c) for s, t, c in names)


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
    looking: asyncio.Lock = dataclasses.field(default_factory=asyncio.Lock)  # beside the event loop
    queries: Queries = dataclasses.field(default_factory=Queries)
    masked_columns: MaskedColumns = _masked
    attempts: Attempts = dataclasses.field(default_factory=Attempts)
    limits: Limits = dataclasses.field(default_factory=Limits)
    loaded: Loaded = dataclasses.field(default_factory=Loaded)
    ring: Ring = dataclasses.field(default_factory=lambda: Ring(0))
    checks: Sequence[Callable[[], str | None]] = ()  # readiness: None, or what is wrong
    clocks: Callable[[], Sequence[str]] = tuple  # why what is due is not noticed, if so
    providers: Mapping[str, IdentityProvider] = dataclasses.field(default_factory=dict)
    grants: Mapping[str, GrantProvider] = dataclasses.field(default_factory=dict)
    editor: SourcesEditor | None = None  # None: this process writes no configuration
    overrides: OverridesEditor | None = None  # None: likewise
    schedules_editor: SchedulesEditor | None = None  # the same
    workers: Callable[[], list[dict[str, Any]]] | None = None  # each kind; None: there are none
    watcher: Callable[[], WatcherStatus] | None = None  # None: nothing watches
    uploads: Uploads | None = None  # None: this process keeps no files
    uploads_at_once: asyncio.Semaphore = dataclasses.field(
        default_factory=lambda: asyncio.Semaphore(UPLOADS_MAX)
    )
    notebook_files: NotebookFiles | None = None  # None: this process keeps none
    notebook_sessions: NotebookSessions | None = None  # None: it runs none
    dashboards: Dashboards | None = None  # None: Metabase is not set up
    dashboard_sessions: DashboardSessions | None = None
    passage: Passage = dataclasses.field(default_factory=Passage)
    secret_values: SecretValues = dataclasses.field(default_factory=dict[str, str])
    vault_keys: VaultKeys | None = None  # None: this process changes none
    root: str = ""  # of the project, absolute; never told
    mailer: Mailer | None = None  # None: nothing is sent
    profiler: Profiler | None = None  # None: this process looks into no tables
    profiles: ProfilesKept | None = None  # None: nothing is remembered
    reload: Callable[[], Awaitable[int]] | None = None  # take the configuration files anew
    read_models: Callable[[str], Awaitable[None]] | None = None  # look for one, by its name
    gauges: Gauges | None = None  # None: this process does not look at its machine
    scheduling: Callable[[], bool] | None = None  # whether schedules come due; None: never here
    documents: Path | None = None  # the folder that dbt's documentation is published to

    def since(self, trouble: str) -> datetime:
        """When a trouble came up, as far as this process knows."""
        return self.clock() if self.gauges is None else self.gauges.since(trouble)
