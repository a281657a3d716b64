"""Which columns tell of persons: what scans found, what people said, what is masked.

A table stays in the warehouse when its source is taken away, when a column is not delivered any
more, when a source loads elsewhere; and so does what is masked of it.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from domain import datasets, pii, pii_overrides, sources, syncs
from domain.kernel import Recorded
from domain.pii_overrides import PiiStatus
from projections import lineage
from projections import sources as known_sources
from projections.engine import Projection, Reader, Rows, Table, stamp

FOUND: Final = Table(
    name="pii_findings",
    columns={
        "source": "TEXT NOT NULL",
        "findings": "TEXT NOT NULL",  # JSON array of Found
    },
    key=("source",),
    few=True,
)
SCANS: Final = Table(
    name="pii_scans",
    columns={
        "source": "TEXT NOT NULL",
        "job": "INTEGER NOT NULL",  # the open one, or the last
        "status": "TEXT NOT NULL",  # running, success, failed
        "at": "TEXT NOT NULL",
        "error": "TEXT",
    },
    key=("source",),
    few=True,
)
OVERRIDES: Final = Table(
    name="pii_overrides",
    columns={
        "source": "TEXT NOT NULL",
        "table_name": "TEXT NOT NULL",
        "column_name": "TEXT NOT NULL",
        "status": "TEXT NOT NULL",  # pii, not_pii
        "at": "TEXT NOT NULL",
        "by": "TEXT NOT NULL",
    },
    key=("source", "table_name", "column_name"),
)
PLACES: Final = Table(
    name="pii_places",
    columns={
        "schema_name": "TEXT NOT NULL",
        "table_name": "TEXT NOT NULL",
        "sources": "TEXT NOT NULL",  # JSON array of those that ever published it
        "columns": "TEXT NOT NULL",  # JSON: each there ever was, the source if a scan found it
    },
    key=("schema_name", "table_name"),
)
IDS_PER_POSITION: Final = 10_000  # a finding is known by position * this + its number


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A finding, when it was made first, and by which scan last."""

    id: int
    finding: pii.Finding
    since: datetime
    scanned_at: datetime


# The tables that decide what is masked.
READ: Final = ("pii_places", "pii_overrides", *lineage.READ)

PLACES_CACHED: Final = 1_024  # the same few tables are told of at every sync
Key = tuple[str, str, str]  # schema, table, column

_json: Final = msgspec.json.Encoder().encode
_found: Final = msgspec.json.Decoder(tuple[Found, ...])
_sources: Final = msgspec.json.Decoder(list[str])
_places: Final = msgspec.json.Decoder(dict[str, str | None])


def _published(rows: Rows, e: syncs.SyncCompleted, _: Recorded) -> None:
    for table in e.tables:
        named = [column.name for column in table.columns]
        _put(rows, e.source, (table.schema, table.name), dict.fromkeys(named), new=False)
    if e.rejected != 0:  # None: nobody knows
        # Whole lines, of whatever columns; no scan looks at them.
        place = e.schema, datasets.REJECTS
        _put(rows, e.source, place, dict.fromkeys(datasets.REJECTED, e.source), new=True)


@functools.lru_cache(maxsize=PLACES_CACHED)
def _places_of(text: str) -> Mapping[str, str | None]:
    return _places.decode(text)


@functools.lru_cache(maxsize=PLACES_CACHED)
def _names_of(text: str) -> Sequence[str]:
    return _sources.decode(text)


def _put(
    rows: Rows, source: str, place: tuple[str, str], columns: dict[str, str | None], *, new: bool
) -> None:
    """Note columns of a table; what is known of those that are there is left, unless it is new."""
    row = rows.get(PLACES, place)
    there = {} if row is None else _places_of(row["columns"])
    names = [] if row is None else _names_of(row["sources"])
    known = columns.items() <= there.items() if new else columns.keys() <= there.keys()
    if known and source in names:
        return  # as after nearly every sync
    rows.put(
        PLACES,
        schema_name=place[0],
        table_name=place[1],
        sources=_json(names if source in names else [*names, source]).decode(),
        columns=_json({**there, **columns} if new else {**columns, **there}).decode(),
    )


def _requested(rows: Rows, e: pii.PiiScanRequested, r: Recorded) -> None:
    values = {"job": r.position, "status": "running", "at": stamp(r.at), "error": None}
    rows.put(SCANS, source=e.source, **values)


def _scanned(rows: Rows, e: pii.PiiScanned, r: Recorded) -> None:
    _ended(rows, e, r, "success", None)
    before = rows.get(FOUND, e.source)
    known = () if before is None else _found.decode(before["findings"])
    earlier = {_key(found.finding): found for found in known}
    looked = {
        (table.schema, table.table, column.name) for table in e.tables for column in table.columns
    }
    now = {key: found for key, found in earlier.items() if key not in looked}
    for number, finding in enumerate(e.findings):
        key = _key(finding)
        old = earlier.get(key)
        same = old is not None and old.finding.kind == finding.kind
        now[key] = Found(
            id=old.id if old is not None and same else r.position * IDS_PER_POSITION + number,
            finding=finding,
            since=old.since if old is not None and same else r.at,
            scanned_at=r.at,
        )
    found = [now[key] for key in sorted(now)]
    rows.put(FOUND, source=e.source, findings=_json(found).decode())
    places: dict[tuple[str, str], dict[str, str | None]] = {
        (table.schema, table.table): {column.name: None for column in table.columns}
        for table in e.tables
    }
    for finding in e.findings:
        if finding.counts:
            places.setdefault((finding.schema, finding.table), {})[finding.column] = e.source
    for place, columns in places.items():
        _put(rows, e.source, place, columns, new=True)


def _failed(rows: Rows, e: pii.PiiScanFailed, r: Recorded) -> None:
    _ended(rows, e, r, "failed", e.reason)


def _ended(
    rows: Rows, e: pii.PiiScanned | pii.PiiScanFailed, r: Recorded, status: str, error: str | None
) -> None:
    rows.change(SCANS, e.source, status=status, at=stamp(r.at), error=error)


def _overridden(rows: Rows, e: pii_overrides.PiiOverridden, r: Recorded) -> None:
    rows.put(
        OVERRIDES,
        source=e.source,
        table_name=e.table,
        column_name=e.column,
        status=str(e.status),
        at=stamp(r.at),
        by=r.actor,
    )


def _left(rows: Rows, e: pii_overrides.PiiOverrideRemoved, _: Recorded) -> None:
    rows.remove(OVERRIDES, source=e.source, table_name=e.table, column_name=e.column)


def _removed(rows: Rows, e: sources.SourceRemoved, _: Recorded) -> None:
    rows.remove(FOUND, source=e.source)
    rows.remove(SCANS, source=e.source)


PROJECTION: Final = Projection(
    name="pii",
    tables=(FOUND, SCANS, OVERRIDES, PLACES),
    on={
        syncs.SyncCompleted: _published,
        pii.PiiScanRequested: _requested,
        pii.PiiScanned: _scanned,
        pii.PiiScanFailed: _failed,
        sources.SourceRemoved: _removed,
        pii_overrides.PiiOverridden: _overridden,
        pii_overrides.PiiOverrideRemoved: _left,
    },
)


def _key(finding: pii.Finding) -> Key:
    return finding.schema, finding.table, finding.column


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said about a column, and who wrote it down here."""

    source: str
    table: str
    column: str
    status: str
    at: datetime
    by: str


def open_scans(reader: Reader) -> list[int]:
    """The jobs of scans that have not ended, oldest first."""
    found = reader.rows("SELECT job FROM pii_scans WHERE status = 'running' ORDER BY job")
    return [job for (job,) in found]


def findings(reader: Reader) -> dict[str, list[Found]]:
    """What scans found, by source, as far as its column is there still."""
    there = _columns(reader)
    rows = reader.rows("SELECT source, findings FROM pii_findings ORDER BY source")
    return {
        source: [each for each in _found.decode(found) if _key(each.finding) in there]
        for source, found in rows
    }


def overrides(reader: Reader, source: str | None = None) -> list[Said]:
    """What people said, by source, table and column."""
    rows = reader.rows(
        'SELECT source, table_name, column_name, status, at, "by" FROM pii_overrides'
        " WHERE (:source IS NULL OR source = :source)"
        " ORDER BY source, table_name, column_name",
        source=source,
    )
    return [
        Said(
            source=name,
            table=table,
            column=column,
            status=status,
            at=datetime.fromisoformat(at),
            by=by,
        )
        for name, table, column, status, at, by in rows
    ]


def masked_columns(reader: Reader, *, ever: bool = False) -> frozenset[Key]:
    """Schema, table and column of all that callers without `pii.view` see no values of.

    Names are as they were published, by any source that ever was. What people said goes before
    what scans found; where two sources published a table, the last scan of it. Columns of
    models are among them that may come from one that is, by the code that built them last; with
    `ever`, by any code that ever did, for who looks at the warehouse as it was.
    """
    return reader.kept(READ, _masked, ever) or frozenset()


def masked_tables(reader: Reader) -> Mapping[tuple[str, str], frozenset[str]]:
    """The same of now: the columns by schema and table."""
    return reader.kept(READ, _masked_tables) or {}


def _masked_tables(reader: Reader) -> Mapping[tuple[str, str], frozenset[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for schema, table, column in masked_columns(reader):
        found.setdefault((schema, table), set()).add(column)
    return {place: frozenset(columns) for place, columns in found.items()}


def unreviewed(reader: Reader) -> dict[str, list[Found]]:
    """Findings that count, and that nobody has said a word about, by source."""
    said = {_said(each) for each in overrides(reader)}
    found = {
        source: [
            each for each in every if each.finding.counts and _of(source, each.finding) not in said
        ]
        for source, every in findings(reader).items()
    }
    return {source: every for source, every in found.items() if every}


def _masked(reader: Reader, ever: bool) -> frozenset[Key]:  # noqa: FBT001 - a key of the answer
    said = {_said(each): each.status for each in overrides(reader)}
    masked = set(_found_or_said(reader, said))
    named = {model for model, _, _ in said}
    models = [table for table in lineage.tables(reader, ever=ever) if table.model in named]
    masked |= _worded(said, models, PiiStatus.PII)
    plain = _worded(said, models, PiiStatus.NOT_PII)
    return frozenset(masked | lineage.reached(reader, masked, plain, ever=ever))


def _found_or_said(reader: Reader, said: Mapping[Key, str]) -> Iterator[Key]:
    """The columns of sources that are masked, of all that were ever published."""
    rows = reader.rows("SELECT schema_name, table_name, sources, columns FROM pii_places")
    for schema, table, published, columns in rows:
        publishers = _sources.decode(published)
        for column, finder in _places.decode(columns).items():
            name = table.casefold(), column.casefold()
            found = finder is not None and said.get((finder, *name)) != PiiStatus.NOT_PII
            if found or any(said.get((each, *name)) == PiiStatus.PII for each in publishers):
                yield schema, table, column


def _worded(said: Mapping[Key, str], tables: Iterable[lineage.TableOf], status: str) -> set[Key]:
    """Columns of models of which people said so; they name the model where they would a source."""
    return {
        (table.schema, table.table, column)
        for table in tables
        for column in table.columns
        if said.get((table.model, table.table.casefold(), column.casefold())) == status
    }


def _columns(reader: Reader) -> dict[Key, str]:
    """The published columns, and whose they are."""
    return {
        (table.schema, table.name, column.name): health.config.name
        for health in known_sources.every(reader)
        for table in health.tables
        for column in table.columns
    }


def _said(said: Said) -> Key:
    return said.source, said.table.casefold(), said.column.casefold()


def _of(source: str, finding: pii.Finding) -> Key:
    return source, finding.table.casefold(), finding.column.casefold()
