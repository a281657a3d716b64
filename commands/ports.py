"""What sources and the warehouse need from outside: loading, querying, upkeep. `infra` has it."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from commands.kernel import Command, Outcome
from domain.datasets import Column, Drift, File, Format, RefusedFile, Table
from domain.drafts import Change, Draft


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
    masked: dict[str, tuple[str, ...]] = {}  # columns whose values are not shown, by table


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


class ResultFormat(StrEnum):
    """How the rows of a result are written."""

    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"
    PARQUET = "parquet"


class MaskedColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column whose values a caller may not see."""

    schema: str
    table: str  # or view
    column: str


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One read-only statement; `snapshot` asks for the warehouse as of that commit."""

    sql: str
    rows_max: int = 10_000
    result_bytes_max: int = 32 * 1024 * 1024
    snapshot: int | None = None
    format: ResultFormat = ResultFormat.JSON
    masked: tuple[MaskedColumn, ...] = ()


class Queried(msgspec.Struct, frozen=True, kw_only=True):
    """The answer, encoded once, in the worker.

    `rows` is a JSON array of arrays; of another format, `file` holds them and `rows` is empty.
    """

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: msgspec.Raw
    row_count: int
    truncated: bool
    file: bytes = b""
    masked: tuple[str, ...] = ()  # of what was read, the columns that are masked
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


class WorkRefused(WorkFailed):
    """The input is wrong: a bad file, a statement that is not allowed. Trying again is useless."""


class WorkTimedOut(WorkFailed):
    """The deadline passed and the worker was killed."""


class WorkCancelled(WorkFailed):
    """Somebody who may has ended it, and the worker was killed."""


class WorkDied(WorkFailed):
    """The worker ended by itself: a limit of the system, a crash."""


class WorkTooLarge(WorkDied):
    """It wants more memory than it may have. The worker is gone; trying again is useless."""


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
