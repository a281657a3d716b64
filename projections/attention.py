"""Which sources somebody should look after, why, and since when.

What an event tells of is marked when it happens and unmarked when it is over; what only time brings
about (data that grows old) and what other read models know (drift, personal data) is added when
somebody asks.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from domain import drift as drift_rules
from domain import freshness, sources, syncs
from domain.kernel import Recorded
from projections import drift, notifications, pii, schedules
from projections import sources as known
from projections.engine import Projection, Reader, Rows, Table, stamp

STALE_AFTER: Final = timedelta(days=7)  # where nobody says how often a source is synced
MARKS: Final = Table(
    name="attention_marks",
    columns={
        "source": "TEXT NOT NULL",
        "kind": "TEXT NOT NULL",  # never_synced, sync_failed, rejects, stale
        "since_at": "TEXT NOT NULL",
        "count": "INTEGER NOT NULL",  # of failures in a row, of rows left out; hours when stale
    },
    key=("source", "kind"),
)
NEVER_SYNCED: Final = "never_synced"
SYNC_FAILED: Final = "sync_failed"
REJECTS: Final = "rejects"
STALE: Final = "stale"
DRIFT: Final = "drift"
PII: Final = "pii"
_OVER: Final = (NEVER_SYNCED, SYNC_FAILED, STALE)  # with a sync that ended well
ORDER: Final = (SYNC_FAILED, DRIFT, PII, REJECTS, STALE, NEVER_SYNCED)  # the most urgent first


def _mark(rows: Rows, source: str, kind: str, r: Recorded, count: int) -> None:
    before = rows.get(MARKS, (source, kind))
    since = stamp(r.at) if before is None else before["since_at"]
    rows.put(MARKS, source=source, kind=kind, since_at=since, count=count)


def _registered(rows: Rows, e: sources.SourceRegistered, r: Recorded) -> None:
    _mark(rows, e.source, NEVER_SYNCED, r, 0)


def _removed(rows: Rows, e: sources.SourceRemoved, _: Recorded) -> None:
    rows.remove(MARKS, source=e.source)


def _completed(rows: Rows, e: syncs.SyncCompleted, r: Recorded) -> None:
    left_out = (e.rejected or 0) + e.refused_count
    over = _OVER if left_out else (*_OVER, REJECTS)
    rows.remove(MARKS, *[(e.source, kind) for kind in over])
    if left_out:
        _mark(rows, e.source, REJECTS, r, left_out)


def _failed(rows: Rows, e: syncs.SyncFailed, r: Recorded) -> None:
    before = rows.get(MARKS, (e.source, SYNC_FAILED))
    _mark(rows, e.source, SYNC_FAILED, r, 1 if before is None else before["count"] + 1)


def _stale_now(rows: Rows, e: freshness.SourceTurnedStale, r: Recorded) -> None:
    _mark(rows, e.source, STALE, r, int(e.after_hours))


PROJECTION: Final = Projection(
    name="attention",
    tables=(MARKS,),
    on={
        sources.SourceRegistered: _registered,
        sources.SourceRemoved: _removed,
        syncs.SyncCompleted: _completed,
        syncs.SyncFailed: _failed,
        freshness.SourceTurnedStale: _stale_now,
    },
)


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a source needs somebody; the message holds no value of the data."""

    kind: str
    message: str
    since: datetime


class Attention(msgspec.Struct, frozen=True, kw_only=True):
    """A source that needs somebody, with all reasons, the most urgent first."""

    source: str
    reasons: tuple[Reason, ...]
    changes: tuple[drift_rules.Change, ...] = ()  # breaking ones that wait to be accepted
    changed_at: datetime | None = None

    @property
    def message(self) -> str:
        """All reasons in one line."""
        return "; ".join(reason.message for reason in self.reasons)

    @property
    def since(self) -> datetime:
        """When the first of them came up."""
        return min(reason.since for reason in self.reasons)


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known whatever the time is, by source."""

    marks: Mapping[str, list[Reason]] = {}
    turned: Mapping[str, datetime] = {}  # when it was told that the data is too old
    bounds: Mapping[str, timedelta] = {}  # how old the data may be
    pending: Mapping[str, drift.Pending] = {}
    unreviewed: Mapping[str, list[pii.Found]] = {}


READ: Final = (
    *(MARKS.name, "notifications", "drift_pending", "pii_findings", "pii_overrides"),
    *(*schedules.READ, *known.READ),
)


def every(
    reader: Reader,
    every_source: Sequence[known.SourceHealth],
) -> dict[str, Attention]:
    """What needs somebody, by source; of those that are switched off, only what cannot wait."""
    told, now = reader.kept(READ, _known) or _Known(), reader.now
    found = {}
    for health in every_source:
        name = health.config.name
        waiting, reasons = told.pending.get(name), []
        if health.config.enabled:
            bound = told.bounds.get(name, STALE_AFTER)
            stale = _stale(health, now, bound, told.turned.get(name))
            reasons += [*told.marks.get(name, []), *stale]
        reasons += [*_drifted(waiting), *_personal(told.unreviewed.get(name, []))]
        if reasons:
            found[name] = Attention(
                source=name,
                reasons=tuple(sorted(reasons, key=lambda reason: ORDER.index(reason.kind))),
                changes=() if waiting is None else waiting.changes,
                changed_at=None if waiting is None else waiting.at,
            )
    return found


def _known(reader: Reader) -> _Known:
    return _Known(
        marks=_marks(reader),
        turned=_turned(reader),
        bounds=stale_after(reader),
        pending=drift.pending(reader),
        unreviewed=pii.unreviewed(reader),
    )


def _drifted(waiting: drift.Pending | None) -> Iterator[Reason]:
    if waiting is not None:
        message = f"{len(waiting.changes)} breaking schema change(s) detected"
        yield Reason(kind=DRIFT, message=message, since=waiting.at)


def _personal(columns: Sequence[pii.Found]) -> Iterator[Reason]:
    if columns:
        message = f"{len(columns)} column(s) with personal data to review"
        yield Reason(kind=PII, message=message, since=min(each.since for each in columns))


def _marks(reader: Reader) -> dict[str, list[Reason]]:
    found: dict[str, list[Reason]] = {}
    sql = "SELECT source, kind, since_at, count FROM attention_marks WHERE kind != :stale"
    rows = reader.rows(sql, stale=STALE)
    for source, kind, since, count in rows:
        message = {
            NEVER_SYNCED: "It has never been synced",
            SYNC_FAILED: "The last sync failed" if count == 1 else f"The last {count} syncs failed",
            REJECTS: f"{count} row(s) or file(s) were left out of the last sync",
        }[kind]
        at = datetime.fromisoformat(since)
        found.setdefault(source, []).append(Reason(kind=kind, message=message, since=at))
    return found


def _stale(
    health: known.SourceHealth, now: datetime, bound: timedelta, turned: datetime | None
) -> Iterator[Reason]:
    """Data that nothing has brought up to date for too long; `turned`: when that was told."""
    if health.synced_at is not None and now - health.synced_at >= bound:
        hours = (now - health.synced_at) // timedelta(hours=1)
        message = f"Its data is {hours} hours old"
        yield Reason(kind=STALE, message=message, since=turned or health.synced_at + bound)


def _turned(reader: Reader) -> dict[str, datetime]:
    sql = "SELECT source, since_at FROM attention_marks WHERE kind = :stale"
    found = reader.rows(sql, stale=STALE)
    return {source: datetime.fromisoformat(since) for source, since in found}


def stale_after(reader: Reader) -> dict[str, timedelta]:
    """How old the data of a source may be that a schedule syncs; for others it is STALE_AFTER."""
    bound = timedelta(hours=notifications.wanted(reader).stale_after_hours)
    return dict.fromkeys(schedules.by_source(reader), bound)


def turning_stale(reader: Reader, now: datetime) -> dict[str, timedelta]:
    """The sources whose data has become too old by now, untold, and how old it may be."""
    bounds = stale_after(reader)
    rows = reader.rows(
        "SELECT name, synced_at FROM source_states WHERE synced_at IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM attention_marks WHERE source = name AND kind = :stale)",
        stale=STALE,
    )
    return {
        name: bound
        for name, synced_at in rows
        if now - datetime.fromisoformat(synced_at) >= (bound := bounds.get(name, STALE_AFTER))
    }
