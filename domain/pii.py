"""Looking through the columns of sources for what tells of a person.

A scan looks at a sample of a source's columns, and its findings name columns and kinds, never a
value. Invariants: a source has at most one scan that has not ended; by itself only what is new or
has another type is looked at, and everything at most once a day.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final

import msgspec

from domain import datasets, sources, syncs
from domain.kernel import Boundary, Event, Recorded, Refused, about

WHOLE_AGAIN: Final = timedelta(days=1)  # how long a look at everything is good for
CONFIDENCE_MIN: Final = 0.5  # from here on a finding counts, and its column is masked
COLUMNS_MAX: Final = 5_000  # that one scan looks at
OWN: Final = "_dango_"  # how the names of columns begin that no input has
ALL: Final = "pii"
MASK: Final = "***"  # stands for a value
PERMISSION: Final = "pii.view"  # of those who see the values

Column = tuple[str, str, str, str]  # schema, table, column, type
Place = tuple[str, str, str]  # schema, table, column


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A column that seems to tell of persons; `confidence` is from 0 to 1."""

    schema: str
    table: str
    column: str
    kind: str  # infra/inspecting/ has the list
    confidence: float
    samples: int  # values that were looked at

    @property
    def counts(self) -> bool:
        """Whether it is to be taken for true until somebody says otherwise."""
        return self.confidence >= CONFIDENCE_MIN


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a table that a scan looked at."""

    schema: str
    table: str
    columns: tuple[datasets.Column, ...]


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _ScanEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "governance.view"
    source: str

    def stream(self) -> str:
        return f"source:{self.source}"

    def labels(self) -> tuple[str, ...]:
        return (ALL,)


class PiiScanRequested(_ScanEvent, frozen=True, kw_only=True, tag="pii_scan_requested"):
    """These columns are to be looked at. Its position is the job's id."""

    tables: tuple[Looked, ...]
    whole: bool = False  # they are all that the source has


class PiiScanned(_ScanEvent, frozen=True, kw_only=True, tag="pii_scanned"):
    """What was found in the columns of the request."""

    job: int
    findings: tuple[Finding, ...]
    tables: tuple[Looked, ...]  # what was looked at: what is no more there is not among them
    duration_s: float = 0.0
    fresh: int = 0  # findings that count, of columns of which no scan before said so


class PiiScanFailed(_ScanEvent, frozen=True, kw_only=True, tag="pii_scan_failed"):
    """The scan ended without a result; what was found before stands."""

    job: int
    reason: str


EVENTS: Final[tuple[type[Event], ...]] = (PiiScanRequested, PiiScanned, PiiScanFailed)


class Scans(msgspec.Struct, frozen=True):
    """By source: what it has, what of it was looked at, and the scan that has not ended."""

    known: frozenset[str] = frozenset()
    columns: Mapping[str, frozenset[Column]] = {}
    looked: Mapping[str, frozenset[Column]] = {}
    whole_at: Mapping[str, datetime] = {}
    open: Mapping[str, tuple[int, PiiScanRequested]] = {}
    found: Mapping[str, frozenset[Place]] = {}  # columns that were ever found, for what is fresh


def evolve(state: Scans, recorded: Recorded) -> Scans:
    """Fold one event."""
    replace = msgspec.structs.replace
    match recorded.event:
        case sources.SourceRegistered(source=name):
            return replace(state, known=state.known | {name})
        case sources.SourceRemoved(source=name):
            return _forget(state, name)
        case syncs.SyncCompleted(source=name, tables=tables):
            return replace(state, columns={**state.columns, name: _columns(tables)})
        case PiiScanRequested(source=name) as request:
            return replace(state, open={**state.open, name: (recorded.position, request)})
        case PiiScanned(source=name, job=job) as scanned if _is_open(state, name, job):
            found = state.found.get(name, frozenset()) | _counting(scanned)
            state = _scanned(state, name, recorded.at)
            return replace(state, found={**state.found, name: found})
        case PiiScanFailed(source=name, job=job) if _is_open(state, name, job):
            return replace(state, open={k: v for k, v in state.open.items() if k != name})
        case _:
            return state


def _scanned(state: Scans, source: str, at: datetime) -> Scans:
    request = state.open[source][1]
    asked = _columns(request.tables)
    before = frozenset[Column]() if request.whole else state.looked.get(source, frozenset())
    return msgspec.structs.replace(
        state,
        looked={**state.looked, source: before | asked},
        whole_at={**state.whole_at, source: at} if request.whole else state.whole_at,
        open={k: v for k, v in state.open.items() if k != source},
    )


def _forget(state: Scans, source: str) -> Scans:
    return Scans(
        known=state.known - {source},
        columns={k: v for k, v in state.columns.items() if k != source},
        looked={k: v for k, v in state.looked.items() if k != source},
        whole_at={k: v for k, v in state.whole_at.items() if k != source},
        open={k: v for k, v in state.open.items() if k != source},
        found={k: v for k, v in state.found.items() if k != source},
    )


def _is_open(state: Scans, source: str, job: int) -> bool:
    return source in state.open and state.open[source][0] == job


def boundary(source: str) -> Boundary:
    """All that happened to this source."""
    return about(f"source:{source}")


def request(state: Scans, source: str, *, now: datetime, wanted: bool) -> list[Event]:
    """Look at what is due, or at everything when it is `wanted`; one scan at a time.

    Raises SourceMissing, NothingToScan.
    """
    if source not in state.known:
        raise sources.SourceMissing(source)
    columns = state.columns.get(source, frozenset())
    if wanted and not columns:
        raise NothingToScan(source)
    if source in state.open or not columns:
        return []
    last = state.whole_at.get(source)
    whole = wanted or last is None or now - last >= WHOLE_AGAIN
    due = columns if whole else columns - state.looked.get(source, frozenset())
    if not due:
        return []
    return [PiiScanRequested(source=source, tables=_tables(due), whole=whole)]


def end(state: Scans, ending: PiiScanned | PiiScanFailed) -> list[Event]:
    """End the open scan, once."""
    if not _is_open(state, ending.source, ending.job):
        return []
    if isinstance(ending, PiiScanned):
        fresh = _counting(ending) - state.found.get(ending.source, frozenset())
        ending = msgspec.structs.replace(ending, fresh=len(fresh))
    return [ending]


def _counting(scanned: PiiScanned) -> frozenset[Place]:
    return frozenset(
        (each.schema, each.table, each.column) for each in scanned.findings if each.counts
    )


def _columns(tables: Sequence[datasets.Table | Looked]) -> frozenset[Column]:
    return frozenset(
        (
            table.schema,
            table.name if isinstance(table, datasets.Table) else table.table,
            column.name,
            column.type,
        )
        for table in tables
        for column in table.columns
        if not column.name.startswith(OWN)
    )


def _tables(columns: frozenset[Column]) -> tuple[Looked, ...]:
    found: dict[tuple[str, str], list[datasets.Column]] = {}
    for schema, table, name, kind in sorted(columns)[:COLUMNS_MAX]:
        found.setdefault((schema, table), []).append(datasets.Column(name=name, type=kind))
    return tuple(
        Looked(schema=schema, table=table, columns=tuple(each))
        for (schema, table), each in found.items()
    )


class NothingToScan(Refused):
    """The source has published nothing yet."""

    def __init__(self, source: str) -> None:
        super().__init__(f"Source '{source}' has no data yet; sync it first.")
