"""POST /api/query: a read-only statement, answered by a worker that can be killed."""

from datetime import datetime
from typing import Final

import msgspec

from api import past
from api.call import Call
from api.errors import invalid
from commands.ports import Busy, Queried, Query, WorkFailed, WorkRefused, WorkTimedOut
from commands.queries import RecordQuery
from domain.queries import QueryExecuted
from projections import sources

SQL_BYTES_MAX: Final = 102_400


class QueryBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The statement."""

    sql: str
    as_of: int | str | None = None  # a position or a time, as in ?as_of=


class QueryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back; `types` are DuckDB's names."""

    columns: tuple[str, ...]
    rows: msgspec.Raw
    row_count: int
    truncated: bool
    warning: str | None
    types: tuple[str, ...]
    query_id: str
    duration_ms: int


async def run_query(call: Call, data: QueryBody) -> QueryAnswer:
    """Answer a read-only statement."""
    if len(data.sql.encode()) > SQL_BYTES_MAX:
        raise invalid("sql", f"is longer than {SQL_BYTES_MAX} bytes")
    platform, settings = call.platform, call.platform.settings
    query = Query(sql=data.sql, rows_max=settings.query_rows_max, snapshot=_snapshot(call, data))
    query_id = platform.new_id()
    # A few queries that eat memory for as long as they may would hold all workers otherwise.
    async with platform.query_turns.take(call.caller.actor, settings.queries_per_user_max):
        started = platform.clock()
        try:
            result = await platform.warehouse.query(query, settings.query_timeout_s)
        except Busy:
            raise
        except WorkFailed as error:
            await _record(call, query, query_id, _milliseconds(call, started), error=error)
            raise
        duration = _milliseconds(call, started)
    await _record(call, query, query_id, duration, result=result)
    return QueryAnswer(
        columns=result.columns,
        rows=result.rows,
        row_count=result.row_count,
        truncated=result.truncated,
        warning=result.warning,
        types=result.types,
        query_id=query_id,
        duration_ms=duration,
    )


def _snapshot(call: Call, body: QueryBody) -> int | None:
    """The warehouse's commit that is asked for; None for the newest."""
    text = call.request.query_params.get("as_of") if body.as_of is None else str(body.as_of)
    if text is None:
        return None
    past.look_at(call, text)
    found = sources.snapshot(call.views)
    if found is None:
        raise invalid("as_of", "is before anything was published to the warehouse")
    return found


async def _record(
    call: Call,
    query: Query,
    query_id: str,
    duration_ms: int,
    *,
    result: Queried | None = None,
    error: WorkFailed | None = None,
) -> None:
    executed = QueryExecuted(
        query_id=query_id,
        outcome=_OUTCOMES.get(type(error), "failed"),
        relations=() if result is None else result.relations,
        rows=0 if result is None else result.row_count,
        truncated=result is not None and result.truncated,
        snapshot=query.snapshot,
        duration_ms=duration_ms,
    )
    await call.send(RecordQuery(executed=executed, sql=query.sql, owner=call.caller.user_id))


_OUTCOMES: Final = {
    type(None): "answered",
    WorkRefused: "refused",
    WorkTimedOut: "timed_out",
}


def _milliseconds(call: Call, started: datetime) -> int:
    return round((call.platform.clock() - started).total_seconds() * 1000)
