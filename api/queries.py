"""POST /api/query: a read-only statement, answered by a worker that can be killed."""

import re
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Response

from api import past
from api.call import Call
from api.errors import invalid
from api.running import Running
from commands.ports import (
    Busy,
    MaskedColumn,
    Queried,
    Query,
    ResultFormat,
    WorkCancelled,
    WorkFailed,
    WorkRefused,
    WorkTimedOut,
)
from commands.queries import CancelQuery, RecordQuery
from domain import queries
from domain.queries import QueryExecuted, QueryMissing, QueryThere
from projections import sources

SQL_BYTES_MAX: Final = 102_400
SEES_MASKED: Final = "pii.view"
ENDS_ANY: Final = "platform.manage"
MEDIA_TYPES: Final = {
    ResultFormat.CSV: "text/csv; header=present",
    ResultFormat.ARROW: "application/vnd.apache.arrow.stream",
    ResultFormat.PARQUET: "application/vnd.apache.parquet",
}
# A UUID with or without its dashes. `$` would let a line end pass.
_ID: Final = r"^[0-9a-fA-F]{8}(-?)([0-9a-fA-F]{4}\1){3}[0-9a-fA-F]{12}(?![\s\S])"
_UUID: Final = re.compile(_ID)


class QueryBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The statement. Who may want to cancel it before it is answered gives it an id, a UUID."""

    sql: str
    as_of: int | str | None = None  # a position or a time, as in ?as_of=
    format: ResultFormat | None = None  # as in ?format=; json
    query_id: Annotated[str, msgspec.Meta(pattern=_ID)] | None = None


class QueryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back; `types` are DuckDB's names, `masked` the columns that the caller may not see.

    Of another format than JSON the answer is a file, and the headers alone tell of it.
    """

    columns: tuple[str, ...]
    rows: msgspec.Raw
    row_count: int
    truncated: bool
    warning: str | None
    types: tuple[str, ...]
    masked: tuple[str, ...]
    query_id: str
    duration_ms: int


class RunningQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A query that runs, or waits for its turn."""

    query_id: str
    actor: str
    started_at: datetime


class RunningQueries(msgspec.Struct, frozen=True, kw_only=True):
    """The oldest first."""

    queries: list[RunningQuery]


class QueryCancelAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The query's own request is answered 409."""

    query_id: str
    success: bool = True


async def run_query(
    call: Call,
    data: QueryBody,
    *,
    format: ResultFormat | None = None,  # noqa: A002 - the name of the parameter
) -> QueryAnswer | Response[bytes]:
    """Answer a read-only statement, as JSON or as a file."""
    if len(data.sql.encode()) > SQL_BYTES_MAX:
        raise invalid("sql", f"is longer than {SQL_BYTES_MAX} bytes")
    platform = call.platform
    snapshot = _snapshot(call, data)
    query = Query(
        sql=data.sql,
        rows_max=platform.settings.query_rows_max,
        snapshot=snapshot,
        format=data.format or format or ResultFormat.JSON,
        masked=_masked(call, past=snapshot is not None),
    )
    query_id = _id(call, data.query_id)
    call.headers["X-Query-Id"] = query_id
    started = platform.clock()
    with platform.queries.enter(query_id, call.caller.actor, started) as running:
        try:
            result, duration = await running.until_done(_run(call, query))
        except Busy:
            raise
        except WorkFailed as error:
            duration = _milliseconds(call, started)
            await _record(call, query, running, duration, error=error)
            raise
        await _record(call, query, running, duration, result=result)
    call.headers["X-Truncated"] = str(result.truncated).lower()
    if query.format is not ResultFormat.JSON:
        return _file(call, query.format, query_id, result)
    return QueryAnswer(
        columns=result.columns,
        rows=result.rows,
        row_count=result.row_count,
        truncated=result.truncated,
        warning=result.warning,
        types=result.types,
        masked=result.masked,
        query_id=query_id,
        duration_ms=duration,
    )


async def list_running(call: Call) -> RunningQueries:
    """List the caller's queries that run or wait; those of all for who manages the platform."""
    everybodys = call.caller.may(ENDS_ANY)
    return RunningQueries(
        queries=[
            RunningQuery(query_id=one.query_id, actor=one.actor, started_at=one.started_at)
            for one in call.platform.queries.every()
            if everybodys or one.actor == call.caller.actor
        ]
    )


async def cancel_query(call: Call, query_id: str) -> QueryCancelAnswer:
    """End a query that runs or waits: one's own, or any for who manages the platform."""
    running = call.platform.queries.find(_plain(query_id))
    mine = running is not None and running.actor == call.caller.actor
    if running is None or not (mine or call.caller.may(ENDS_ANY)):
        raise QueryMissing(query_id)
    await call.send(CancelQuery(query_id=running.query_id))
    running.cancel()
    return QueryCancelAnswer(query_id=running.query_id)


async def _run(call: Call, query: Query) -> tuple[Queried, int]:
    platform, settings = call.platform, call.platform.settings
    # A few queries that eat memory for as long as they may would hold all workers otherwise.
    async with platform.query_turns.take(call.caller.actor, settings.queries_per_user_max):
        started = platform.clock()
        result = await platform.warehouse.query(query, settings.query_timeout_s)
        return result, _milliseconds(call, started)


def _masked(call: Call, *, past: bool) -> tuple[MaskedColumn, ...]:
    """What is personal now is masked in the past too, by whatever code models had then."""
    if call.caller.may(SEES_MASKED):
        return ()
    return call.platform.masked_columns(call.platform.views.current, past)


def _id(call: Call, given: str | None) -> str:
    """The query's id: a new one, or the one that the client gave it. Raises QueryThere."""
    if given is None:
        return call.platform.new_id()
    query_id = _plain(given)
    if call.platform.history.under(queries.of(query_id)) is not None:
        raise QueryThere(query_id)
    return query_id


def _plain(given: str) -> str:
    """A UUID as our own ids are written."""
    return given.replace("-", "").lower() if _UUID.fullmatch(given) else given


def _file(call: Call, kind: ResultFormat, query_id: str, result: Queried) -> Response[bytes]:
    name = f"query-{re.sub(r'[^A-Za-z0-9-]', '', query_id)}.{kind}"
    call.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(result.file, media_type=MEDIA_TYPES[kind])


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
    running: Running,
    duration_ms: int,
    *,
    result: Queried | None = None,
    error: WorkFailed | None = None,
) -> None:
    executed = QueryExecuted(
        query_id=running.query_id,
        outcome=_OUTCOMES.get(type(error), "failed"),
        relations=() if result is None else result.relations,
        rows=0 if result is None else result.row_count,
        truncated=result is not None and result.truncated,
        snapshot=query.snapshot,
        duration_ms=duration_ms,
        format=str(query.format),
        masked_columns=None if result is None else len(result.masked),
    )
    await call.send(RecordQuery(executed=executed, sql=query.sql, owner=call.caller.user_id))


_OUTCOMES: Final[dict[type[Any], str]] = {
    type(None): "answered",
    WorkRefused: "refused",
    WorkTimedOut: "timed_out",
    WorkCancelled: "cancelled",
}


def _milliseconds(call: Call, started: datetime) -> int:
    return round((call.platform.clock() - started).total_seconds() * 1000)
