"""What commands need from outside: loading, querying, upkeep, mail, identities. `infra` has it."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from commands.kernel import Command, Outcome
from domain.datasets import Column, Drift, File, Format, RefusedFile, Table
from domain.drafts import Change, Draft
from domain.sources import Source


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far long work has come; `done` and `total` are in `unit`, `total` 0 when unknown."""

    phase: str
    done: int = 0
    total: int = 0
    unit: str = "rows"


OnProgress = Callable[[Progress], None]


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Bring what a source holds now into its schema, in one commit or not at all."""

    source: str
    type: str
    job: int  # log position of the request; written into the commit and into _dango_run
    author: str  # who asked for it; written into the commit
    schema: str
    table: str  # of a source with one stream; others name their tables
    root: str  # the project's folder, absolute: what options name lies below it
    options: dict[str, Any] = {}  # the source's block, its ${NAME} as they stand there
    secrets: dict[str, str] = {}  # values of those names: never in a log line, never in a reason
    full_refresh: bool = False  # forget what earlier runs read
    allow_empty: bool = False  # no input, or input without rows, may empty a table that has some
    lookback_days: int | None = None  # read again this much before the cursor; the block's go first
    start_date: str | None = None  # YYYY-MM-DD, inclusive
    end_date: str | None = None
    rollback_of: int | None = None  # nothing is read: this job and all since are undone
    formats: dict[str, Format] = {}  # what earlier runs found out about the input, by table


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Whose commit is looked for, and where it would have written."""

    source: str
    job: int
    schema: str
    table: str


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What one load changed: `rows` is the number that it loaded, `snapshot` the commit's id."""

    rows: int
    tables: tuple[Table, ...]
    snapshot: int


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What a source would bring: its first rows, as text that can be shown."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str | None, ...], ...]
    notes: tuple[str, ...] = ()


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a file that is on its way into a source's folder can be read as the source reads."""

    load: Load
    path: str  # where it lies meanwhile
    name: str  # the one that it is to have


class LoadedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file whose rows a source's tables hold, as it was when it was read."""

    path: str  # below the source's folder
    size_bytes: int
    mtime_ns: int
    rows: int
    run: int  # the job that read it


class Loaded(Published, frozen=True, kw_only=True):
    """The same, told by the load itself, which knows its files too."""

    files: tuple[File, ...]
    refused: tuple[RefusedFile, ...] = ()  # the run is a part of what it should have been
    drift: tuple[Drift, ...] = ()
    formats: dict[str, Format] = {}  # what was found out about the input, by table


class ChangesOf(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of a table are asked for that a run changed; the first such table by default."""

    source: str
    job: int
    schema: str
    table: str | None = None
    limit: int = 100
    offset: int = 0


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """A page of them: `rows` is a JSON array of arrays, what happened to a row first in each.

    No snapshot: the run changed nothing, or it was too long ago.
    """

    snapshot: int | None
    counts: dict[str, dict[str, int]] = {}  # by table: inserted, deleted, updated_from, updated_to
    table: str | None = None
    columns: tuple[str, ...] = ()
    rows: msgspec.Raw = msgspec.Raw(b"[]")
    row_count: int = 0
    more: bool = False


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One read-only statement; `snapshot` asks for the warehouse as of that commit."""

    sql: str
    rows_max: int = 10_000
    result_bytes_max: int = 32 * 1024 * 1024
    snapshot: int | None = None


class Queried(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: `rows` is a JSON array of arrays, encoded once, in the worker."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: msgspec.Raw
    row_count: int
    truncated: bool
    relations: tuple[str, ...] = ()
    warning: str | None = None


class Maintain(msgspec.Struct, frozen=True, kw_only=True):
    """Merge small files, expire snapshots older than the retention, remove what nobody needs."""

    job: int
    author: str
    retention_days: float


class Maintained(msgspec.Struct, frozen=True, kw_only=True):
    """What upkeep did; `snapshot` is the newest one now, `oldest_snapshot` the first left."""

    snapshot: int
    oldest_snapshot: int
    files_merged: int
    snapshots_expired: int
    files_removed: int


class WorkFailed(Exception):
    """Work that ended without a result; `reason` is one sentence fit for the user.

    The fact `transient` says that the same work may well succeed later.
    """

    def __init__(self, reason: str, **facts: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.facts = facts  # file, line, column … as the kind of work has them


class SecretValues(Protocol):
    """Values for the ${NAME}s of a source's options, read when a run begins."""

    def get(self, name: str, /) -> str | None:
        """The value, or None when it is not set."""
        ...


Send = Callable[[Command], Awaitable[Outcome]]  # in the name of who asks


class SourcesEditor(Protocol):
    """Writes sources.yml, and takes what it says then: the events are those of `send`."""

    async def add(self, draft: Draft, send: Send) -> None:
        """Write a new source."""
        ...

    async def change(self, name: str, wanted: Change, send: Send) -> None:
        """Write a source anew."""
        ...

    async def remove(self, name: str, send: Send) -> None:
        """Take a source out."""
        ...


class OnDisk(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a source; `name` is its path below the source's folder."""

    name: str
    size_bytes: int
    mtime_ns: int


class Incoming(Protocol):
    """One file that comes. Its methods block."""

    size_bytes: int

    def write(self, data: bytes) -> None:
        """Add to the file. Raises StorageFull."""
        ...

    def whole(self, name: str) -> str:
        """All of it has come; answers its path. Raises ContentDiffers, FileEmpty, FileThere."""
        ...

    def finish(self, name: str) -> str:
        """Put it in its place; answers its SHA-256. Raises FileThere."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class Uploads(Protocol):
    """The folders of sources. Its methods block."""

    def begin(self, source: Source) -> Incoming:
        """Take a file in."""
        ...

    def every(self, source: Source) -> list[OnDisk]:
        """The files that the source reads, by name."""
        ...

    def delete(self, source: Source, given: str) -> OnDisk:
        """Delete one of the source's files. Raises FileMissing, for those elsewhere too."""
        ...


class WorkRefused(WorkFailed):
    """The input is wrong: a bad file, a statement that is not allowed. Trying again is useless."""


class WorkTimedOut(WorkFailed):
    """The deadline passed and the worker was killed."""


class WorkDied(WorkFailed):
    """The worker ended by itself: out of memory, a limit, a crash."""


class Busy(WorkFailed):
    """Too much of this kind of work is waiting already."""


class UpstreamFailed(WorkFailed):
    """A service that somebody else runs does not answer, or not in a way that can be understood."""


class ProofRefused(WorkFailed):
    """What somebody brought back from a provider proves nothing."""


class Warehouse(Protocol):
    """The warehouse as the commands see it. Cancelling an awaiting task kills its worker.

    However a load ends, only `published` tells whether its commit was made: a worker can be killed
    behind it, and so can the process that was to hear of it.
    """

    async def load(self, load: Load, on_progress: OnProgress) -> Loaded: ...

    async def sample(self, load: Load) -> Sample: ...

    async def check(self, check: Check) -> None: ...

    async def files(self, source: str) -> tuple[LoadedFile, ...]: ...

    async def published(self, target: Target) -> Published | None: ...

    async def changes(self, asked: ChangesOf) -> Changes: ...

    async def query(self, query: Query, deadline_s: float) -> Queried: ...

    async def maintain(self, maintain: Maintain, on_progress: OnProgress) -> Maintained: ...


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail to one address: personal data, and often a link that is a secret."""

    to: str
    subject: str
    text: str
    html: str


class Mailer(Protocol):
    """Sends mail, beside everything else."""

    async def send(self, mail: Mail) -> bool:
        """Whether the mail server has taken it. Waits for one try, a bounded time; never raises.

        False may turn into a mail still: it is tried again for a while.
        """
        ...


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to log in with a provider: what it is asked with, and answers to."""

    state: str
    nonce: str
    verifier: str  # RFC 7636; the provider is told its digest first
    redirect_uri: str


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who somebody is, as a provider says."""

    subject: str  # the provider's own name for the person, which never changes hands
    email: str | None = None  # only if the provider says that it is verified


class IdentityProvider(Protocol):
    """One place where people have an account."""

    @property
    def label(self) -> str:
        """Its name, as people know it."""
        ...

    @property
    def issuers(self) -> tuple[str, ...]:
        """How it may call itself in what it sends back; empty when it does not say."""
        ...

    async def authorization_url(self, asked: Asked) -> str:
        """Where the browser is sent."""
        ...

    async def identify(self, asked: Asked, code: str) -> Identity:
        """Who brought this code back. Raises UpstreamFailed, ProofRefused, Busy."""
        ...
