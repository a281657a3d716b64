"""The columns of a table, and what they hold as it was counted last."""

import asyncio
from datetime import datetime
from typing import Final

import msgspec

from api import masks
from api.call import Call
from api.errors import Denied
from commands.profiles import RecordProfile
from commands.profiling import ColumnProfile, Profile, TableProfile
from domain import profiles as domain
from domain.datasets import Column
from projections import profiles, sources, tables

Stats = dict[str, str | None]  # values are texts, as the existing product has them
HUNDRED: Final = 100


class ColumnView(msgspec.Struct, frozen=True, kw_only=True):
    """A column; `stats` is empty before the first profile, and without values when `masked`."""

    name: str
    type: str
    nullable: bool
    stats: Stats
    description: str | None
    masked: bool


class ProfileView(msgspec.Struct, frozen=True, kw_only=True):
    """A table; `stale` when something was published after it was profiled."""

    source: str
    table: str
    row_count: int | None
    profiled_at: datetime | None
    snapshot: int | None  # the warehouse's commit that was profiled
    stale: bool
    columns: list[ColumnView]


async def columns(call: Call, source: str, table: str) -> ProfileView:
    """Show the columns of a table, with what they held when it was profiled last."""
    found = _find(call, source, table)
    known = profiles.one(call.views, found.schema, found.name)
    return _view(call, source, found, known)


async def profile(call: Call, source: str, table: str) -> ProfileView:
    """Count through a table, unless nothing was published since it was done last."""
    found = _find(call, source, table)
    known = profiles.one(call.views, found.schema, found.name)
    if known is None or _stale(found, known) or kept(call, found, known) is None:
        await _count(call, found)
        known = profiles.one(call.views, found.schema, found.name)
    return _view(call, source, found, known)


async def _count(call: Call, found: tables.Published) -> None:
    platform = call.platform
    if platform.profiler is None:
        raise Denied(503, "This process looks into no tables.")
    begun = platform.clock()
    counted = await platform.profiler.profile(Profile(schema=found.schema, table=found.name))
    ended = platform.clock()
    if platform.profiles is not None:
        await asyncio.to_thread(platform.profiles.keep, counted, ended)
    profiled = domain.TableProfiled(
        schema=counted.schema,
        table=counted.table,
        snapshot=counted.snapshot,
        rows=counted.row_count,
        columns=len(counted.columns),
        duration_s=round((ended - begun).total_seconds(), 3),
    )
    await call.send(RecordProfile(profiled=profiled))


def kept(
    call: Call, found: tables.Published, known: profiles.Profiled | None
) -> TableProfile | None:
    """What is remembered of a profile."""
    if known is None or call.platform.profiles is None:
        return None
    return call.platform.profiles.find(found.schema, found.name, known.snapshot)


def described(
    call: Call, found: tables.Published, counted: TableProfile | None
) -> list[ColumnView]:
    """The columns of a table; values of those that are masked now are left out, of the past too."""
    hidden = masks.of_table(masks.hidden(call), found.schema, found.name)
    stats = {} if counted is None else {each.name: each for each in counted.columns}
    return [_column(each, found, stats.get(each.name), hidden) for each in found.columns]


def _column(
    column: Column, found: tables.Published, stats: ColumnProfile | None, hidden: frozenset[str]
) -> ColumnView:
    masked = column.name.casefold() in hidden
    return ColumnView(
        name=column.name,
        type=column.type,
        nullable=True,  # the warehouse has no other columns
        stats={} if stats is None else _stats(stats, found.row_count, masked=masked),
        description=found.descriptions.get(column.name) or None,
        masked=masked,
    )


def _stats(found: ColumnProfile, rows: int | None, *, masked: bool) -> Stats:
    share = HUNDRED * found.null_count / rows if rows else 0.0
    stats: Stats = {
        "null_count": str(found.null_count),
        "null_pct": str(round(min(share, HUNDRED), 2)),
        "distinct_count": str(found.distinct_count),
    }
    if masked:
        return stats
    plain = {
        "min": found.min,
        "max": found.max,
        "mean": found.mean,
        "min_length": found.min_length,
        "max_length": found.max_length,
    }
    stats |= {name: str(value) for name, value in plain.items() if value is not None}
    nested = {
        "sample_values": found.top[:5],
        "top_values": found.top,
        "quantiles": found.quantiles,
        "histogram": found.histogram,
    }
    return stats | {name: _json(value) for name, value in nested.items() if value}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _stale(found: tables.Published, known: profiles.Profiled) -> bool:
    return found.at is not None and known.at < found.at


def _view(
    call: Call, source: str, found: tables.Published, known: profiles.Profiled | None
) -> ProfileView:
    counted = kept(call, found, known)
    gone = known is None or counted is None
    return ProfileView(
        source=source,
        table=found.name,
        row_count=found.row_count,
        profiled_at=None if known is None or gone else known.at,
        snapshot=None if known is None or gone else known.snapshot,
        stale=known is not None and _stale(found, known),
        columns=described(call, found, counted),
    )


def _find(call: Call, source: str, table: str) -> tables.Published:
    """Raises NothingPublished, TableMissing."""
    found = tables.find(call.views, source, table)
    if found is not None:
        return found
    health = sources.one(call.views, source)
    if health is not None and health.tables:
        raise domain.TableMissing(source, table)
    raise domain.NothingPublished(source)
