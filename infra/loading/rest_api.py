"""Type `rest_api`: an HTTP API as its block describes it, by dlt's REST source."""

import datetime as dt
import functools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import duckdb
import msgspec

from commands import ports
from domain.source_types import rest
from infra.loading import reports, told
from infra.loading.pipelines import MERGE, NAME, Pipeline
from infra.loading.settings import LoadSettings
from infra.loading.staged import Staged
from infra.loading.web import credentials
from infra.loading.web.session import Session
from infra.workers.desk import Desk

if TYPE_CHECKING:
    from dlt.extract import DltSource

DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
DAY_S: Final = 86_400
_LAG: Final = {
    "iso": DAY_S,
    "second": DAY_S,
    "minute": DAY_S,
    "date": 1,
    "epoch_s": DAY_S,
    "epoch_ms": DAY_S * 1000,
}


def stage(
    connection: duckdb.DuckDBPyConnection, load: ports.Load, settings: LoadSettings, desk: Desk
) -> Staged:
    """Fetch every endpoint's rows, from where the last run ended."""
    block = read(load)
    return stage_block(connection, load, settings, desk, block=block)


def stage_block(
    connection: duckdb.DuckDBPyConnection,
    load: ports.Load,
    settings: LoadSettings,
    desk: Desk,
    *,
    block: rest.RestApiBlock,
) -> Staged:
    """Fetch what a block describes."""
    pipeline = Pipeline(connection, load, settings, desk)
    again = [rest.table_name(one) for one in block.endpoints] if load.start_date else []
    return pipeline.stage(source(block, load), forget=again)


def sample(
    connection: duckdb.DuckDBPyConnection, load: ports.Load, settings: LoadSettings, desk: Desk
) -> ports.Sample:
    """Fetch the first page of every endpoint; show the first rows of the first one."""
    return sample_block(connection, load, settings, desk, block=read(load))


def sample_block(
    connection: duckdb.DuckDBPyConnection,
    load: ports.Load,
    settings: LoadSettings,
    desk: Desk,
    *,
    block: rest.RestApiBlock,
) -> ports.Sample:
    """Show what a block would bring."""
    pipeline = Pipeline(connection, load, settings, desk)
    return pipeline.sample(source(block, load))


def read(load: ports.Load) -> rest.RestApiBlock:
    """Give the block of a load."""
    return told.block(load, rest.RestApiBlock)


def session(block: rest.RestApiBlock) -> Session:
    """A session that knows the block's credentials."""
    ignored = frozenset(status for one in block.endpoints for status in one.ignore_statuses)
    made = Session(
        block.base_url,
        allow_private=block.allow_private_hosts,
        error_body=block.error_body,
        ignored=ignored,
    )
    made.credentials = credentials.of(block, made.ask_token)
    for headers in (block.headers or {}, *(one.headers for one in block.endpoints)):
        credentials.refuse_unfit(headers)
    return made


def source(block: rest.RestApiBlock, load: ports.Load) -> "DltSource":
    """Dlt's source for a block."""
    from dlt.sources.rest_api import rest_api_source

    client: dict[str, Any] = {
        "base_url": block.base_url,
        "headers": block.headers or {},
        "session": session(block),
    }
    if block.paginator is not None:
        client["paginator"] = paginator(block.paginator)
    config: Any = {
        "client": client,
        "resources": [resource(one, block, load) for one in block.endpoints],
    }
    try:
        return rest_api_source(config, name=NAME, root_key=True)
    except (ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ports.WorkRefused(f"The source's endpoints do not fit together: {reason}") from None


def resource(one: rest.Endpoint, block: rest.RestApiBlock, load: ports.Load) -> dict[str, Any]:
    """One endpoint in dlt's words."""
    more = {
        "json": one.json,
        "headers": one.headers,
        "data_selector": one.data_selector,
        "paginator": one.paginator and paginator(one.paginator),
        "incremental": one.incremental and incremental(one.incremental, one, block, load),
    }
    endpoint: dict[str, Any] = {
        "path": one.path,
        "method": one.method,
        "params": dict(one.params),
        **{name: value for name, value in more.items() if value},
    }
    if one.ignore_statuses:
        endpoint["response_actions"] = [
            {"status_code": status, "action": "ignore"} for status in one.ignore_statuses
        ]
    made: dict[str, Any] = {
        "name": rest.table_name(one),
        "endpoint": endpoint,
        "write_disposition": MERGE if one.write == "merge" else one.write,
    }
    if one.keys:
        made["primary_key"] = list(one.keys)
    if one.include_from_parent:
        made["include_from_parent"] = list(one.include_from_parent)
    if one.nesting_max is not None:
        made["max_table_nesting"] = one.nesting_max
    if steps := _steps(one):
        made["processing_steps"] = steps
    return made


def _steps(one: rest.Endpoint) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = [{"yield_map": named_rows()}] if one.header_row else []
    if one.report is not None:
        steps.append({"map": functools.partial(reports.reported, one.report)})
    if one.keep:
        steps.append(
            {
                "filter": lambda row: all(
                    str(_at(row, path)) in wanted for path, wanted in one.keep.items()
                )
            }
        )
    return steps


def _at(row: Any, path: str) -> Any:
    for step in path.split("."):
        row = row.get(step) if isinstance(row, dict) else None
    return row


def paginator(wanted: rest.Paginator) -> dict[str, Any]:
    """A paginator in dlt's words, which ours are."""
    told_: dict[str, Any] = msgspec.to_builtins(wanted)
    made = {name: value for name, value in told_.items() if value is not None}
    # Where no total is named, the last page is an empty one; dlt would look for a total.
    if isinstance(wanted, rest.Offset | rest.PageNumber):
        made["total_path"] = wanted.total_path
    return made


def incremental(
    wanted: rest.Incremental, one: rest.Endpoint, block: rest.RestApiBlock, load: ports.Load
) -> dict[str, Any]:
    """A cursor in dlt's words."""
    first = load.start_date or block.start_date
    last = load.end_date or block.end_date
    start = _first(wanted) if first is None else spelled(_day(first), wanted.format)
    made: dict[str, Any] = {
        "cursor_path": wanted.cursor_path,
        "initial_value": start,
        "start_param": wanted.start_param,
        "end_param": wanted.end_param,
        "row_order": wanted.row_order,
        "on_cursor_value_missing": "include",
    }
    if last is not None:
        # The last day is meant as a whole.
        made["end_value"] = spelled(_day(last) + dt.timedelta(days=1), wanted.format)
        if start is None:
            made["initial_value"] = spelled(_day("1970-01-01"), wanted.format)
    elif block.lookback_days and wanted.format in _LAG:
        made["lag"] = block.lookback_days * _LAG[wanted.format]
    if one.write == "merge":
        made["primary_key"] = []  # rows that come twice are merged; dlt need not remember them
    if wanted.param_format is not None and wanted.param_format != wanted.format:
        made["convert"] = _converter(wanted.format, wanted.param_format)
    return {name: value for name, value in made.items() if value is not None}


def _first(wanted: rest.Incremental) -> str | int | float | None:
    """The cursor's first value; a day alone is spelled as cursors are."""
    value = wanted.initial_value
    if isinstance(value, str) and wanted.format != "date" and DAY.fullmatch(value):
        return spelled(_day(value), wanted.format)
    return value


def spelled(moment: dt.datetime, as_: rest.Moment) -> str | int:
    """Write a point in time as a cursor or a parameter has it."""
    match as_:
        case "iso" | "second":
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        case "date":
            return moment.strftime("%Y-%m-%d")
        case "minute":
            return moment.strftime("%Y-%m-%d %H:%M")
        case "epoch_s":
            return int(moment.timestamp())
        case "epoch_ms":
            return int(moment.timestamp() * 1000)
        case "epoch_text":
            return f"{moment.timestamp():.6f}"


def moment_of(value: Any, as_: rest.Moment) -> dt.datetime:
    """Read a point in time."""
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    if as_ in ("epoch_s", "epoch_ms", "epoch_text"):
        seconds = float(value) / (1000 if as_ == "epoch_ms" else 1)
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    found = dt.datetime.fromisoformat(str(value))
    return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)


def _converter(of: rest.Moment, to: rest.Moment) -> Callable[[Any], Any]:
    return lambda value: spelled(moment_of(value, of), to)


def named_rows() -> Callable[[Any], Any]:
    """Turn lists into rows; the first list has the names of the columns."""
    names: list[str] = []

    def step(row: Any) -> Any:
        if not names:
            names.extend(str(name) or f"column_{number}" for number, name in enumerate(row, 1))
            return
        more = [f"column_{number}" for number in range(len(names) + 1, len(row) + 1)]
        yield dict(zip((*names, *more), row, strict=False))

    return step


def _day(text: str) -> dt.datetime:
    try:
        return dt.datetime.combine(dt.date.fromisoformat(text[:10]), dt.time(), dt.UTC)
    except ValueError:
        raise ports.WorkRefused(f"'{text}' is no date like 2026-01-31.") from None
